"""Intake: what was received and waits to be taken. Producers append; one thread takes."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

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
_PREFACES = ("cwd", "elsewhere", "off", "settings")
"""What is told before a start document, of the run that begins."""


class Intake:
    """What waits, oldest first.

    Parameters
    ----------
    wake
        Wakes who takes it.
    held_up
        Returns who is, for the message, and the bytes that they have in memory.
    """

    def __init__(self, wake: threading.Event, held_up: Callable[[], tuple[str, int]]) -> None:
        self.items: deque[Item] = deque()
        self.limit = 0
        """Items below which anyone may append to `items`; 0 while nobody takes them."""
        self._wake = wake
        self._held_up = held_up
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def has_many(self) -> bool:
        """Whether more than one batch waits."""
        return len(self.items) >= _LARGEST_BATCH

    def open(self) -> None:
        """Take what comes from now on: there is somebody who takes it from here."""
        self.limit = _MOST_ITEMS

    def close(self) -> None:
        """Have no producer wait any more."""
        self.limit = 0

    def put(self, item: Item) -> None:
        """Put in an item, after waiting until there is room for it."""
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
        """Return what is taken next; a request is its end, so that it is answered there."""
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
        weight = size + len(items) * DOCUMENT_BYTES
        return Batch(number, items, weight, begun=[*map(_uid, filter(_is_start, items))])

    def _is_full(self, size: int) -> bool:
        waiting = self._bytes
        is_much = waiting > 0 and waiting + size > MOST_BYTES
        return is_much or len(self.items) >= _MOST_ITEMS

    def _wait_for_room(self, size: int) -> None:
        """Hold the producer up until there is room; tell when that takes long."""
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


def _is_start(item: Item) -> bool:
    name, doc, _, _ = item
    return name == "start" and isinstance(doc, dict) and isinstance(doc.get("uid"), str)


def _uid(item: Item) -> str:
    doc: Any = item[1]
    return str(doc["uid"])
