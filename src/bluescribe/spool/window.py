"""What came last, in memory: lanes that keep up take it from here, the others from the log."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .event_rows import documents_in
from .log import Cursor
from .segment import one_by_one
from .stretch import Stretch

if TYPE_CHECKING:
    from .follower import Follower

__all__ = ["DOCUMENT_BYTES", "MOST_BYTES", "MOST_UNKEPT_BYTES", "Batch", "Item", "Window"]

DOCUMENT_BYTES = 2_000
"""What a document without arrays takes in memory, about."""
MOST_BYTES = 128 << 20
"""What is held in memory when the log cannot be written; as much again waits to be taken."""
MOST_UNKEPT_BYTES = 16 << 20
"""What is held in memory at the most when there is none: whoever plays runs can wait."""
MOST_KEPT_BYTES = 16 << 20
"""What is held in memory of what is in the log: a lane that is slower reads there."""
_LARGEST_MEAL = 1_000
"""Documents after which a long backlog is brought to disk, so that it is seen to shrink."""
_LARGEST_MEAL_BYTES = 64 << 20
"""Bytes of arrays after which it is."""

Item = tuple[str, Any, int, "Follower | None"]
"""Its name, a document or what is asked, the bytes of its arrays, and of which lane: None for all.

What is asked with a `threading.Event` in the place of a document is answered when all before it is
done; it is not kept in the log.
"""


@dataclass(slots=True, eq=False)
class Batch:
    """What came between two looks at what came."""

    number: int
    items: Sequence[Item]
    weight: int
    """About how many bytes it takes."""
    start: Cursor | None = None
    """Where it stands in the log; None while it is in memory only."""
    end: Cursor | None = None
    begun: list[str] = field(default_factory=list)
    """Uids of the runs that begin in it."""

    @property
    def documents(self) -> int:
        """How many were received, with what was asked."""
        return sum(documents_in(doc) for _, doc, _, _ in self.items)


class Window:
    """The latest batches, up to a number of bytes, and what each lane has taken of them.

    Attributes
    ----------
    lock
        Is held by whoever looks at several of its values, or changes one.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.batches: deque[Batch] = deque()
        self.next_number = 0
        self.weight = 0
        self.dropped: Cursor | None = None
        """Where in the log ends what is not in memory any more."""

    @property
    def first_number(self) -> int:
        """The number of the oldest batch that is here, or of the one that comes next."""
        return self.batches[0].number if self.batches else self.next_number

    def add(self, batch: Batch) -> None:
        """Put in what came last; with the lock."""
        self.batches.append(batch)
        self.weight += batch.weight
        self.next_number = batch.number + 1

    def needed(self, lanes: Iterable[Follower]) -> list[Cursor]:
        """Return what lanes read in the log, or will if they do not take it from memory in time."""
        needed = [lane.cursor for lane in lanes if lane.is_behind and lane.cursor is not None]
        needed += [lane.reading for lane in lanes if lane.reading is not None]
        at = min((lane.at for lane in lanes if not lane.is_behind), default=self.next_number)
        starts = (b.start for b in tuple(self.batches) if b.number >= at and b.start is not None)
        return [*needed, *list(starts)[:1]]

    def until(self, lane: Follower) -> tuple[Cursor | None, list[tuple[str, Any, str]]]:
        """Return where in the log ends what a lane has taken, and the rest, in memory only."""
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
        """Yield what is in memory only, oldest first."""
        return (batch for batch in self.batches if batch.end is None)

    def trim(self, lanes: Sequence[Follower], *, is_kept: bool) -> Batch | None:
        """Drop what all lanes have, and what is in the log when there is too much; with the lock.

        Parameters
        ----------
        lanes
            All.
        is_kept
            Whether there is a log, and what is not in it yet may still come into it.

        Returns
        -------
        Batch or None
            The last one that was dropped and is not in the log.
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
        """Return what a lane takes next; with the lock."""
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
                taken += _to_read(batch, lane)
                if is_request(batch.items[-1]):  # it is answered when all before it is done
                    break
            if size > _LARGEST_MEAL_BYTES:
                break
        return taken


def is_request(item: Item) -> bool:
    """Tell whether an item is something that is asked."""
    return isinstance(item[1], threading.Event)


def _to_read(batch: Batch, lane: Follower) -> Sequence[Item]:
    """Return what a lane gets of a batch that can read the log itself: where it is in the log."""
    if batch.start is None or batch.end is None:
        return batch.items
    asked = [item for item in batch.items if is_request(item)]
    taken = [item for item in batch.items if item[3] in (None, lane) and not is_request(item)]
    number = sum(documents_in(item[1]) for item in taken)
    stretch = Stretch(batch.start.segment, batch.start.offset, batch.end.offset, number)
    return [("stretch", stretch, 0, None), *asked]
