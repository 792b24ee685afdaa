"""A page whose columns are packed has to the bit what the producer sent."""

from __future__ import annotations

import threading
from array import array
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluescribe import NexusWriter
from bluescribe.files import Place
from bluescribe.formats.nexus.runfile import NexusFile
from bluescribe.model.run import Page, Stream
from bluescribe.recording.snapshot import Snapshots
from bluescribe.spool.entries import one_by_one, read_segment
from bluescribe.spool.event_columns import COLUMNS, EventColumns
from bluescribe.spool.intake import Intake
from bluescribe.spool.problems import BrokenSpoolError
from bluescribe.spool.segment import Segment
from bluescribe.spool.values import decode, encode
from tests.spool.same import same

ROWS = 40
TEXTS = st.text(st.characters(codec="utf-8"), max_size=3)
COLUMNS_OF = {
    "floats": st.floats(),
    "integers": st.integers(-(2**63), 2**63 - 1),
    "large": st.integers(2**63 - 1, 2**70),
    "texts": TEXTS,
    "NULs": st.sampled_from(["a\0", "\0", "b"]),
    "surrogates": st.sampled_from(["\ud800", "a"]),
    "truths": st.booleans(),
    "numpy's floats": st.floats().map(np.float64),
    "numpy's short floats": st.floats(width=32).map(np.float32),
    "numpy's integers": st.integers(-(2**63), 2**63 - 1).map(np.int64),
    "numpy's truths": st.booleans().map(np.bool_),
    "mixed": st.one_of(st.none(), st.floats(), st.booleans(), st.integers(-9, 9), TEXTS),
}


