"""Events that are alike make a page that has to the bit what they have."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluescribe.spool import event_rows
from bluescribe.spool.event_rows import EventRows, documents_in
from bluescribe.spool.intake import Intake
from tests.spool.same import same
from tests.spool.test_rows import UID, event

KINDS = {
    float: st.floats(),
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    np.float64: st.floats().map(np.float64),
    np.float32: st.floats(width=32).map(np.float32),
    np.float16: st.floats(width=16).map(np.float16),
    np.int8: st.integers(-128, 127).map(np.int8),
    np.longlong: st.integers(-(2**63), 2**63 - 1).map(np.longlong),
    np.uint64: st.integers(0, 2**64 - 1).map(np.uint64),
    np.bool_: st.booleans().map(np.bool_),
}


def gathered(*events: Any) -> list[Any]:
    """Return what lanes are shown of documents."""
    intake = Intake(threading.Event(), lambda: ("", 0))
    intake.open()
    for doc in events:
        intake.put(("event", doc, 0, None))
    return [doc for _, doc, _, _ in intake.next_batch(0).items]


@st.composite
def alike(draw: st.DrawFn) -> list[dict[str, Any]]:
    kinds = draw(st.dictionaries(st.text(max_size=3), st.sampled_from([*KINDS]), max_size=6))
    rows = draw(st.integers(8, 12))
    return [
        event(
            {key: draw(KINDS[kind]) for key, kind in kinds.items()},
            uid=f"{UID[:-2]}{row:02d}",
            seq_num=row + 1,
            time=draw(st.floats()),
        )
        for row in range(rows)
    ]


@given(alike())
def test_a_page_has_what_its_events_have(events: list[dict[str, Any]]) -> None:
    (rows,) = gathered(*events)
    page = rows.page
    assert [*page["data"]] == [*events[0]["data"]]
    for part in ("data", "timestamps"):
        for key, column in page[part].items():
            assert same(column, [doc[part][key] for doc in events])
    for key in ("uid", "seq_num", "time"):
        assert same(page[key], [doc[key] for doc in events])


@given(alike())
def test_it_is_the_same_whether_it_was_received_or_read(events: list[dict[str, Any]]) -> None:
    (rows,) = gathered(*events)
    read = EventRows(rows.form, memoryview(rows.packed))
    assert same([*read.events()], [*rows.events()])
    assert same(read.page, rows.page)
    assert len(read) == documents_in(rows) == len(events)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([event({"x": 1.0})] * (event_rows._FEWEST - 1), "they are few"),
        ([event({"x": 1.0}, seq_num=-1)] * 20, "a number that no event has"),
        ([event({"x": 1.0}, seq_num=np.uint64(2**63))] * 20, "one that no file holds"),
        ([event({"x": 1.0}, seq_num=1.0)] * 20, "no integer"),
        ([event({"x": 1.0}, seq_num=True)] * 20, "a truth value"),
        ([event({"x": 1.0}, time=5)] * 20, "a time that is made a float elsewhere"),
    ],
)
def test_what_no_page_has_goes_one_by_one(events: list[dict[str, Any]], why: str) -> None:
    (rows,) = gathered(*events)
    assert rows.page is None, why
    assert same([*rows.events()], events)


def test_events_stay_in_their_order_among_others() -> None:
    one, other = event({"x": 1.0}), event({"x": 1.0}, descriptor="e")
    text, large = event({"x": "text"}), event({"x": 2**64})
    shown = gathered(one, one, other, text, one, large, large, one, one)
    taken = [list(doc.events()) if isinstance(doc, EventRows) else doc for doc in shown]
    assert same(taken, [[one, one], [other], text, [one], large, large, [one, one]])
