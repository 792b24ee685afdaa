"""An exported file is the file that live writing makes, for every shape of run."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

import bluescribe
from bluescribe.archive.packing import pack
from bluescribe.sources import as_runs, open_source
from bluescribe.testing import SHAPES
from tests.export.exact import exact
from tests.export.files import differences
from tests.export.live import (
    AT_ONCE,
    FORMATS,
    NOT_SHOWN,
    check_values,
    failed,
    shape,
    write_live,
)
from tests.extent import some


@pytest.fixture
def base(tmp_path_factory):
    return tmp_path_factory.getbasetemp()


@pytest.mark.parametrize("name", some(SHAPES))
def test_documents_export_as_they_are_written_live(name, tmp_path, base):
    documents, live = shape(name, base)
    done = bluescribe.export(documents, tmp_path / "exported", FORMATS, **AT_ONCE)
    assert failed(done) == NOT_SHOWN.get(name, set())
    assert differences(live, tmp_path / "exported") == []
    assert set(done.files) <= set(tmp_path.rglob("*"))


EXTERNAL = [name for name, shape in SHAPES.items() if shape.external]


@pytest.mark.parametrize("name", some(EXTERNAL))
def test_copied_images_export_as_they_are_copied_live(name, tmp_path, base):
    documents, _ = shape(name, base)
    options: Any = {"images": "copy", **AT_ONCE}
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
    "real_turning_complex",
    "text_arrays",
    "two_mcas",
}
"""JSON has no widths of numbers and no arrays: where no ``dtype_numpy`` is declared, an export of
the journal has wider numbers of the same value."""


@pytest.mark.parametrize("name", sorted(NO_TYPES))
def test_what_json_has_no_types_for_keeps_its_values(name, tmp_path, base):
    _, live = shape(name, base)
    source = tmp_path / "source"
    source.mkdir()
    for path in live.glob("*.jsonl"):
        (source / path.name).write_bytes(path.read_bytes())
    read = list(open_source(source).find()[0].documents())
    check_values(source, tmp_path / "exported", read)


@pytest.mark.parametrize("name", some(name for name in SHAPES if name not in NO_TYPES))
def test_journals_export_as_they_are_written_live(name, tmp_path, base):
    _, live = shape(name, base)
    done = bluescribe.export(live, tmp_path / "exported", FORMATS, **AT_ONCE)
    assert failed(done) == NOT_SHOWN.get(name, set())
    wrong = differences(live, tmp_path / "exported")
    assert [n for n in wrong if name not in OVERLAPPING or not n.endswith(".dat")] == []


@pytest.mark.parametrize("name", some(SHAPES))
def test_packs_give_the_documents_of_journals(name, tmp_path, base):
    documents, live = shape(name, base)
    box = pack(documents, tmp_path, external=False)
    assert not box.failures
    packed, journals = as_runs(tmp_path), as_runs(live)
    assert [run.uid for run in packed] == [run.uid for run in journals]
    for one, other in zip(packed, journals, strict=True):
        assert exact(unquoted(one)) == exact(unquoted(other))


def unquoted(run):
    """Yield the documents of a run, URIs with one of the ways in which they can be quoted."""
    for name, doc in run.documents():
        yield name, {**doc, "uri": unquote(doc["uri"])} if name == "stream_resource" else doc
