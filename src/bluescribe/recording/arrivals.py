"""What came of a run, beside what its stop document promises.

``num_events`` of the stop document is the number that the last event of each stream has, which
event-model counts from 1: every number up to it has to have come. A RunEngine that was paused goes
back to its last checkpoint and measures points again, with the same numbers in new events: such a
number comes twice and is right, and numbers beyond ``num_events`` are what it did not come back to.
An event that comes twice is the same event: it has the same uid. Frames that stream_datum documents
tell of are counted by the same numbers, whether there are events beside them or not.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from ..assets.asset import Frames
from ..model.run import Descriptor, Document, Run, Stream, stream_name
from ..model.seq_nums import SeqNums, worded

__all__ = ["Arrivals"]

_WINDOW = 1_024
"""Events, the latest of a stream, whose uids are remembered; older ones are told by their times."""
_MOST_DATUMS = 1_000
"""Of those that events name and that have not come."""
_MOST_TEXTS = 20
_LARGEST = 2**63
_LONGEST_NAME = 80


class Arrivals:
    """The events and frames of one run that have come so far.

    Parameters
    ----------
    run
        What its documents have declared.
    knows_datum
        Tells whether a datum has come, or can no longer be told.
    """

    def __init__(self, run: Run, knows_datum: Callable[[str], bool]) -> None:
        self._run = run
        self._knows_datum = knows_datum
        self._events: dict[str, _Events] = {}
        """By stream."""
        self._frames: dict[tuple[str, str], _Frames] = {}
        """By stream and field."""
        self._datum_fields: dict[str, list[str]] = {}
        """Fields whose values are datum ids, by descriptor."""
        self._lacking: dict[str, tuple[str, str]] = {}
        """Datums that events name and that did not come: stream and field."""

    def add_descriptor(self, descriptor: Descriptor) -> None:
        """Learn which fields have datum ids."""
        declared = descriptor.fields.values()
        fields = [each.name for each in declared if each.external and not each.is_streamed]
        if fields:
            self._datum_fields[descriptor.uid] = fields

    def add_events(self, stream: Stream, docs: Sequence[Document]) -> None:
        """Take in events; a damaged one, which only a journal takes, is none."""
        events = self._events.get(stream.name)
        if events is None:
            events = self._events[stream.name] = _Events()
        if len(docs) > 1:
            numbers, uids = [doc["seq_num"] for doc in docs], [doc.get("uid") for doc in docs]
            events.add(numbers, uids, [doc["time"] for doc in docs])
        elif _is_number(docs[0].get("seq_num")):
            events.add_one(docs[0]["seq_num"], docs[0].get("uid"), docs[0].get("time"))
        for doc in docs if self._datum_fields else ():
            for field in self._datum_fields.get(doc["descriptor"], ()):
                self._look_for_datums(stream, field, [doc["data"].get(field)], _filled(doc, field))

    def add_event_page(self, stream: Stream, doc: Document) -> None:
        """Take in a page of events."""
        events = self._events.setdefault(stream.name, _Events())
        numbers, uids = doc["seq_num"], doc.get("uid")
        if type(numbers) is not array:
            numbers = list(map(int, numbers))
        if not isinstance(uids, list | tuple) or len(uids) != len(numbers):
            uids = [None] * len(numbers)
        events.add(numbers, uids, doc["time"])
        for field in self._datum_fields.get(doc["descriptor"], ()):
            values = doc["data"].get(field, ())
            if not isinstance(values, str):  # a column that could not be written
                self._look_for_datums(stream, field, values, _filled(doc, field))

    def add_frames(self, stream: Stream, field: str, frames: Frames, uid: Any) -> None:
        """Take in the frames that a stream_datum tells of."""
        self._frames.setdefault((stream.name, field), _Frames()).add(frames, uid)

    def add_datums(self, datum_ids: Iterable[str]) -> None:
        """Take in datums; nearly always before the events that name them."""
        for datum_id in datum_ids if self._lacking else ():
            self._lacking.pop(datum_id, None)

    def discrepancies(self, stop: Document | None) -> list[str]:
        """Return in what the run differs from what its stop document says, a text each.

        Parameters
        ----------
        stop
            The stop document; None when the run was never stopped, and nothing was promised.
        """
        promised = _promised(stop)
        texts: list[str] = []
        for name in dict.fromkeys([*self._run.streams, *promised]):
            texts += self._of_stream(name, promised.get(name))
        fields: dict[tuple[str, str], int] = {}
        for place in self._lacking.values():
            fields[place] = fields.get(place, 0) + 1
        for (name, field), count in fields.items():
            what = f"{_short(field)} of {_short(name)}"
            texts.append(f"{count} datums of {what} did not come that events name")
        more = len(texts) - _MOST_TEXTS
        return [*texts[:_MOST_TEXTS], f"and {more} more of the kind"] if more > 0 else texts

    def _of_stream(self, name: str, promised: int | None) -> Iterator[str]:
        stream = self._run.streams.get(name)
        if stream is None:
            if promised:
                yield f"{promised} events of {_short(name)} were promised, and no descriptor came"
            return
        declared = [each for d in stream.descriptors for each in d.fields.values()]
        streamed = dict.fromkeys(each.name for each in declared if each.is_streamed)
        events = self._events.get(name)
        if events or any(field not in streamed for field in stream.fields):
            yield from (events or _Events()).discrepancies(_short(name), promised)
        for field in streamed:
            frames = self._frames.get((name, field)) or _Frames()
            yield from frames.discrepancies(f"{_short(field)} of {_short(name)}", promised)

    def _look_for_datums(
        self, stream: Stream, field: str, values: Iterable[Any], filled: Any
    ) -> None:
        """Look whether datums came that events name; a page tells of each row if it is filled."""
        are_filled = filled if isinstance(filled, list | tuple) else repeat(filled)
        for value, is_filled in zip(values, are_filled, strict=False):
            is_datum = isinstance(value, str) and not is_filled
            if is_datum and not self._knows_datum(value) and len(self._lacking) < _MOST_DATUMS:
                self._lacking[value] = stream.name, field


def _filled(doc: Document, field: str) -> Any:
    filled = doc.get("filled")
    return filled.get(field) if isinstance(filled, Mapping) else None


class _Events:
    """The events of one stream."""

    def __init__(self) -> None:
        self._numbers = SeqNums()
        self._twice = SeqNums()
        self._uids: list[Any] = [None] * _WINDOW
        """Of the latest event with each number, by what remains of the number."""
        self._latest = -math.inf

    def add(self, numbers: Sequence[Any], uids: Sequence[Any], times: Sequence[Any]) -> None:
        """Take in events: nearly always those that follow on the latest one."""
        start, count = self._numbers.stop, len(numbers)
        if count and _follow(numbers, start):
            self._numbers.add(start, start + count - 1)
            self._keep_uids(start, uids)
            self._latest = max(self._latest, _latest(times))
            numbers, uids, times = [int(numbers[-1])], uids[-1:], times[-1:]
        for number, uid, seconds in zip(numbers, uids, times, strict=True):
            self.add_one(number, uid, seconds)

    def _keep_uids(self, start: int, uids: Sequence[Any]) -> None:
        before = max(0, len(uids) - _WINDOW)
        place, kept = (start + before) % _WINDOW, list(uids[before:])
        room = _WINDOW - place
        self._uids[place : place + len(kept)] = kept[:room]
        self._uids[: len(kept[room:])] = kept[room:]

    def add_one(self, number: int, uid: Any, seconds: Any) -> None:
        """Take in an event."""
        numbers = self._numbers
        if number == numbers.stop and numbers.count:
            numbers.stop += 1
            numbers.count += 1
        elif not numbers.add(int(number), int(number) + 1) and self._is_same(number, uid, seconds):
            self._twice.add(int(number), int(number) + 1)
        self._uids[number % _WINDOW] = uid
        if isinstance(seconds, float) and seconds > self._latest:
            self._latest = seconds

    def discrepancies(self, name: str, promised: int | None) -> Iterator[str]:
        """Yield what is missing, and what came twice."""
        yield from _missing(self._numbers, promised, f"events of {name}")
        if self._twice.count:
            which = worded(self._twice.came())
            yield f"{self._twice.count} events of {name} came twice: seq_num {which}"

    def _is_same(self, number: int, uid: Any, seconds: Any) -> bool:
        """Tell whether it is an event that came before, not one that was measured again."""
        is_near = self._numbers.stop - number <= _WINDOW
        known = self._uids[number % _WINDOW] if is_near else None
        if isinstance(known, str) and isinstance(uid, str):
            return known == uid
        # of one time are the events of a page, which a flyer that was taken again sends anew
        return isinstance(seconds, float) and seconds < self._latest


class _Frames:
    """The frames of one field that stream_datum documents tell of."""

    def __init__(self) -> None:
        self._numbers = SeqNums()
        self._twice = SeqNums()
        self._uids: dict[str, None] = {}

    def add(self, frames: Frames, uid: Any) -> None:
        """Take in a stream_datum."""
        start, stop = frames.seq_start, frames.seq_stop
        if not 0 <= start < stop < _LARGEST:
            return
        self._numbers.add(start, stop)
        if isinstance(uid, str):
            if uid in self._uids:
                self._twice.add(start, stop)
            self._uids[uid] = None
            if len(self._uids) > _WINDOW:
                self._uids.pop(next(iter(self._uids)))

    def discrepancies(self, name: str, promised: int | None) -> Iterator[str]:
        """Yield what is missing, and what came twice."""
        yield from _missing(self._numbers, promised, f"frames of {name}")
        if self._twice.count:
            which = worded(self._twice.came())
            yield f"{self._twice.count} frames of {name} came twice: seq_num {which}"


def _missing(numbers: SeqNums, promised: int | None, what: str) -> Iterator[str]:
    count, ranges = numbers.missing(promised)
    if count:
        expected = numbers.count + count if promised is None else promised
        which = f": seq_num {worded(ranges)} did not" if ranges else ""
        yield f"{max(0, expected - count)} of {expected} {what} came{which}"


def _follow(numbers: Sequence[Any], start: int) -> bool:
    """Tell whether numbers count on from one."""
    stop = start + len(numbers)
    if type(numbers) is array:
        return bool(np.array_equal(np.asarray(numbers), np.arange(start, stop)))
    return numbers == list(range(start, stop))


def _latest(times: Iterable[Any]) -> float:
    if type(times) is array:
        return float(np.fmax.reduce(np.asarray(times), initial=-math.inf))
    floats = times if {*map(type, times)} == {float} else [t for t in times if isinstance(t, float)]
    return max(floats, default=-math.inf)


def _is_number(value: Any) -> bool:
    return type(value) is int or isinstance(value, int | np.integer)


def _short(name: str) -> str:
    """Return a document's own name as it can stand in a line."""
    return "".join(c if c.isprintable() else "?" for c in name[:_LONGEST_NAME])


def _promised(stop: Document | None) -> dict[str, int]:
    """Return how many events each stream has, as far as the stop document says."""
    said = stop.get("num_events") if stop is not None else None
    promised: dict[str, int] = {}
    for key, count in said.items() if isinstance(said, Mapping) else ():
        if isinstance(count, int | np.integer) and 0 <= count < _LARGEST:
            name = stream_name(key)
            promised[name] = max(int(count), promised.get(name, 0))
    return promised
