"""Follower: the thread of a lane, which takes what came and hands it over.

It looks at fixed times while a run is open, and at once when it is woken; late runs have their turn
when it is level.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .event_rows import documents_in
from .late import LateRuns
from .log import Cursor
from .recipient import Recipient
from .segment import Entry
from .stretch import Stretch
from .window import Batch, Item

if TYPE_CHECKING:
    from .spool import Spool

__all__ = ["Follower"]

logger = logging.getLogger(__name__)

_SHORTEST = 0.001
"""Seconds between two looks at the least, whatever a writer asks for."""
_AFTER_FAULT_SECONDS = 0.1


class Follower:
    """Takes what came for one format, on a thread of its own.

    Parameters
    ----------
    spool
        What it follows.
    recipient
        Takes what came, on this lane's thread only.
    name
        Of the format, for messages, the thread and the log.
    interval
        Seconds between two looks while a run is open.
    """

    _is_ended = False
    is_behind = False
    """Whether it reads in the log."""
    _moved = 0.0
    """When something was handed over, or it was asked to close, in seconds of `monotonic`."""

    def __init__(self, spool: Spool, recipient: Recipient, *, name: str, interval: float) -> None:
        self.recipient = recipient
        self.name = name
        self.key = name
        """What it is called in the log: no other lane of the spool is."""
        self.interval = max(_SHORTEST, min(interval, threading.TIMEOUT_MAX))
        self.about: Callable[[], Any] = dict
        """Returns what is to be known of it by those who find the log."""
        self.at = 0
        """Number of the batch that it takes next."""
        self.cursor: Cursor | None = None
        """Where in the log that begins; None while it is not there."""
        self.threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        """On which nobody may wait for this lane, as it waits for them."""
        self.reading: Cursor | None = None
        """Where in the log another process reads for it."""
        self.is_closed = False
        self.wake = threading.Event()
        self._over = threading.Event()
        self._lagging: deque[tuple[Cursor, str, threading.Event]] = deque()
        """What it was asked while it was behind, and after what in the log."""
        self._asked: list[threading.Event] = []
        """What is answered when all that was taken is handed over."""
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._then: Callable[[], object] = bool
        """Is called at the end of the thread."""
        self._late = LateRuns()
        self._spool = spool
        spool.add(self)

    @property
    def has_begun(self) -> bool:
        """Whether its thread was started: something came."""
        return self._thread is not None

    def forget(self) -> None:
        """Take and write nothing in a forked child."""
        self.is_closed = True
        self._over = threading.Event()
        self._over.set()

    def _begin(self) -> None:
        """Start the thread, unless it runs."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._work, name=f"bluescribe-{self.name}", daemon=True
            )
            self._thread.start()

    def note_kept(self, batches: Sequence[Batch]) -> None:
        """Note where in the log is what was taken; with the window's lock."""
        for batch in batches:
            if self.at == batch.number + 1 and not self.is_behind:
                self.cursor = batch.end

    def note_level(self) -> None:
        """Note that nothing waits; with the window's lock."""
        self._waiting = 0

    def expect(self, batch: Batch) -> None:
        """Look at once if a batch has what cannot wait; with the window's lock."""
        self._begin()
        is_urgent = not self.recipient.has_open_runs or bool(batch.begun)
        for _, doc, _, lane in batch.items:
            if lane is None or lane is self:
                self._waiting += documents_in(doc)
                is_urgent = is_urgent or (lane is self and isinstance(doc, threading.Event))
        if is_urgent:
            self.wake.set()

    def leave_behind(self, batch: Batch) -> None:
        """Read in the log what is not in memory any more; with the window's lock."""
        if self.at > batch.number:
            return
        if not self.is_behind:
            self.is_behind, self.cursor = True, batch.start
        assert batch.end is not None  # or it would stay in memory
        for name, doc, _, lane in batch.items:
            if isinstance(doc, threading.Event) and lane is self:
                self._lagging.append((batch.end, name, doc))

    @property
    def next_asked(self) -> Cursor | None:
        """Up to where it reads in the log before it answers what it was asked."""
        return self._lagging[0][0] if self._lagging else None

    def _work(self) -> None:
        while True:
            self.wake.wait(self._seconds())
            self.wake.clear()
            try:
                if self._follow():
                    break
                self.recipient.tend()
                if not self.is_behind and self._late.try_when_due(self.recipient, self.story):
                    self._spool.settle(self)
            except BaseException:  # a recipient promises not to raise; the next document must go on
                logger.exception("%s: a fault inside bluescribe; please report it", self.name)
                time.sleep(_AFTER_FAULT_SECONDS)  # it may come again at once
                if self.is_closed and not self._waiting:
                    break
        self.is_closed = True
        self._spool.dismiss(self)
        self._then()
        self._over.set()

    def story(self, uid: str) -> Iterator[Entry] | None:
        """Return what it has got since a run began; None if not all of it is in the log."""
        entries = self._spool.story(uid, self)
        return None if entries is None else self._moving(entries)

    def _moving(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self._moved = time.monotonic()
            yield entry

    def open_segment(self, number: int) -> int:
        """Return a descriptor of a segment of the log, for a process that reads in it.

        Raises
        ------
        OSError
            There are too many open files.
        """
        return self._spool.open_segment(number)

    def begun(self) -> set[str]:
        """Return the runs that began in what it has got, and that it has not settled."""
        return self._spool.begun(self)

    def _seconds(self) -> float | None:
        """Return how long nothing is to be done; None while only what comes can change that."""
        if self.is_behind:
            return 0.0
        due = self._late.seconds(self.recipient)
        if self.recipient.has_open_runs:
            return self.interval if due is None else min(due, self.interval)
        return due

    def _follow(self) -> bool:
        """Take all that is there; return True when asked to close."""
        while not self._answer_lagging() and (items := self._spool.take(self)) is not None:
            self._hand_over(items)
            self._safely(self.recipient.sync)
            self._moved = time.monotonic()
            self._answer_later()
            self._spool.settle(self)
            if self._is_ended:
                return True
        if self._asked:
            self._answer_later()
            self._spool.settle(self)
        return self._is_ended

    def _hand_over(self, items: list[Item]) -> None:
        """Hand over what was taken, and answer what was asked."""
        for name, doc, _, lane in items:
            if self._is_ended or (lane is not None and lane is not self):
                continue
            self._waiting -= doc.documents if isinstance(doc, Stretch) else documents_in(doc)
            self._moved = time.monotonic()
            if isinstance(doc, threading.Event):
                self._answer(name, doc)
            else:
                self._safely(self.recipient.receive, name, doc)

    def _answer_lagging(self) -> bool:
        """Answer what was asked where it reads by now; tell whether that was the end."""
        while self._lagging and self.cursor is not None and self.cursor >= self._lagging[0][0]:
            _, kind, done = self._lagging.popleft()
            self._waiting -= 1
            self._answer(kind, done)
        return self._is_ended

    def _safely(self, do: Callable[..., object], *args: Any) -> None:
        """Have the recipient do something; it promises not to raise, and the next must go on."""
        try:
            do(*args)
        except BaseException:
            logger.exception("%s: a fault inside bluescribe; please report it", self.name)

    def _answer(self, kind: str, done: threading.Event) -> None:
        """Do what is asked; runs that are late have their turn when all is handed over."""
        self._is_ended = self._is_ended or kind == "close"
        is_end = kind in ("close", "finish")
        self._safely(self.recipient.close if is_end else self.recipient.sync)
        if kind == "sync":
            done.set()
        else:
            self._asked.append(done)

    def _answer_later(self) -> None:
        """Try the runs that are late for those who asked for that."""
        asked, self._asked = self._asked, []
        if asked:
            self._safely(self._late.try_now, self.recipient, self.story)
        for done in asked:
            done.set()
