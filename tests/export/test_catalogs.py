"""What databroker and databroker-pack keep of each shape of run is exported as it was written live.

The catalogs are databroker's own of msgpack and of JSON Lines files, filled by the serializers that
it uses itself. Those of MongoDB give documents by the same code.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import import_module

import pytest

import bluescribe
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
from tests.needs import needs

pytestmark = pytest.mark.filterwarnings("ignore")  # of databroker and intake, at many places

needs("databroker", "databroker_pack", "suitcase.msgpack", "suitcase.jsonl")

REFUSED = {
    "array_layouts": "cannot include dtype 'M' in a buffer",
    "async_typed_signals": "can not serialize 'Samples' object",
    "described_by_numpy": "Integer value out of range",
    "fly_page_without_rows": "called with empty",
    "fly_with_bad_values": "Integer value out of range",
    "huge_integers": "Integer value out of range",
    "metadata_not_json": "can not serialize 'set' object",
    "metadata_numbers": "Integer value out of range",
    "metadata_unicode": "surrogates not allowed",
    "names_unprintable": "surrogates not allowed",
    "resource_of_earlier_run": "",  # the uid of the resource
    "scan_id_strange": "Integer value out of range",
    "streams_awkward": "surrogates not allowed",
    "strings_unencodable": "surrogates not allowed",
    "wide_unsigned_arrays": "Integer value out of range",
}
"""Shapes of run that suitcase-msgpack, or the router before it, does not take, and why."""

KEPT = [name for name in SHAPES if name not in REFUSED]

PAGED = {name for name in KEPT if name.startswith(("fly", "resource_"))} | {
    "bare_documents",
    "events_and_pages",
}
"""databroker keeps no pages, and no place of a datum among events and the datums of others: a
journal has single events after all datums. What was measured is the same, and so are all files but
for the datums that HDF5 files quote."""

STREAMED = {name for name in KEPT if name.startswith(("stream_", "async_"))}
"""databroker 1.x keeps no stream_resource and no stream_datum: the files name no external file."""

OVERLAPPING = {name for name in SHAPES if name.startswith(("nested", "interleaved"))}
"""A SPEC file has the runs in the order in which they ended, an export in that of their starts."""

NO_JSON = dict.fromkeys(
    ("dtype_changing", "real_turning_complex"), "complex is not JSON serializable"
)
"""Shapes of run that suitcase-jsonl does not take, and why."""

JOURNAL = re.compile(r"\.jsonl$|/datum: ")
SPEC = re.compile(r"\.dat$")
NOTHING = re.compile(r"(?!)")


@cache
def stored(name, kind, base):
    """Return a catalog with the runs of a shape."""
    from event_model import RunRouter

    folder = base / "stored" / kind / name
    serializers = []

    def factory(*_):
        serializers.append(import_module(f"suitcase.{kind}").Serializer(folder))
        return [serializers[-1]], []

    router = RunRouter([factory])
    try:
        for pair in shape(name, base)[0]:
            router(*pair)
    finally:
        for serializer in serializers:  # runs without a stop document, too
            serializer.close()
    driver = import_module(f"databroker._drivers.{kind}")
    catalog = {"msgpack": "BlueskyMsgpackCatalog", "jsonl": "BlueskyJSONLCatalog"}[kind]
    handlers = dict.fromkeys(SPECS, FileNamer)
    return getattr(driver, catalog)(f"{folder}/*.{kind}", handler_registry=handlers)


SPECS = ("AD_HDF5", "AD_HDF5_SWMR", "AD_TIFF", "NPY_SEQ", "SITE_TIFF_SEQ")


class FileNamer:
    """All that databroker-pack asks of a handler, for it needs one for each resource."""

    def __init__(self, path, **_):
        self.path = path

    def get_file_list(self, _):
        return [self.path]


@pytest.fixture
def base(tmp_path_factory):
    return tmp_path_factory.getbasetemp()


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_databroker_refuses(name, base):
    with pytest.raises((ValueError, OverflowError, TypeError, KeyError), match=REFUSED[name]):
        stored(name, "msgpack", base)


@pytest.mark.ci
@pytest.mark.parametrize("name", some(KEPT))
def test_a_catalog_exports_as_it_was_written_live(name, base, tmp_path):
    documents, live = shape(name, base)
    catalog = stored(name, "msgpack", base)
    done = bluescribe.export(catalog, tmp_path / "exported", FORMATS, **AT_ONCE)
    assert failed(done) == (set() if name in STREAMED else NOT_SHOWN.get(name, set()))
    may_differ = JOURNAL if name in PAGED else SPEC if name in OVERLAPPING else NOTHING
    wrong = [t for t in differences(live, tmp_path / "exported") if not may_differ.search(t)]
    assert wrong == [] or name in STREAMED
    if name in STREAMED | PAGED:
        write_live(tmp_path / "held", [p for run in as_runs(catalog) for p in run.documents()])
        assert differences(tmp_path / "held", tmp_path / "exported") == []
        check_values(catalog, tmp_path / "values", [p for p in documents if "stream_" not in p[0]])


@pytest.mark.parametrize("name", some(KEPT))
def test_packs_and_json_lines_give_the_documents_of_the_catalog(name, base, tmp_path):
    catalog = stored(name, "msgpack", base)
    runs = [list(run.documents()) for run in as_runs(catalog)]
    packed = open_source(packed_by_databroker(catalog, "msgpack", tmp_path / "msgpack")).find()
    assert [exact(run.documents()) for run in packed] == [exact(run) for run in runs]
    if name in NO_JSON:
        with pytest.raises(TypeError, match=NO_JSON[name]):
            stored(name, "jsonl", base)
        return
    packed = open_source(packed_by_databroker(catalog, "jsonl", tmp_path / "jsonl")).find()
    for found in (packed, as_runs(stored(name, "jsonl", base))):
        assert [exact(run.documents()) for run in found] == [exact(in_json(run)) for run in runs]


def packed_by_databroker(catalog, kind, box):
    """Return a folder as the command databroker-pack makes it."""
    import databroker_pack
    from suitcase.utils import MultiFileManager

    serializer = import_module(f"suitcase.{kind}").Serializer
    _, external, failures, *_ = databroker_pack.export_catalog(
        catalog, box, serializer_class=serializer
    )
    assert not failures
    roots = {key: root for _, root, key in external}
    write = getattr(databroker_pack, f"write_{kind}_catalog_file")
    write(MultiFileManager(box), str(box), [f"documents/*.{kind}"], roots)
    return box


def in_json(documents):
    """Return documents as they come back from JSON, by the encoder that suitcase-jsonl uses."""
    from event_model import NumpyEncoder

    return [(name, json.loads(json.dumps(doc, cls=NumpyEncoder))) for name, doc in documents]
