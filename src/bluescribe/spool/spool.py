"""Spool: all that is received, kept on a local disk at once, and followed by lanes.

Posting appends and returns. A thread looks every tenth of a second while runs are open, and at
every start, stop and flush; it writes what came into the log, and shows it to the lanes: waking it
at each post would cost the RunEngine 12 us instead of 0.3.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterator
from itertools import chain
from typing import Any

from ..files.system import after_fork
from .follower import Follower
from .intake import Intake
from .keeping import Keeper
from .reading import read_part
from .segment import NOTE, Entry
from .settings import SpoolSettings
from .window import MOST_BYTES, MOST_UNKEPT_BYTES, Batch, Item, Window

__all__ = ["Spool"]

logger = logging.getLogger(__name__)

_INTERVAL = 0.1
"""Seconds after which what was received is in the log, while a run is open."""
_IDLE_SECONDS = 1.0
"""How often the thread looks when no run is open: only strays come then."""


class Spool:
    """What is received, on its way to the lanes.

    Parameters
    ----------
    settings
        Where it is kept; None keeps it in memory only, in which a producer waits for the lanes.
    """

    def __init__(self, settings: SpoolSettings | None = None) -> None:
        self.lanes: list[Follower] = []
        self._window = Window()
        self._keeper = Keeper(settings)
        self._wake = threading.Event()
        self.intake = Intake(self._wake, self._held_up)
        """What waits for the thread: anyone may append to its `items`, below its `limit`."""
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._asking = threading.RLock()  # a garbage collection may close while this asks
        self._is_over = False
        _SPOOLS.add(self)

    @property
    def has_begun(self) -> bool:
        """Whether anything was received."""
        return self._thread is not None

    def add(self, lane: Follower) -> None:
        """Have a lane follow from now on."""
        with self._window.lock:
            lane.at = self._window.next_number
            names = [each.key for each in self.lanes]
            lane.key = lane.name if lane.name not in names else f"{lane.name} {len(names)}"
            self.lanes = [*self.lanes, lane]

    def post(self, name: str, doc: Any, size: int = 0, lane: Follower | None = None) -> None:
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
        self.intake.put((name, doc, size, lane))
        if self._thread is None or name == "start":
            self._ensure_threads()
            self._wake.set()

    def ask(self, lane: Follower, kind: str, done: threading.Event) -> bool:
        """Ask a lane something, behind all that came; return False if it has ended, or ends."""
        with self._asking:
            if self._is_over or lane.is_closed:
                return False
            if kind == "close":
                lane.is_closed = True
            self.intake.items.append((kind, done, 0, lane))
            self._ensure_threads()
            self._wake.set()
        return True

    def take(self, lane: Follower) -> list[Item] | None:
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
            lane.reading = None
            if not lane.is_behind:
                items = window.take(lane)
                if not items:
                    lane.note_level()
                return items or None
            start, end = lane.cursor, lane.next_asked or window.dropped
        assert start is not None  # it was left behind at a place in the log
        assert end is not None
        if lane.recipient.reads_log:
            stretch, lane.cursor = self._keeper.stretch(start, end)
            lane.reading = start
            return [("stretch", stretch, 0, None)]
        entries = self._keeper.read(start, end)
        items, lane.cursor = read_part(entries, start, end, key=lane.key, name=lane.name)
        return items

    def settle(self, lane: Follower) -> None:
        """Note with which runs a lane is done, on its thread."""
        with self._window.lock:
            done = self._keeper.needs.settle(lane, lane.recipient.unfinished)
            is_urgent = not self._keeper.needs or self._is_held_up()
        for uid in done:
            self.note("done", {"run_start": uid}, lane)
        if is_urgent:
            self._wake.set()  # to sweep, or to take what waits

    def story(self, uid: str, lane: Follower) -> Iterator[Entry] | None:
        """Return what a lane has got since a run began; None if not all of it is in the log."""
        with self._window.lock:
            end, tail = self._window.until(lane)
        entries = self._keeper.story(uid, end)
        entries = None if entries is None else chain(entries, tail)
        return None if entries is None else (e for e in entries if e[2] in ("", lane.key))

    def open_segment(self, number: int) -> int:
        """Return a descriptor of a segment, for a process that reads in it.

        Raises
        ------
        OSError
            There are too many open files.
        """
        return self._keeper.open_segment(number)

    def begun(self, lane: Follower) -> set[str]:
        """Return the runs that began in what a lane has got, and that it has not settled."""
        with self._window.lock:
            return self._keeper.needs.begun(lane)

    @property
    def uses_processes(self) -> bool:
        """Whether formats may be written by processes of their own."""
        return self._keeper.uses_processes

    def keeps(self, uid: str) -> bool:
        """Tell whether all of a run is in the log."""
        return self._keeper.keeps(uid)

    def note(self, name: str, told: Any, lane: Follower) -> None:
        """Write into the log at once what a lane is about to do, on its thread."""
        self._keeper.note((NOTE + name, told, lane.key))

    def dismiss(self, lane: Follower) -> None:
        """Have a lane follow no more; when there is none left, the thread ends."""
        with self._window.lock:
            self.lanes = [each for each in self.lanes if each is not lane]
            self._keeper.needs.dismiss(lane)
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
        self._is_over = True
        self.intake.close()
        self.intake.items.clear()
        self._asking, self._starting = threading.RLock(), threading.Lock()
        self._window = Window()
        self._keeper.forget()
        for lane in self.lanes:
            lane.forget()

    def _is_level(self, lane: Follower) -> bool:
        """Tell whether a lane has read all in the log that is not in memory."""
        dropped = self._window.dropped
        return lane.cursor is None or dropped is None or lane.cursor >= dropped

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
            self.intake.open()

    def _work(self) -> None:
        while self.lanes:
            if not self.intake.has_many or self._is_held_up():
                self._wake.wait(self._seconds())
            self._wake.clear()
            try:
                self._look()
            except BaseException:  # the next document must go on
                logger.exception("a fault inside bluescribe; please report it")
        self._is_over = True
        self.intake.close()
        self._end()

    def _end(self) -> None:
        """Write what is not in the log yet, and tell what is left there for the next session."""
        self._keeper.keep([*self._window.unkept()], self.lanes, [], is_last=True)
        unkept = sum(len(batch.items) for batch in self._window.unkept())
        if unkept and self._keeper.needs and not self._keeper.is_off:
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
        if not self._keeper.needs:
            return _IDLE_SECONDS
        return min([_INTERVAL, *(lane.interval for lane in self.lanes)])

    def _held_up(self) -> tuple[str, int]:
        return ", ".join(lane.name for lane in self.lanes), self._window.weight

    def _is_held_up(self) -> bool:
        """Tell whether nothing can be taken before the lanes, or the disk, have taken more."""
        return self._window.weight >= self._most

    def _look(self) -> None:
        """Write what came into the log, and show it to the lanes."""
        self._keep([])
        with self._window.lock:
            self._trim()
        while self.intake.items and not self._is_held_up():
            batch = self.intake.next_batch(self._window.next_number)
            if not batch.items:
                break
            try:
                with self._window.lock:
                    self._keeper.needs.begin(batch, self.lanes)
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


_SPOOLS: weakref.WeakSet[Spool] = weakref.WeakSet()


def _forget_all() -> None:
    for spool in _SPOOLS:
        spool.forget()


after_fork(_forget_all)
