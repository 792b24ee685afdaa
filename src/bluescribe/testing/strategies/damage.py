"""Damage valid runs as faulty devices, networks and programs do."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from .runs import Document, Draw, runs

Damage = Callable[[Draw, list[Any]], None]

_UIDS = ("uid", "descriptor", "run_start", "resource", "stream_resource", "datum_id")
_WRONG = [None, 5, -1, 2.5, float("nan"), True, "text", "", b"x", [], [1], {}, {"a": 1}, (), {1}]
_HUGE = [10**400, -(2**64), 1e308, "x" * 300_000, list(range(20_000))]


@st.composite
def damage(draw: Draw, documents: Sequence[Document]) -> list[Any]:
    """Generate damaged versions of these documents, which are not altered themselves.

    The result may hold anything in place of a document: it is what a writer has to survive.

    Parameters
    ----------
    documents : sequence of (str, dict)
        A valid run.
    """
    damaged = copy.deepcopy(list(documents))
    for inflict in draw(st.lists(st.sampled_from(_DAMAGES), min_size=1, max_size=3)):
        if damaged:
            inflict(draw, damaged)
    assume(repr(damaged) != repr(list(documents)))
    return damaged


def damaged_runs() -> st.SearchStrategy[list[Any]]:
    """Generate runs that were valid until something damaged them."""
    return runs().flatmap(damage)


def _any_dict(draw: Draw, damaged: list[Any]) -> dict[Any, Any]:
    """Choose a document, or a dictionary inside one."""
    docs = [doc for _, doc in damaged if isinstance(doc, dict)]
    assume(docs)
    chosen: dict[Any, Any] = draw(st.sampled_from(docs))
    while draw(st.booleans()):
        inner = [value for value in chosen.values() if isinstance(value, dict) and value]
        if not inner:
            break
        chosen = draw(st.sampled_from(inner))
    return chosen


def _any_key(draw: Draw, chosen: dict[Any, Any]) -> Any:
    assume(chosen)
    return draw(st.sampled_from(list(chosen)))


def _position(draw: Draw, damaged: list[Any]) -> int:
    position: int = draw(st.integers(0, len(damaged) - 1))
    return position


def _drop_document(draw: Draw, damaged: list[Any]) -> None:
    del damaged[_position(draw, damaged)]


def _repeat_document(draw: Draw, damaged: list[Any]) -> None:
    again = copy.deepcopy(damaged[_position(draw, damaged)])
    damaged.insert(draw(st.integers(0, len(damaged))), again)


def _move_document(draw: Draw, damaged: list[Any]) -> None:
    moved = damaged.pop(_position(draw, damaged))
    damaged.insert(draw(st.integers(0, len(damaged))), moved)


def _reverse(draw: Draw, damaged: list[Any]) -> None:
    damaged.reverse()


def _rename_document(draw: Draw, damaged: list[Any]) -> None:
    names = ["event", "descriptor", "stop", "start", "datum", "event_page", "Event", "x", ""]
    position = _position(draw, damaged)
    damaged[position] = (draw(st.sampled_from(names)), damaged[position][1])


def _replace_document(draw: Draw, damaged: list[Any]) -> None:
    position = _position(draw, damaged)
    damaged[position] = (damaged[position][0], draw(st.sampled_from([None, [], "text", {}, 5])))


def _drop_key(draw: Draw, damaged: list[Any]) -> None:
    chosen = _any_dict(draw, damaged)
    del chosen[_any_key(draw, chosen)]


def _change_type(draw: Draw, damaged: list[Any]) -> None:
    chosen = _any_dict(draw, damaged)
    chosen[_any_key(draw, chosen)] = copy.deepcopy(draw(st.sampled_from(_WRONG)))


def _make_huge(draw: Draw, damaged: list[Any]) -> None:
    chosen = _any_dict(draw, damaged)
    chosen[_any_key(draw, chosen)] = draw(st.sampled_from(_HUGE))


def _forget_uid(draw: Draw, damaged: list[Any]) -> None:
    """Let a document refer to one that was never seen."""
    chosen = _any_dict(draw, damaged)
    references = [key for key in _UIDS if key in chosen]
    assume(references)
    chosen[draw(st.sampled_from(references))] = "00000000-dead-4bad-8bad-000000000000"


def _share_uid(draw: Draw, damaged: list[Any]) -> None:
    """Give a document the uid of another one."""
    with_uid = [doc for _, doc in damaged if isinstance(doc, dict) and "uid" in doc]
    assume(len(with_uid) > 1)
    one, other = draw(st.permutations(with_uid))[:2]
    one["uid"] = other["uid"]


def _add_key(draw: Draw, damaged: list[Any]) -> None:
    """Add a key that nobody expects, and that need not be a text."""
    keys: list[Any] = ["unexpected", 5, None, (1, 2), 2.5, True, b"x"]
    _any_dict(draw, damaged)[draw(st.sampled_from(keys))] = "unexpected"


def _tie_knot(draw: Draw, damaged: list[Any]) -> None:
    """Let a structure contain itself."""
    chosen = _any_dict(draw, damaged)
    knot: list[Any] = []
    knot.append(knot)
    key = _any_key(draw, chosen)
    chosen[key] = chosen if draw(st.booleans()) else knot


def _nest_deeply(draw: Draw, damaged: list[Any]) -> None:
    deep: Any = "bottom"
    for _ in range(200):
        deep = {"deeper": [deep]}
    chosen = _any_dict(draw, damaged)
    chosen[_any_key(draw, chosen)] = deep


def _disturb_page(draw: Draw, damaged: list[Any]) -> None:
    """Make a page's columns unequally long."""
    columns = [
        part[key]
        for name, doc in damaged
        if name == "event_page" and isinstance(doc, dict)
        for part in (doc, doc.get("data"), doc.get("timestamps"))
        if isinstance(part, dict)
        for key in part
        if isinstance(part[key], list)
    ]
    assume(columns)
    column = draw(st.sampled_from(columns))
    column.extend(column or [0])


def _disturb_seq_num(draw: Draw, damaged: list[Any]) -> None:
    events = [doc for name, doc in damaged if name == "event" and isinstance(doc, dict)]
    assume(events)
    draw(st.sampled_from(events))["seq_num"] = draw(st.sampled_from([0, -1, 10**9, "1", 1.5]))


_DAMAGES: list[Damage] = [
    _drop_document,
    _repeat_document,
    _move_document,
    _reverse,
    _rename_document,
    _replace_document,
    _drop_key,
    _change_type,
    _make_huge,
    _forget_uid,
    _share_uid,
    _add_key,
    _tie_knot,
    _nest_deeply,
    _disturb_page,
    _disturb_seq_num,
]
