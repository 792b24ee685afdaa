"""Follower: the thread of a lane, which takes documents and passes them to the recipient.

It looks at fixed times while a run is open, and at once when it is woken; late runs are retried
when no document waits.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .entries import Entry
from .event_rows import documents_in
from .late import LateRuns
from .log import Cursor
from .recipient import Recipient
from .stretch import Stretch
from .window import Batch, Item

if TYPE_CHECKING:
    from .spool import Spool

__all__ = ["Follower"]

logger = logging.getLogger(__name__)

_SHORTEST = 0.001
"""Seconds between two looks, at least, whatever the writer's settings say."""
_AFTER_FAULT_SECONDS = 0.1
_BEGIN_SECONDS = 0.1
"""How long a run that has begun is let come: many are over by then, and are written at once."""
_MANY_BYTES = 1 << 20
"""Of a batch that is not let wait."""


class Follower:
    """Takes the documents of one format from the spool, on a thread of its own.

    Parameters
    ----------
    spool
        The spool.
    recipient
        Writes the documents; it is called on this lane's thread only.
    name
        Of the format, for messages, the thread and the log.
    interval
        Seconds between two looks while a run is open.
    """

    _is_ended = False
    _waiting = 0
    _has_new_run = False
    """Whether a run began that it has not looked at."""
    is_behind = False
    """Whether it is too slow for the window in memory, and reads the log instead."""
    _moved = 0.0
    """When the recipient last got something, or close was requested, in `monotonic` seconds."""

    def __init__(self, spool: Spool, recipient: Recipient, *, name: str, interval: float) -> None:
        self.recipient = recipient
        self.name = name
        self.key = name
        """Its name in the log, which no other lane of the spool has."""
        self.interval = max(_SHORTEST, min(interval, threading.TIMEOUT_MAX))
        self.about: Callable[[], Any] = dict
        """Returns what whoever finds the log must know of it: its settings."""
        self.at = 0
        """Number of the next batch that it takes."""
        self.cursor: Cursor | None = None
        """Where in the log that batch begins; None while it is not in the log."""
        self.threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        """Threads that must not wait for this lane, as this lane waits for them."""
        self.reading: Cursor | None = None
        """Where in the log a process of its own reads."""
        self.is_closed = False
        self.wake = threading.Event()
        self._hurry = threading.Event()
        """Ends the time for which a new run is let come."""
        self._over = threading.Event()
        self._lagging: deque[tuple[Cursor, str, threading.Event]] = deque()
        """Requests that came while it was behind, each with its place in the log."""
        self._asked: list[threading.Event] = []
        """Requests to answer when the recipient has all that was taken."""
        self._thread: threading.Thread | None = None
        self._then: Callable[[], object] = bool
        """Called when the thread ends."""
        self._late = LateRuns()
        self._spool = spool
        spool.add(self)

    @property
    def has_begun(self) -> bool:
        """Whether its thread was started: it has had documents."""
        return self._thread is not None

    def forget(self) -> None:
        """Do nothing in a forked child."""
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
        """Note where in the log the batches taken so far end; called with the window's lock."""
        for batch in batches:
            if self.at == batch.number + 1 and not self.is_behind:
                self.cursor = batch.end

    def note_level(self) -> None:
        """Note that no document waits; called with the window's lock."""
        self._waiting = 0

    def expect(self, batch: Batch) -> None:
        """Wake at once if a batch has something urgent; called with the window's lock."""
        self._begin()
        is_urgent = not self.recipient.has_open_runs or bool(batch.begun)
        is_over = batch.weight > _MANY_BYTES
        for name, doc, _, lane in batch.items:
            if lane is None or lane is self:
                self._waiting += documents_in(doc)
                is_asked = lane is self and isinstance(doc, threading.Event)
                is_urgent, is_over = is_urgent or is_asked, is_over or is_asked or name == "stop"
        self._has_new_run = self._has_new_run or bool(batch.begun)
        if is_over:
            self._hurry.set()
        if is_urgent:
            self.wake.set()

    def leave_behind(self, batch: Batch) -> None:
        """Read a batch in the log, as it leaves memory; called with the window's lock."""
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
        """Place in the log of the next request to answer; None if there is none."""
        return self._lagging[0][0] if self._lagging else None

    def _work(self) -> None:
        while True:
            self.wake.wait(self._seconds())
            self._let_come()
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

    def _let_come(self) -> None:
        """Wait a moment for the rest of a run that has just begun, unless somebody waits for it."""
        if self._has_new_run and not self.is_behind:
            self._has_new_run = False
            self._hurry.wait(_BEGIN_SECONDS)
        self._hurry.clear()

    def story(self, uid: str) -> Iterator[Entry] | None:
        """Return the entries that it has taken since a run began; None if the log lacks some."""
        entries = self._spool.story(uid, self)
        return None if entries is None else self._moving(entries)

    def _moving(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self._moved = time.monotonic()
            yield entry

    def open_segment(self, number: int) -> int:
        """Return a file descriptor of a segment of the log, for a process that reads it.

        Raises
        ------
        OSError
            There are too many open files.
        """
        return self._spool.open_segment(number)

    def begun(self) -> set[str]:
        """Return the runs that began in the batches it has taken, and are not done yet."""
        return self._spool.begun(self)

    def _seconds(self) -> float | None:
        """Return how long the thread may sleep; None until it is woken."""
        if self.is_behind:
            return 0.0
        due = self._late.seconds(self.recipient)
        if self.recipient.has_open_runs:
            return self.interval if due is None else min(due, self.interval)
        return due

    def _follow(self) -> bool:
        """Take all documents that are there; return True when close was requested."""
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
        """Pass documents to the recipient, and answer requests among them."""
        stops = [doc for name, doc, _, lane in items if name == "stop" and lane in (None, self)]
        if stops:
            self._safely(self.recipient.foresee, stops)
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
        """Answer the requests that reading in the log has come to; return True for a close."""
        while self._lagging and self.cursor is not None and self.cursor >= self._lagging[0][0]:
            _, kind, done = self._lagging.popleft()
            self._waiting -= 1
            self._answer(kind, done)
        return self._is_ended

    def _safely(self, do: Callable[..., object], *args: Any) -> None:
        """Call the recipient; it promises not to raise, and the next document must go on."""
        try:
            do(*args)
        except BaseException:
            logger.exception("%s: a fault inside bluescribe; please report it", self.name)

    def _answer(self, kind: str, done: threading.Event) -> None:
        """Do what a request says; late runs are retried once all documents are passed on."""
        self._is_ended = self._is_ended or kind == "close"
        is_end = kind in ("close", "finish")
        self._safely(self.recipient.close if is_end else self.recipient.sync)
        if kind == "sync":
            done.set()
        else:
            self._asked.append(done)

    def _answer_later(self) -> None:
        """Retry late runs, then answer the requests that wait for that."""
        asked, self._asked = self._asked, []
        if asked:
            self._safely(self._late.try_now, self.recipient, self.story)
        for done in asked:
            done.set()
