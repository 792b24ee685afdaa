"""A run's file does not depend on how many documents were written at once."""

from __future__ import annotations

import pytest

from bluescribe.formats import load_format
from bluescribe.testing import SHAPES
from bluescribe.testing.contract.playing import played
from tests.export.files import differences
from tests.export.live import AT_ONCE, FORMATS
from tests.extent import some

OVERLAPPING = {name for name in SHAPES if name.startswith(("nested", "interleaved"))}
"""Runs that go on at the same time: a SPEC file begins with the one that has points first."""

LONG = {"wide", "many_events", "fly_many_rows"}
"""Shapes whose events are too many to be written one by one."""


def write(folder, documents, *, one_by_one):
    for name in FORMATS:
        writer_class = load_format(name)
        options = (
            AT_ONCE if AT_ONCE.keys() <= writer_class.settings_class.model_fields.keys() else {}
        )
        with writer_class(folder, **options) as writer:
            for pair in documents:
                writer(*pair)
                if one_by_one:
                    writer.flush()


@pytest.mark.parametrize("name", some(name for name in SHAPES if name not in LONG))
def test_batches_are_not_seen_in_files(name, tmp_path, tmp_path_factory):
    documents = list(played(name, "plain", tmp_path_factory.getbasetemp() / "shapes"))
    write(tmp_path / "together", documents, one_by_one=False)
    write(tmp_path / "single", documents, one_by_one=True)
    wrong = differences(tmp_path / "together", tmp_path / "single")
    assert [n for n in wrong if name not in OVERLAPPING or not n.endswith(".dat")] == []
