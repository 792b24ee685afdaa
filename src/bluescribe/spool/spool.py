"""Spool: all that is received, kept on a local disk at once, and followed by lanes.

Posting appends and returns. A thread looks every tenth of a second while runs are open, and at
every start, stop and flush; it writes what came into the log, and shows it to the lanes: waking it
at each post would cost the RunEngine 12 us instead of 0.3.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Any

from .keeping import Keeper
from .lane import Lane
from .log import Cursor
from .problems import BrokenSpoolError
from .segment import NOTE, Entry
from .settings import SpoolSettings
from .window import DOCUMENT_BYTES, MOST_BYTES, MOST_UNKEPT_BYTES, Batch, Item, Window

__all__ = ["Spool"]

logger = logging.getLogger(__name__)

_INTERVAL = 0.1
"""Seconds after which what was received is in the log, while a run is open."""
_IDLE_SECONDS = 1.0
"""How often the thread looks when no run is open: only strays come then."""
_ROOM_CHECK_SECONDS = 0.002
"""How often a producer that found the spool full looks again."""
_LONG_WAIT_SECONDS = 0.5
"""How long a producer waits before that is worth a warning."""
_MANY_BYTES = 8 << 20
"""Bytes of arrays for which the thread is woken before its time."""
_MOST_ITEMS = 5_000
"""Documents that may wait for the thread."""
_LARGEST_BATCH = 1_000
_PREFACES = ("cwd", "elsewhere")
"""What is told before a start document, of the run that begins."""
_LARGEST_BATCH_BYTES = 64 << 20


class Spool:
    """What is received, on its way to the lanes.

    Parameters
    ----------
    settings
        Where it is kept; None keeps it in memory only, in which a producer waits for the lanes.
    """

    def __init__(self, settings: SpoolSettings | None = None) -> None:
        self.items: deque[Item] = deque()
        """What waits for the thread, oldest first."""
        self.limit = 0
        """Items below which anyone may append to `items`; 0 while no thread takes them."""
        self.lanes: list[Lane] = []
        self._window = Window()
        self._keeper = Keeper(settings)
        self._bytes_waiting = 0
        self._bytes_lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._asking = threading.RLock()  # a garbage collection may close while this asks
        self._is_over = False
        _SPOOLS.add(self)

    @property
    def has_begun(self) -> bool:
        """Whether anything was received."""
        return self._thread is not None

    def add(self, lane: Lane) -> None:
        """Have a lane follow from now on."""
        with self._window.lock:
            lane.at = self._window.next_number
            names = [each.key for each in self.lanes]
            lane.key = lane.name if lane.name not in names else f"{lane.name} {len(names)}"
            self.lanes = [*self.lanes, lane]

    def post(self, name: str, doc: Any, size: int = 0, lane: Lane | None = None) -> None:
        """Put in what is received; wake the thread only where a run begins.

        Parameters
        ----------
        name, doc
            A document, or what is asked of the lanes.
        size
            Bytes of the arrays in it.
        lane
            For whom it is; None for all.
        """
        if self._is_over:
            return
        if size or len(self.items) >= self.limit:
            self._reserve(size)
        self.items.append((name, doc, size, lane))
        if self._thread is None or name == "start":
            self._ensure_threads()
            self._wake.set()

    def ask(self, lane: Lane, kind: str, done: threading.Event) -> bool:
        """Ask a lane something, behind all that came; return False if it has ended, or ends."""
        with self._asking:
            if self._is_over or lane.is_closed:
                return False
            if kind == "close":
                lane.is_closed = True
            self.items.append((kind, done, 0, lane))
            self._ensure_threads()
            self._wake.set()
        return True

    def take(self, lane: Lane) -> list[Item] | None:
        """Return what a lane takes next, from memory or from the log; None if nothing is there.

        Raises
        ------
        OSError
            The log cannot be read.
        """
        window = self._window
        with window.lock:
            if lane not in self.lanes:
                return None  # it follows another spool by now
            if lane.is_behind and self._is_level(lane):
                lane.is_behind, lane.at = False, window.first_number
            if not lane.is_behind:
                return window.take(lane) or None
            start, end = lane.cursor, lane.next_asked or window.dropped
        assert start is not None  # it was left behind at a place in the log
        return self._read(lane, start, end)

    def settle(self, lane: Lane) -> None:
        """Note with which runs a lane is done, on its thread."""
        with self._window.lock:
            done = self._keeper.settle(lane, lane.recipient.unfinished)
            is_urgent = not self._keeper.is_needed or self._is_held_up()
        for uid in done:
            self.note("done", {"run_start": uid}, lane)
        if is_urgent:
            self._wake.set()  # to sweep, or to take what waits

    def story(self, uid: str, lane: Lane) -> Iterator[Entry] | None:
        """Return what a lane has got since a run began; None if not all of it is in the log."""
        with self._window.lock:
            end, tail = self._window.until(lane)
        entries = self._keeper.story(uid, end)
        entries = None if entries is None else chain(entries, tail)
        return None if entries is None else (e for e in entries if e[2] in ("", lane.key))

    def keeps(self, uid: str) -> bool:
        """Tell whether all of a run is in the log."""
        return self._keeper.keeps(uid)

    def note(self, name: str, told: Any, lane: Lane) -> None:
        """Write into the log at once what a lane is about to do, on its thread."""
        self._keeper.note((NOTE + name, told, lane.key))

    def dismiss(self, lane: Lane) -> None:
        """Have a lane follow no more; when there is none left, the thread ends."""
        with self._window.lock:
            self.lanes = [each for each in self.lanes if each is not lane]
            self._keeper.dismiss(lane)
        self._wake.set()

    def hasten(self) -> None:
        """Look at what came now."""
        self._wake.set()

    def join(self) -> None:
        """Wait for the end of the thread, if no lane follows any more."""
        thread = self._thread
        if not self.lanes and thread is not None and thread is not threading.current_thread():
            thread.join()

    def forget(self) -> None:
        """Take and write nothing in a forked child: the parent has these documents and files."""
        self._is_over, self.limit = True, 0
        self.items.clear()
        self._asking, self._starting = threading.RLock(), threading.Lock()
        self._window = Window()
        self._keeper.forget()
        for lane in self.lanes:
            lane.forget()

    def _is_level(self, lane: Lane) -> bool:
        """Tell whether a lane has read all in the log that is not in memory."""
        dropped = self._window.dropped
        return lane.cursor is None or dropped is None or lane.cursor >= dropped

    def _read(self, lane: Lane, start: Cursor, end: Cursor | None) -> list[Item]:
        assert end is not None  # there is a log
        items: list[Item] = []
        cursor = start
        try:
            for (name, doc, whose), after in self._keeper.read(start, end):
                if after != cursor and (len(items) >= _LARGEST_BATCH or _is_much(start, cursor)):
                    break
                cursor = after
                if whose in ("", lane.key) and not name.startswith(NOTE):
                    items.append((name, doc, 0, None))
            else:
                cursor = end
        except (OSError, BrokenSpoolError):
            logger.exception(
                "%s: what came while it was behind cannot be read in the spool, and is not in its "
                "files. Remedy: export these runs again from where all of them is.",
                lane.name,
            )
            cursor = end
        lane.cursor = cursor
        return items

    def _reserve(self, size: int) -> None:
        """Count `size` in, after waiting until there is room for it."""
        if self._is_full(size):
            self._wait_for_room(size)
        if size:
            with self._bytes_lock:
                self._bytes_waiting += size
            if self._bytes_waiting > _MANY_BYTES:
                self._wake.set()

    def _is_full(self, size: int) -> bool:
        waiting = self._bytes_waiting
        is_much = waiting > 0 and waiting + size > MOST_BYTES
        return is_much or (len(self.items) >= _MOST_ITEMS and self.limit > 0)

    def _wait_for_room(self, size: int) -> None:
        """Hold the producer up until the thread has caught up; tell when that takes long."""
        began, is_told = time.monotonic(), False
        while self._is_full(size) and self._is_alive():
            if not is_told and time.monotonic() - began > _LONG_WAIT_SECONDS:
                is_told = True
                logger.warning(
                    "%s: %d documents (%.0f MB) wait to be written and memory is full; the "
                    "RunEngine waits until the disk keeps up. Nothing is lost.",
                    ", ".join(lane.name for lane in self.lanes),
                    len(self.items),
                    (self._window.weight + self._bytes_waiting) / 1e6,
                )
            self._wake.set()
            time.sleep(_ROOM_CHECK_SECONDS)
        if is_told:
            logger.warning("room again after %.1f s", time.monotonic() - began)

    def _is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _ensure_threads(self) -> None:
        """Start the threads at the first run, so that a process may fork before it."""
        if self._is_alive():
            return
        with self._starting:
            if self._is_alive() or self._is_over:
                return
            self._thread = threading.Thread(target=self._work, name="bluescribe-spool", daemon=True)
            self._thread.start()
            self.limit = _MOST_ITEMS

    def _work(self) -> None:
        while self.lanes:
            if len(self.items) < _LARGEST_BATCH or self._is_held_up():
                self._wake.wait(self._seconds())
            self._wake.clear()
            try:
                self._look()
            except BaseException:  # the next document must go on
                logger.exception("a fault inside bluescribe; please report it")
        self._is_over, self.limit = True, 0
        self._end()

    def _end(self) -> None:
        """Write what is not in the log yet, and tell what is left there for the next session."""
        self._keeper.keep([*self._window.unkept()], self.lanes, [], is_last=True)
        unkept = sum(len(batch.items) for batch in self._window.unkept())
        if unkept and self._keeper.is_needed and not self._keeper.is_off:
            logger.error(
                "the last %d documents are not in the spool: %s", unkept, self._keeper.refused
            )
        self._window = Window()  # what was asked names the lanes, and these the spool
        if (left := self._keeper.close()) is not None:
            logger.warning(
                "what could not be written is kept in %s: the next session writes it, or "
                "bluescribe recover DIR does",
                left,
            )

    def _seconds(self) -> float:
        if not self._keeper.is_needed:
            return _IDLE_SECONDS
        return min([_INTERVAL, *(lane.interval for lane in self.lanes)])

    def _is_held_up(self) -> bool:
        """Tell whether nothing can be taken before the lanes, or the disk, have taken more."""
        return self._window.weight >= self._most

    def _look(self) -> None:
        """Write what came into the log, and show it to the lanes."""
        self._keep([])
        with self._window.lock:
            self._trim()
        while self.items and not self._is_held_up():
            batch = self._next_batch()
            if not batch.items:
                break
            try:
                with self._window.lock:
                    self._keeper.begin(batch, self.lanes)
                self._keep([batch])
            finally:
                self._show(batch)
        with self._window.lock:
            self._trim()
            self._keeper.sweep(self._window.needed(self.lanes))

    def _show(self, batch: Batch) -> None:
        with self._window.lock:
            self._window.add(batch)
            for lane in self.lanes:
                lane.expect(batch)
            self._trim()

    @property
    def _most(self) -> int:
        return MOST_UNKEPT_BYTES if self._keeper.is_off else MOST_BYTES

    def _keep(self, new: list[Batch]) -> None:
        """Write what is not in the log yet; without a lock, as the disk may take its time."""
        batches = [*self._window.unkept(), *new]
        self._keeper.keep(batches, self.lanes, self._window.needed(self.lanes))
        with self._window.lock:
            for lane in self.lanes:
                lane.note_kept(batches)

    def _trim(self) -> None:
        lost = self._window.trim(self.lanes, is_kept=not self._keeper.is_off)
        if lost is not None:
            self._keeper.lose(lost)

    def _next_batch(self) -> Batch:
        items: list[Item] = []
        size = 0
        while self.items and len(items) < _LARGEST_BATCH and size < _LARGEST_BATCH_BYTES:
            if items and _is_request(items[-1]) and not _is_request(self.items[0]):
                break  # it is answered where the batch ends
            items.append(self.items.popleft())
            size += items[-1][2]
        while items and items[-1][0] in _PREFACES:  # it goes with the run that begins
            self.items.appendleft(items.pop())
        if size:
            with self._bytes_lock:
                self._bytes_waiting -= size
        starts = [doc for name, doc, _, _ in items if name == "start" and isinstance(doc, dict)]
        begun = [doc["uid"] for doc in starts if isinstance(doc.get("uid"), str)]
        weight = size + len(items) * DOCUMENT_BYTES
        return Batch(self._window.next_number, items, weight, begun=begun)


def _is_request(item: Item) -> bool:
    return isinstance(item[1], threading.Event)


def _is_much(start: Cursor, end: Cursor) -> bool:
    return start.segment != end.segment or end.offset - start.offset > _LARGEST_BATCH_BYTES


_SPOOLS: weakref.WeakSet[Spool] = weakref.WeakSet()


def _forget_all() -> None:
    for spool in _SPOOLS:
        spool.forget()


os.register_at_fork(after_in_child=_forget_all)
