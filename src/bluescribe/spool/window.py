"""The latest batches, in memory: lanes that keep up take them here, others read the log."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .entries import one_by_one
from .event_rows import documents_in
from .log import Cursor
from .stretch import Stretch

if TYPE_CHECKING:
    from .follower import Follower

__all__ = ["DOCUMENT_BYTES", "MOST_BYTES", "MOST_UNKEPT_BYTES", "Batch", "Item", "Window"]

DOCUMENT_BYTES = 2_000
"""Memory that a document without arrays takes, about."""
MOST_BYTES = 128 << 20
"""Memory for batches while the log cannot be written; as much again may wait in the intake."""
MOST_UNKEPT_BYTES = 16 << 20
"""Memory for batches where there is no log: whoever replays runs can wait."""
MOST_KEPT_BYTES = 16 << 20
"""Memory for batches that are in the log too: a lane that is slower reads the log."""
_LARGEST_MEAL = 1_000
"""Documents after which a long backlog is brought to disk, so that it is seen to shrink."""
_LARGEST_MEAL_BYTES = 64 << 20
"""Bytes of arrays after which it is."""

Item = tuple[str, Any, int, "Follower | None"]
"""Name, document (or control, or request), bytes of its arrays, and its lane: None for all.

A request is a `threading.Event` in the place of a document, which is set when all items before it
are done; it is not written to the log.
"""


@dataclass(slots=True, eq=False)
class Batch:
    """The items that came between two looks of the spool's thread."""

    number: int
    items: Sequence[Item]
    weight: int
    """About how many bytes it takes."""
    start: Cursor | None = None
    """Where it begins in the log; None while it is in memory only."""
    end: Cursor | None = None
    begun: list[str] = field(default_factory=list)
    """Uids of the runs that begin in it."""

    @property
    def documents(self) -> int:
        """How many were received, with what was asked."""
        return sum(documents_in(doc) for _, doc, _, _ in self.items)


class Window:
    """The latest batches, up to a number of bytes, and which of them each lane has taken.

    Attributes
    ----------
    lock
        To be held while several of its values are read, or one is changed.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.batches: deque[Batch] = deque()
        self.next_number = 0
        self.weight = 0
        self.dropped: Cursor | None = None
        """Where in the log the last batch ends that has left memory."""

    @property
    def first_number(self) -> int:
        """The number of the oldest batch that is here, or of the one that comes next."""
        return self.batches[0].number if self.batches else self.next_number

    def add(self, batch: Batch) -> None:
        """Add the latest batch; called with the lock."""
        self.batches.append(batch)
        self.weight += batch.weight
        self.next_number = batch.number + 1

    def needed(self, lanes: Iterable[Follower]) -> list[Cursor]:
        """Return the places from which lanes read the log, or will if they are too slow."""
        needed = [lane.cursor for lane in lanes if lane.is_behind and lane.cursor is not None]
        needed += [lane.reading for lane in lanes if lane.reading is not None]
        at = min((lane.at for lane in lanes if not lane.is_behind), default=self.next_number)
        starts = (b.start for b in tuple(self.batches) if b.number >= at and b.start is not None)
        return [*needed, *list(starts)[:1]]

    def until(self, lane: Follower) -> tuple[Cursor | None, list[tuple[str, Any, str]]]:
        """Return where in the log a lane's entries end, and those that are in memory only."""
        if lane.cursor is not None:
            return lane.cursor, []
        ends = [batch.end for batch in self.batches if batch.end is not None]
        items = [i for b in self.unkept() if b.number < lane.at for i in b.items]
        tail = [
            (name, doc, "" if its is None else its.key)
            for name, doc, _, its in items
            if not isinstance(doc, threading.Event)
        ]
        return ends[-1] if ends else self.dropped, [*one_by_one(tail)]

    def unkept(self) -> Iterator[Batch]:
        """Yield the batches that are in memory only, oldest first."""
        return (batch for batch in self.batches if batch.end is None)

    def trim(self, lanes: Sequence[Follower], *, is_kept: bool) -> Batch | None:
        """Drop batches that all lanes have, and older ones in the log; called with the lock.

        Parameters
        ----------
        lanes
            All.
        is_kept
            Whether there is a log, so that batches that are not in it yet may still get there.

        Returns
        -------
        Batch or None
            The last one that was dropped although it is not in the log.
        """
        lost = None
        while self.batches:
            batch = self.batches[0]
            is_taken = all(lane.at > batch.number for lane in lanes)
            is_safe = batch.end is not None or not is_kept
            is_many = self.weight > MOST_KEPT_BYTES and len(self.batches) > 1
            if is_safe and (is_taken or (is_kept and is_many)):
                pass
            elif is_taken and self.weight >= MOST_BYTES:
                lost = batch  # the lanes have it: the files do
            else:
                break
            self.batches.popleft()
            self.weight -= batch.weight
            self.dropped = batch.end or self.dropped
            for lane in lanes:
                lane.leave_behind(batch)
        return lost

    def take(self, lane: Follower) -> list[Item]:
        """Return the items that a lane takes next; called with the lock."""
        taken: list[Item] = []
        documents = size = 0
        for number in range(lane.at - self.first_number, len(self.batches)):
            batch = self.batches[number]
            if taken and documents + batch.documents > _LARGEST_MEAL:
                break
            documents += batch.documents
            size += batch.weight
            lane.at, lane.cursor = batch.number + 1, batch.end
            if not lane.recipient.reads_log:
                taken += batch.items
            else:
                lane.reading = lane.reading or batch.start
                taken = _joined(taken, _to_read(batch, lane))
                if is_request(batch.items[-1]):  # it is answered when all before it is done
                    break
            if size > _LARGEST_MEAL_BYTES:
                break
        return taken


def _joined(taken: list[Item], new: Sequence[Item]) -> list[Item]:
    """Return items with others behind them; stretches that follow each other become one."""
    last, first = taken[-1][1] if taken else None, new[0][1] if new else None
    if not (isinstance(last, Stretch) and isinstance(first, Stretch) and last.leads_to(first)):
        return [*taken, *new]
    both = Stretch(last.segment, last.start, first.end, last.documents + first.documents)
    return [*taken[:-1], ("stretch", both, 0, None), *new[1:]]


def is_request(item: Item) -> bool:
    """Return whether an item is a request."""
    return isinstance(item[1], threading.Event)


def _to_read(batch: Batch, lane: Follower) -> Sequence[Item]:
    """Return the items of a batch for a lane that reads the log itself: a stretch of the log."""
    if batch.start is None or batch.end is None:
        return batch.items
    asked = [item for item in batch.items if is_request(item)]
    taken = [item for item in batch.items if item[3] in (None, lane) and not is_request(item)]
    number = sum(documents_in(item[1]) for item in taken)
    stretch = Stretch(batch.start.segment, batch.start.offset, batch.end.offset, number)
    return [("stretch", stretch, 0, None), *asked]
