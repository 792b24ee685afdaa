"""Spool: writes all documents to a local disk, and shows them to the lanes.

Posting appends and returns. A thread looks every tenth of a second while runs are open, and at
every start, stop and flush; it writes the new documents into the log and shows them to the lanes.
Waking it at each post would cost the RunEngine 12 us instead of 0.3.
"""

from __future__ import annotations

import logging
import threading
import weakref
from typing import Any

from ..files.system import after_fork
from .feed import Feed
from .follower import Follower
from .intake import Intake
from .settings import SpoolSettings
from .window import Batch, Window

__all__ = ["Spool"]

logger = logging.getLogger(__name__)

_INTERVAL = 0.1
"""Seconds between two writes to the log while a run is open."""
_IDLE_SECONDS = 1.0
"""Seconds between two looks when no run is open: only stray documents come then."""


class Spool(Feed):
    """Takes documents from producers and passes them to the lanes, by way of the log.

    Parameters
    ----------
    settings
        Where the log is; None keeps documents in memory only, where a producer that is too fast
        waits for the lanes.
    """

    def __init__(self, settings: SpoolSettings | None = None) -> None:
        super().__init__(settings)
        self.intake = Intake(self._wake, self._held_up)
        """Documents for the thread: anyone may append to its `items`, below its `limit`."""
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._asking = threading.RLock()  # a garbage collection may close while this asks
        self._is_over = False
        self._is_waited_for_in_vain = False
        _SPOOLS.add(self)

    @property
    def has_begun(self) -> bool:
        """Whether anything was received."""
        return self._thread is not None

    def post(self, name: str, doc: Any, size: int = 0, lane: Follower | None = None) -> None:
        """Append a document; wake the thread only where a run begins.

        Parameters
        ----------
        name, doc
            A document or a control.
        size
            Bytes of the arrays in it.
        lane
            The lane that it is for; None for all.
        """
        if self._is_over:
            return
        self.intake.put((name, doc, size, lane))
        if self._thread is None or name == "start":
            self._ensure_threads()
            self._wake.set()

    def ask(self, lane: Follower, kind: str, done: threading.Event) -> bool:
        """Append a request for a lane; return False if the lane has ended, or is about to."""
        with self._asking:
            if self._is_over or lane.is_closed:
                return False
            if kind == "close":
                lane.is_closed = True
            self.intake.items.append((kind, done, 0, lane))
            self._ensure_threads()
            self._wake.set()
        return True

    def join(self, timeout: float | None) -> bool:
        """Wait for the end of the thread, if no lane follows any more; return False if it hangs.

        Only one lane waits in vain, and is told of it.

        Parameters
        ----------
        timeout
            Seconds to wait at the most; None waits as long as it takes.
        """
        thread = self._thread
        is_here = thread is threading.current_thread()
        if self.lanes or thread is None or is_here or self._is_waited_for_in_vain:
            return True
        thread.join(None if timeout is None else min(timeout, threading.TIMEOUT_MAX))
        self._is_waited_for_in_vain = thread.is_alive()
        return not self._is_waited_for_in_vain

    def forget(self) -> None:
        """Do nothing in a forked child: documents and files are the parent's."""
        self._is_over = True
        self.intake.close()
        self.intake.items.clear()
        self._asking, self._starting = threading.RLock(), threading.Lock()
        self._window = Window()
        self._keeper.forget()
        for lane in self.lanes:
            lane.forget()

    def _is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _ensure_threads(self) -> None:
        """Start the thread at the first run, so that a process may fork before it."""
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
        """Write what is not in the log yet, and log what is left for the next session."""
        self._keeper.keep([*self._window.unkept()], self.lanes, [], is_last=True)
        unkept = sum(batch.documents for batch in self._window.unkept())
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

    def _look(self) -> None:
        """Write new documents into the log, and show them to the lanes."""
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

    def _keep(self, new: list[Batch]) -> None:
        """Write batches that are not in the log yet; without the lock, as a disk may be slow."""
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
