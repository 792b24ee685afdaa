"""The documents of a catalog in the order in which they were taken.

databroker gives the descriptors of a run in no order (it keeps the names of streams in a set),
all before the first event; sorts events by their time and, where times are equal, by their random
uids; and puts events and datums into pages. What is written of that would have the rows of a
fly scan, whose events can all have one time, shuffled.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..model.run import Document
from ..model.times import seconds_of

__all__ = ["in_order", "is_shuffled"]


def is_shuffled(run: Any) -> bool:
    """Tell whether a run object is one of databroker, or made of one."""
    return any(cls.__module__.startswith("databroker.") for cls in type(run).__mro__)


def in_order(documents: Iterable[tuple[str, Document]]) -> Iterator[tuple[str, Document]]:
    """Give the documents of one run as the RunEngine gave them.

    Parameters
    ----------
    documents
        As databroker gives them: descriptors and events in any order, where times are equal.
    """
    descriptors = _Descriptors()
    moment: list[Document] = []
    for name, doc in itertools.chain.from_iterable(itertools.starmap(_single, documents)):
        if moment and (name != "event" or _time(doc) != _time(moment[0])):
            yield from _ordered(moment, descriptors)
            moment.clear()
        if name == "event":
            moment.append(doc)
        elif name == "descriptor":
            descriptors.take(doc)
        else:
            yield from descriptors.before(name)
            yield name, doc
    yield from _ordered(moment, descriptors)
    yield from descriptors.before("stop")


class _Descriptors:
    """The descriptors that are to come, in the order of time."""

    def __init__(self) -> None:
        self._waiting: list[Document] = []
        self._has_given = False

    def take(self, doc: Document) -> None:
        self._waiting.append(doc)
        self._waiting.sort(key=_time)  # stable

    def before(self, name: str) -> Iterator[tuple[str, Document]]:
        """Give those that precede a document without a time: one precedes all external files."""
        if name == "stop":
            count = len(self._waiting)
        else:
            count = 0 if name == "start" or self._has_given else min(1, len(self._waiting))
        for _ in range(count):
            yield self._next()

    def until(self, event: Document) -> Iterator[tuple[str, Document]]:
        """Give those that are older than an event, and its own."""
        while self._waiting and (
            _time(self._waiting[0]) <= _time(event)
            or any(doc["uid"] == event["descriptor"] for doc in self._waiting)
        ):
            yield self._next()

    def _next(self) -> tuple[str, Document]:
        self._has_given = True
        return "descriptor", self._waiting.pop(0)


def _time(doc: Document) -> float:
    """Return the time of a document; 0 where it has none."""
    return 0.0 if math.isnan(seconds := seconds_of(doc.get("time"))) else seconds


def _ordered(moment: list[Document], descriptors: _Descriptors) -> Iterator[tuple[str, Document]]:
    """Give the events of one moment: a run that was rewound has its points at other times."""
    for event in sorted(moment, key=lambda event: event["seq_num"]):
        yield from descriptors.until(event)
        yield "event", event


def _single(name: str, doc: Document) -> Iterator[tuple[str, Document]]:
    """Give the events or datums of a page one by one, with their keys in the RunEngine's order."""
    if name == "event_page":
        yield from (("event", event) for event in _events(doc))
    elif name == "datum_page":
        yield from (("datum", datum) for datum in _datums(doc))
    else:
        yield name, doc


def _datums(page: Document) -> Iterator[Document]:
    for row, datum_id in enumerate(page["datum_id"]):
        kwargs = _row(page["datum_kwargs"], row)
        yield {"resource": page["resource"], "datum_kwargs": kwargs, "datum_id": datum_id}


def _events(page: Document) -> Iterator[Document]:
    for row, uid in enumerate(page["uid"]):
        yield {
            "uid": uid,
            "time": page["time"][row],
            "data": _row(page["data"], row),
            "timestamps": _row(page["timestamps"], row),
            "seq_num": page["seq_num"][row],
            "filled": _row(page.get("filled", {}), row),
            "descriptor": page["descriptor"],
        }


def _row(columns: Mapping[str, Any], row: int) -> dict[str, Any]:
    return {key: column[row] for key, column in columns.items()}
