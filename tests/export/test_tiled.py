"""What a tiled server keeps of each shape of run exports with the values that were measured.

``TiledWriter`` declares types that were not declared, makes floats of integers and names events
anew. So the files are compared with those that live writing makes of the documents that the server
gives back, and the values in them with the ones that were measured.
"""

from __future__ import annotations

import pytest

import bluescribe
from bluescribe.sources import open_source
from bluescribe.testing import SHAPES
from bluescribe.testing.contract.base import ContractBase
from bluescribe.testing.contract.comparison import differences as values_that_differ
from bluescribe.testing.contract.playing import played
from bluescribe.testing.contract.recorded import received
from bluescribe.testing.contract.values import same_number
from tests.export.files import differences
from tests.export.live import AT_ONCE, FORMATS, write_live
from tests.extent import IS_LONG

pytestmark = [
    pytest.mark.ci,
    pytest.mark.filterwarnings("ignore"),  # of tiled and its clients, at many places
]

ASKED_500 = "Server error '500"

REFUSED = {
    "array_layouts": "not JSON serializable: numpy.complex128",
    "async_typed_signals": "an only convert 1-dim|ould not convert",  # of several fields, any
    "big_unsigned_integers": "int too large",
    "bool_turning_integer": "tried to convert to boolean",
    "dtype_changing": "Cannot mix NumPy dtypes",
    "empty_arrays": "Can only convert 1-dimensional array values",
    "filled_in_events": "Can only convert 1-dimensional array values",
    "float_turning_text": "tried to convert to double",
    "fly_page_without_rows": "called with empty",
    "fly_with_bad_values": "int too large",
    "huge_integers": "int too large",
    "integer_turning_float": "outside of the range exactly representable",
    "integers_of_mixed_width": "int too large",
    "lists": "outside of the range exactly representable",
    "metadata_not_json": "not JSON serializable: complex",
    "metadata_numpy": "iteration over a 0-d array",
    "metadata_unicode": "surrogates not allowed",
    "names_awkward": "reserved column names",
    "names_colliding": ASKED_500,
    "names_forbidden": "do not match any of the regexes",
    "names_of_arrays": ASKED_500,
    "names_of_devices": "Invalid SQL identifier",
    "names_reserved": ASKED_500,
    "names_unprintable": "surrogates not allowed",
    "one_element_arrays": "iteration over a 0-d array",
    "ragged_images": "Can only convert 1-dimensional array values",
    "rank_changing": "cannot mix list and non-list",
    "real_turning_complex": "not JSON serializable: complex",
    "redeclared_otherwise": "tried to convert to double",
    "resource_of_earlier_run": "",  # the uid of the resource
    "resource_tiff": ASKED_500,
    "scalar_turning_array": "tried to convert to double",
    "scan_id_text": "is not of type 'integer'",
    "streams_awkward": "surrogates not allowed",
    "strings_unencodable": "surrogates not allowed",
    "structures": "cannot mix list and non-list",
    "text_turning_number": "Expected bytes",
    "wide_unsigned_arrays": "int too large",
}
"""Shapes of run that TiledWriter or the server does not take, and why."""

CHANGED = {
    "interruptions_recorded": "seq_num [1, 2, 2, 3, 4] came back as [1, 2, 3, 4]",
    "metadata_numbers": "start: ",  # integers of more than 53 bits are cut
    "never_stopped": "seq_num [1, 2, 3, 4] came back as []",  # rows are sent at the stop
    "nones": "None came back as nan",
    "pause_resume": "seq_num [1, 2, 3, 3, 4] came back as [1, 2, 3, 4]",
    "pause_resume_twice": "seq_num [1, 2, 2, 3, 4, 4] came back as [1, 2, 3, 4]",
    "pause_rewinds_far": "seq_num [1, 2, 3, 1, 2, 3, 4] came back as [1, 2, 3, 4]",
    "resource_paused": "seq_num [1, 2, 2, 3] came back as [1, 2, 3]",
    "scan_id_strange": "start: ",
    "stream_fly_rollover": "camera_000.h5, which is not named",  # but their folder is
    "stream_scan_rollover": "camera_000.h5, which is not named",
    **{
        name: "came back as None"  # a stream_resource has taken the place of the datum
        for name in SHAPES
        if name.startswith("resource_") and name not in ("resource_paused", *REFUSED)
    },
}
"""Shapes of run that a server gives back otherwise than they were, and what is otherwise."""

SOME = [*list(SHAPES)[::36], "pause_resume", "scan_id_text", "never_stopped", "stream_count"]


class SameValues(ContractBase):
    """Numbers are equal whatever their types; descriptors have types that nobody declared."""

    def same(self, expected, found):
        return same_number(expected, found)

    def same_metadata(self, expected, found):
        is_one = isinstance(expected, dict)  # a start or a stop; the list is of descriptors
        return not is_one or same_number(list(expected.values()), [found[k] for k in expected])

    def may_leave_out(self, stream, field, value):
        return False


@pytest.fixture(scope="session")
def catalog(tiled_server):
    """Return a catalog of runs on the server, once: a worker may come back to this module."""
    from tiled.client import from_uri
    from tiled.structures.core import Spec

    root = from_uri(tiled_server, api_key="secret")
    yield root.create_container("shapes", specs=[Spec("CatalogOfBlueskyRuns", "3.0")])
    root.context.http_client.close()


@pytest.fixture
def base(tmp_path_factory):
    return tmp_path_factory.getbasetemp()


def put(catalog, documents):
    from bluesky_tiled_plugins import TiledWriter

    writer = TiledWriter(catalog)
    for pair in documents:
        writer(*pair)


@pytest.mark.parametrize("name", [n for n in SHAPES if IS_LONG or n in SOME])
def test_a_server_gives_what_was_measured_as_if_it_were_live(
    name, catalog, tiled_url, tmp_path, base
):
    documents = list(played(name, "plain", base / "shapes"))
    if name in REFUSED:
        with pytest.raises(Exception, match=REFUSED[name]):
            put(catalog, documents)
        return
    put(catalog, documents)
    url = f"{tiled_url}/api/v1/metadata/shapes"
    expected = list(received(documents))
    runs = [run for one in expected for run in open_source(f"{url}/{one.uid}").find()]
    held = [pair for run in runs for pair in run.documents()]
    pairs = zip(expected, received(held), strict=True)
    wrong = [text for pair in pairs for text in values_that_differ(*pair, SameValues())]
    if name in CHANGED:
        assert any(CHANGED[name] in text for text in wrong)
    else:
        assert wrong == []
    if name in SOME:
        done = bluescribe.export(runs, tmp_path / "exported", FORMATS, **AT_ONCE)
        assert not done.failures
        write_live(tmp_path / "held", held)
        assert differences(tmp_path / "held", tmp_path / "exported") == []
