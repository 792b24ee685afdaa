"""Intake: documents that wait for the spool's thread. Producers append; that thread takes."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .event_columns import COLUMNS, EventColumns
from .event_rows import ROWS, EventRows
from .rows import Form, Packer
from .window import DOCUMENT_BYTES, MOST_BYTES, Batch, Item, is_request

__all__ = ["Intake"]

logger = logging.getLogger(__name__)

_ROOM_CHECK_SECONDS = 0.002
"""How often a producer that found it full looks again."""
_LONG_WAIT_SECONDS = 0.5
"""How long a producer waits before that is worth a warning."""
_MANY_BYTES = 8 << 20
"""Bytes of arrays for which the thread is woken before its time."""
_MOST_ITEMS = 5_000
"""Documents that may wait."""
_LARGEST_BATCH = 1_000
_LARGEST_BATCH_BYTES = 64 << 20
_PAGES = ("event_page", COLUMNS)
_PREFACES = ("cwd", "elsewhere", "off", "settings")
"""Entries that stand before a start document and belong to the run that it begins."""


class Intake:
    """The documents and requests that wait, oldest first.

    Parameters
    ----------
    wake
        Wakes the spool's thread.
    held_up
        Returns the names of the lanes that are waited for, for the message, and the bytes of
        documents in memory.
    """

    def __init__(self, wake: threading.Event, held_up: Callable[[], tuple[str, int]]) -> None:
        self.items: deque[Item] = deque()
        self.limit = 0
        """Items below which anyone may append to `items`; 0 while no thread takes them."""
        self._wake = wake
        self._packer = Packer()
        self._held_up = held_up
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def has_many(self) -> bool:
        """Whether more than one batch waits."""
        return len(self.items) >= _LARGEST_BATCH

    def open(self) -> None:
        """Accept items: the spool's thread runs."""
        self.limit = _MOST_ITEMS

    def close(self) -> None:
        """Accept items without waiting for room: no thread takes them any more."""
        self.limit = 0

    def put(self, item: Item) -> None:
        """Append an item; wait first while the intake is full."""
        size = item[2]
        if size or len(self.items) >= self.limit:
            if self._is_full(size):
                self._wait_for_room(size)
            if size:
                with self._lock:
                    self._bytes += size
                if self._bytes > _MANY_BYTES:
                    self._wake.set()
        self.items.append(item)

    def next_batch(self, number: int) -> Batch:
        """Return the next batch; it ends behind a request, so that the request is answered soon."""
        items: list[Item] = []
        size = 0
        while self.items and len(items) < _LARGEST_BATCH and size < _LARGEST_BATCH_BYTES:
            if items and is_request(items[-1]) and not is_request(self.items[0]):
                break
            items.append(self.items.popleft())
            size += items[-1][2]
        while items and items[-1][0] in _PREFACES:  # it goes with the run that begins
            self.items.appendleft(items.pop())
        if size:
            with self._lock:
                self._bytes -= size
        begun = [*map(_uid, filter(_is_start, items))]
        gathered = [*_gathered(items, self._packer)]
        received = sum(size for name, _, size, _ in items if name != "event_page")
        weight = received + sum(size for name, _, size, _ in gathered if name in _PAGES)
        return Batch(number, gathered, weight + len(items) * DOCUMENT_BYTES, begun=begun)

    def _is_full(self, size: int) -> bool:
        waiting = self._bytes
        is_much = waiting > 0 and waiting + size > MOST_BYTES
        return is_much or len(self.items) >= _MOST_ITEMS

    def _wait_for_room(self, size: int) -> None:
        """Block the producer until there is room; log a warning when that takes long."""
        began, is_told = time.monotonic(), False
        while self.limit and self._is_full(size):
            if not is_told and time.monotonic() - began > _LONG_WAIT_SECONDS:
                is_told = True
                names, size_in_memory = self._held_up()
                logger.warning(
                    "%s: %d documents (%.0f MB) wait to be written and memory is full; the "
                    "RunEngine waits until the disk keeps up. Nothing is lost.",
                    names,
                    len(self.items),
                    (size_in_memory + self._bytes) / 1e6,
                )
            self._wake.set()
            time.sleep(_ROOM_CHECK_SECONDS)
        if is_told:
            logger.warning("room again after %.1f s", time.monotonic() - began)


def _gathered(items: Iterable[Item], packer: Packer) -> Iterator[Item]:
    """Yield what was received, with events in one that are alike and came one behind the other."""
    form: Form | None = None
    rows: list[bytes] = []
    events: list[dict[str, Any]] = []
    for item in items:
        name, doc, _, lane = item
        row = packer.pack(doc) if name == "event" and lane is None else None
        if rows and (row is None or row[0] is not form):
            assert form is not None  # rows have one
            yield ROWS, EventRows(form, b"".join(rows), events), 0, None
            rows, events = [], []
        if row is None:
            yield _with_columns(item) if name == "event_page" and lane is None else item
        else:
            form = row[0]
            rows.append(row[1])
            events.append(doc)
    if rows and form is not None:
        yield ROWS, EventRows(form, b"".join(rows), events), 0, None


def _with_columns(item: Item) -> Item:
    """Return a page with packed columns, if it can be packed."""
    columns = EventColumns.of(item[1])
    return item if columns is None else (COLUMNS, columns, columns.nbytes, None)


def _is_start(item: Item) -> bool:
    name, doc, _, _ = item
    return name == "start" and isinstance(doc, dict) and isinstance(doc.get("uid"), str)


def _uid(item: Item) -> str:
    doc: Any = item[1]
    return str(doc["uid"])