def page(data: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {
        "descriptor": "d",
        "uid": [f"{n:036d}" for n in range(ROWS)],
        "seq_num": list(range(1, ROWS + 1)),
        "time": [0.5 * n for n in range(ROWS)],
        "data": data,
        "timestamps": {key: [0.25 * n for n in range(ROWS)] for key in data},
        "filled": {},
        **changed,
    }


@st.composite
def pages(draw: st.DrawFn) -> dict[str, Any]:
    kinds = draw(st.dictionaries(st.text(max_size=3), st.sampled_from([*COLUMNS_OF]), max_size=5))
    return page(
        {
            key: draw(st.lists(COLUMNS_OF[kind], min_size=ROWS, max_size=ROWS))
            for key, kind in kinds.items()
        }
    )


@given(pages())
def test_a_page_comes_back_as_it_was(sent: dict[str, Any]) -> None:
    packed = EventColumns.of(sent)
    assert packed is not None
    assert same(packed.page, sent)
    first, buffers = encode((COLUMNS, packed.told(), ""))
    name, told, _ = decode(first, map(bytearray, buffers))
    assert name == COLUMNS
    assert same(EventColumns.made(told).page, sent)


def test_numbers_are_packed_and_arrays_stay() -> None:
    image, number = np.zeros((ROWS, 3)), np.arange(ROWS, dtype=np.int16)
    sent = page({"f": [0.5] * ROWS, "i": [1] * ROWS, "a": image, "n": number})
    packed = EventColumns.of(sent)
    assert packed is not None
    typed = packed.typed_page
    assert [type(column) for column in typed["data"].values()] == [array, array, *[np.ndarray] * 2]
    assert {type(value) for value in typed["data"]["f"]} == {float}
    assert {type(value) for value in typed["data"]["i"]} == {int}
    assert packed.page["data"]["a"] is image
    assert packed.nbytes >= image.nbytes + number.nbytes + ROWS * 8 * 6


def test_numbers_of_numpy_are_packed_and_come_back_as_such() -> None:
    sent = page({"f": [np.float64(0.1)] * ROWS, "i": [np.int32(7)] * ROWS, "b": [np.True_] * ROWS})
    packed = EventColumns.of(sent)
    assert packed is not None
    typed = packed.typed_page["data"]
    assert [column.dtype.str for column in typed.values()] == ["<f8", "<i4", "|b1"]
    kinds = [{type(value) for value in column} for column in packed.page["data"].values()]
    assert kinds == [{np.float64}, {np.int32}, {np.bool_}]
    assert packed.nbytes >= ROWS * (8 + 4 + 1)


@pytest.mark.parametrize(
    "sent",
    [
        page({"a": [np.zeros(2)] * ROWS}),
        page({"a": [[1, 2]] * ROWS}),
        page({"a": np.full(ROWS, None)}),
        page({"a": [0.5] * (ROWS - 1)}),
        page({"a": "a text that stands for a column"}),
        page({}, seq_num=[1], uid=[""], time=[0.0]),
        page({}, descriptor=None),
        {**page({}), "data": {1: [0.5] * ROWS}},
        {"seq_num": 3},
        None,
    ],
    ids=["arrays", "lists", "objects", "short", "text", "one", "no uid", "key", "damaged", "none"],
)
def test_what_cannot_be_packed_goes_as_it_came(sent: Any) -> None:
    intake = Intake(threading.Event(), lambda: ("", 0))
    intake.open()
    intake.put(("event_page", sent, 7, None))
    batch = intake.next_batch(0)
    assert [(name, doc is sent) for name, doc, _, _ in batch.items] == [("event_page", True)]
    assert batch.weight >= 7


def test_the_log_has_it_for_who_reads_documents(tmp_path: Any) -> None:
    sent = page({"a": [0.5] * ROWS})
    packed = EventColumns.of(sent)
    assert packed is not None
    place = Place.at(tmp_path / "segment")
    segment = Segment(place, {"version": "0.1", "lanes": {}})
    segment.append([(COLUMNS, packed.told(), "")])
    segment.close()
    _, (name, doc, whose) = read_segment(place)
    assert (name, whose) == ("event_page", "")
    assert same(doc, sent)
    assert next(iter(one_by_one([(COLUMNS, packed, "")])))[0] == "event_page"


def test_a_damaged_record_is_told() -> None:
    with pytest.raises(BrokenSpoolError, match="page of events"):
        EventColumns.made(({}, [("data",)]))


def test_the_size_of_a_page_counts_all_of_its_columns() -> None:
    _, size = Snapshots()("event_page", page({"a": [0.5] * ROWS, "b": np.zeros(ROWS)}))
    assert size >= ROWS * (5 * 32 + 8)


@pytest.mark.parametrize("as_arrays", [False, True])
def test_chunks_are_of_a_page_of_the_producer(tmp_path: Any, as_arrays: bool) -> None:
    rows, pages_sent = 10_000, 6  # as many as make a file that is not written anew
    values = np.arange(rows) / 7
    uid = "0" * 36
    with NexusWriter(tmp_path) as writer:
        writer("start", {"uid": uid, "time": 0.0})
        keys = {"a": {"dtype": "number", "shape": [], "source": ""}}
        writer(
            "descriptor",
            {"uid": "d", "run_start": uid, "name": "primary", "data_keys": keys, "time": 0.0},
        )
        for first in range(1, pages_sent * rows, rows):
            column = values if as_arrays else values.tolist()
            sent = page(
                {"a": column},
                uid=["u"] * rows,
                seq_num=[*range(first, first + rows)],
                time=values.tolist(),
            )
            writer("event_page", {**sent, "timestamps": {"a": column}})
        writer("stop", {"uid": "s", "run_start": uid, "time": 1.0, "exit_status": "success"})
    path = writer.status().last_file
    assert path is not None
    with h5py.File(path) as file:
        column = file["entry/instrument/bluesky/streams/primary/a/value"]
        assert column.chunks == (rows,)
        assert np.array_equal(column[()], np.tile(values, pages_sent))


def test_a_class_that_writes_events_itself_gets_lists() -> None:
    class Own(NexusFile):
        def write_events(self, stream: Stream, page: Page) -> None:
            super().write_events(stream, page)

    assert NexusFile.takes_typed_columns
    assert not Own.takes_typed_columns
