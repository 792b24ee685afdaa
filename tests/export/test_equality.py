"""An exported file is the file that live writing makes, for every shape of run."""

from __future__ import annotations

from typing import Any

import pytest

import bluescribe
from bluescribe.formats import load_format
from bluescribe.sources import open_source
from bluescribe.testing import SHAPES
from bluescribe.testing.contract.playing import played
from tests.contracts import CONTRACTS
from tests.export.files import differences

FORMATS = ("csv", "jsonl", "nexus", "spec")
ALL_FORMATS = (*FORMATS, "dx", "hdf5", "json", "tiff")


@pytest.fixture
def shapes_folder(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "shapes"


def write_live(folder, documents, formats=FORMATS, **options):
    for name in formats:
        writer_class = load_format(name)
        known = writer_class.settings_class.model_fields
        with writer_class(folder, **{k: v for k, v in options.items() if k in known}) as writer:
            for pair in documents:
                writer(*pair)


NOT_SHOWN = {
    "resource_missing_file": {"dx", "tiff"},
    "resource_npy": {"dx"},
    "resource_tiff": {"dx"},
    "stream_fly_tiff": {"dx"},
}
"""Formats that tell of images that they could not show or copy, as they do when it is live."""


@pytest.mark.parametrize("name", SHAPES)
def test_documents_export_as_they_are_written_live(name, tmp_path, shapes_folder):
    documents = list(played(name, "plain", shapes_folder))
    write_live(tmp_path / "live", documents, ALL_FORMATS, images_timeout=0.0)
    done = bluescribe.export(documents, tmp_path / "exported", ALL_FORMATS, images_timeout=0.0)
    assert {n for run in done.runs for n in run.failures} == NOT_SHOWN.get(name, set())
    assert differences(tmp_path / "live", tmp_path / "exported") == []
    assert set(done.files) <= set((tmp_path / "exported").rglob("*"))


EXTERNAL = [name for name, shape in SHAPES.items() if shape.external]


@pytest.mark.parametrize("name", EXTERNAL)
def test_copied_images_export_as_they_are_copied_live(name, tmp_path, shapes_folder):
    documents = list(played(name, "plain", shapes_folder))
    options: Any = {"images": "copy", "images_timeout": 0.0}
    write_live(tmp_path / "live", documents, ("dx", "tiff"), **options)
    bluescribe.export(documents, tmp_path / "exported", ("dx", "tiff"), **options)
    assert differences(tmp_path / "live", tmp_path / "exported") == []


OVERLAPPING = {name for name in SHAPES if name.startswith(("nested", "interleaved"))}
"""Runs that go on at the same time: a SPEC file has them in the order in which they ended, an
export of their journals in the order in which they began."""

NO_TYPES = {
    "array_layouts",
    "async_typed_signals",
    "configuration",
    "fly_pages_of_arrays",
    "images",
    "metadata_not_json",
    "metadata_numpy",
    "numpy_scalars",
    "text_arrays",
    "two_mcas",
}
"""JSON has no widths of numbers and no arrays: where no ``dtype_numpy`` is declared, an export of
the journal has wider numbers of the same value."""


@pytest.mark.parametrize("name", sorted(NO_TYPES))
def test_what_json_has_no_types_for_keeps_its_values(name, tmp_path, shapes_folder):
    documents = list(played(name, "plain", shapes_folder))
    bluescribe.export(documents, tmp_path, ["jsonl"])
    bluescribe.export(tmp_path, tmp_path / "exported", FORMATS)
    read = list(open_source(tmp_path).find()[0].documents())
    for format_name in FORMATS:
        contract = CONTRACTS[format_name]()
        contract.check_runs(contract.read_back(tmp_path / "exported"), read)


@pytest.mark.parametrize("name", [name for name in SHAPES if name not in NO_TYPES])
def test_journals_export_as_they_are_written_live(name, tmp_path, shapes_folder):
    documents = list(played(name, "plain", shapes_folder))
    write_live(tmp_path / "live", documents)
    done = bluescribe.export(tmp_path / "live", tmp_path / "exported", FORMATS)
    assert not done.failures
    wrong = differences(tmp_path / "live", tmp_path / "exported")
    assert [n for n in wrong if name not in OVERLAPPING or not n.endswith(".dat")] == []
