"""An exported file is the file that live writing makes, for every shape of run."""

from __future__ import annotations

import pytest

import bluescribe
from bluescribe.formats import load_format
from bluescribe.testing import SHAPES
from bluescribe.testing.contract.playing import played
from tests.export.files import differences

FORMATS = ("csv", "jsonl", "nexus", "spec")


@pytest.fixture
def shapes_folder(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "shapes"


def write_live(folder, documents):
    for name in FORMATS:
        with load_format(name)(folder) as writer:
            for pair in documents:
                writer(*pair)


@pytest.mark.parametrize("name", SHAPES)
def test_documents_export_as_they_are_written_live(name, tmp_path, shapes_folder):
    documents = list(played(name, "plain", shapes_folder))
    write_live(tmp_path / "live", documents)
    done = bluescribe.export(documents, tmp_path / "exported", FORMATS)
    assert not done.failures
    assert differences(tmp_path / "live", tmp_path / "exported") == []
    assert set(done.files) <= set((tmp_path / "exported").rglob("*"))


@pytest.mark.parametrize("name", SHAPES)
def test_journals_export_as_they_are_written_live(name, tmp_path, shapes_folder):
    documents = list(played(name, "plain", shapes_folder))
    write_live(tmp_path / "live", documents)
    done = bluescribe.export(tmp_path / "live", tmp_path / "exported", FORMATS)
    assert not done.failures
    assert differences(tmp_path / "live", tmp_path / "exported") == []
