"""The bounded queue and the thread between the RunEngine and a writer.

Posting appends and returns. The thread wakes on a timer while runs are open, and at every start,
stop and flush, and takes all that has come as one batch: waking it at each post would cost the
RunEngine 12 us instead of 0.3, and batches are what files want.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

logger = logging.getLogger(__name__)

_ROOM_CHECK_SECONDS = 0.002
"""How often a producer that found the mailbox full looks again."""

_LONG_WAIT_SECONDS = 0.5
"""How long a producer waits before that is worth a warning."""

_IDLE_SECONDS = 1.0
"""How often the thread looks when no run is open: only strays come then."""

_MANY_BYTES = 8 << 20
"""Bytes of arrays for which the thread is woken before its time."""

_COMFORT = 1_000
"""Documents that wait at the most while the thread keeps up: more would only cost memory."""

_SHORTEST = 0.001
"""Seconds between two batches at the least, whatever a writer asks for."""

_STALL_SECONDS = 0.4
"""How long a batch takes before the disk counts as stalled, and the whole mailbox is used."""

_LARGEST_BATCH = 1_000
"""Documents after which a long backlog is brought to disk, so that it is seen to shrink."""

_LARGEST_BATCH_BYTES = 64 << 20
"""Bytes of arrays after which it is: those of a batch are in memory beside those that wait."""


class Recipient(Protocol):
    """Who reads the mail: the router, in production."""

    @property
    def has_open_runs(self) -> bool:
        """Whether more documents are to be expected soon."""

    def receive(self, name: str, doc: Any) -> None:
        """Take one document; never raise."""

    def sync(self) -> None:
        """Bring to disk what was taken; never raise."""

    def close(self) -> None:
        """Finish every file; never raise."""


class Mailbox:
    """Documents on their way to the writer's thread.

    Parameters
    ----------
    recipient
        Reads the mail, on this mailbox's thread only.
    name
        Of the format, for messages and the thread.
    interval
        Seconds between two batches while a run is open.
    max_documents, max_bytes
        Bounds on the documents, and on the bytes of the arrays in them, that may wait while the
        disk stalls. A producer that finds the mailbox full waits, with a warning: nothing is
        dropped. While the thread keeps up, a faster producer waits for it before that.
    """

    def __init__(
        self,
        recipient: Recipient,
        *,
        name: str,
        interval: float,
        max_documents: int,
        max_bytes: int,
    ) -> None:
        self._recipient = recipient
        self._name = name
        self._interval = max(_SHORTEST, min(interval, threading.TIMEOUT_MAX))
        self._max_documents = max_documents
        self._max_bytes = max_bytes
        self.items: deque[tuple[str, Any, int]] = deque()
        """What waits, oldest first."""
        self.limit = 0
        """Documents below which anyone may append to `items`; 0 while no thread takes them."""
        self._batch_began: float | None = None
        self._bytes_waiting = 0
        self._bytes_lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._asking = threading.RLock()  # a garbage collection may close while this asks
        self._closed = False
        self._then: Callable[[], object] = bool
        """Is called at the end of the thread."""
        _MAILBOXES.add(self)

    def __len__(self) -> int:
        """Return the number of documents that wait."""
        return len(self.items)

    def post(self, name: str, doc: Any, size: int = 0) -> None:
        """Put a document in; wake the thread only where a run begins. A closed mailbox takes none.

        Parameters
        ----------
        name, doc
            The document.
        size
            Bytes of the arrays in it.
        """
        if self._closed:
            self._tell_of_closing(name)
            return
        if size or len(self.items) >= self.limit:
            self._reserve(size)
        self.items.append((name, doc, size))
        if self._thread is None or name == "start":
            self._ensure_thread()
            self._wake.set()

    def _tell_of_closing(self, name: str) -> None:
        if name == "start":
            logger.warning("%s: a closed writer ignores the run that begins", self._name)

    def request(self, kind: str = "flush") -> threading.Event:
        """Ask that all that was posted so far be brought to disk; the event tells when it is.

        Parameters
        ----------
        kind
            ``flush``, or ``finish`` to end runs that were not stopped, too.
        """
        done = threading.Event()
        with self._asking:
            if not self._closed:
                self.items.append((kind, done, 0))
                self._ensure_thread()
                self._wake.set()
                return done
        self._join()
        done.set()
        return done

    def close(self) -> None:
        """Finish all that was posted and end the thread; a second call waits for the same."""
        with self._asking:
            if not self._closed and self._thread is not None:
                self.request("close")
            self._closed, self.limit = True, 0
        self._join()

    def leave(self, then: Callable[[], object]) -> None:
        """Finish all that was posted and end the thread, and wait for nothing.

        Nobody else has this mailbox any more. It may be a garbage collection that calls, within
        whatever holds a lock: none is taken, and the thread finds the request when it looks.

        Parameters
        ----------
        then
            Is called when all is finished, on the thread.
        """
        if self._closed or not self._is_alive():
            then()
            return
        self._then = then
        self._closed, self.limit = True, 0
        self.items.append(("close", threading.Event(), 0))

    def forget(self) -> None:
        """Take and write nothing in a forked child: the parent has these documents and files."""
        self._closed, self.limit = True, 0
        self.items.clear()
        self._asking = threading.RLock()

    def _join(self) -> None:
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

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
        too_large = waiting > 0 and waiting + size > self._max_bytes
        most = self._max_documents if self._is_stalled() else self.limit
        return too_large or len(self.items) >= most > 0

    def _is_stalled(self) -> bool:
        began = self._batch_began
        return began is not None and time.monotonic() - began > _STALL_SECONDS

    def _wait_for_room(self, size: int) -> None:
        """Hold the producer up until the thread has caught up; tell when that takes long."""
        began, is_told = time.monotonic(), False
        while self._is_full(size) and self._is_alive():
            if not is_told and time.monotonic() - began > _LONG_WAIT_SECONDS:
                is_told = True
                logger.warning(
                    "%s: %d documents (%.0f MB of arrays) wait to be written and the mailbox is "
                    "full; the RunEngine waits until the disk keeps up. Nothing is lost.",
                    self._name,
                    len(self.items),
                    self._bytes_waiting / 1e6,
                )
            self._wake.set()
            time.sleep(_ROOM_CHECK_SECONDS)
        if is_told:
            logger.warning("%s: room again after %.1f s", self._name, time.monotonic() - began)

    def _is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _ensure_thread(self) -> None:
        """Start the thread at the first run, so that a process may fork before it."""
        if self._is_alive():
            return
        with self._starting:
            if self._is_alive() or self._closed:
                return
            self._thread = threading.Thread(
                target=self._work, name=f"bluescribe-{self._name}", daemon=True
            )
            self._thread.start()
            self.limit = min(_COMFORT, self._max_documents)

    def _work(self) -> None:
        self._work_until_closed()
        self._then()

    def _work_until_closed(self) -> None:
        while True:
            if len(self.items) < _LARGEST_BATCH:
                self._wake.wait(self._interval if self._recipient.has_open_runs else _IDLE_SECONDS)
            self._wake.clear()
            try:
                if self._take_batch():
                    return
            except BaseException:  # a recipient promises not to raise; the next document must go on
                logger.exception("%s: a fault inside bluescribe; please report it", self._name)
                if self._closed and not self.items:
                    return

    def _take_batch(self) -> bool:
        """Hand over what waits; return True when asked to close."""
        waiting = len(self.items)
        self._batch_began = time.monotonic()
        taken = taken_bytes = 0
        while taken < min(waiting, _LARGEST_BATCH) and taken_bytes < _LARGEST_BATCH_BYTES:
            name, doc, size = self.items.popleft()
            taken += 1
            if size:
                taken_bytes += size
                with self._bytes_lock:
                    self._bytes_waiting -= size
            if isinstance(doc, threading.Event):
                self._answer(name, doc)
                if name == "close":
                    return True
            else:
                self._recipient.receive(name, doc)
        self._recipient.sync()
        self._batch_began = None
        if taken < waiting:
            self._wake.set()  # a flush may wait behind the rest
        return False

    def _answer(self, request: str, done: threading.Event) -> None:
        try:
            if request in ("close", "finish"):
                self._recipient.close()
            else:
                self._recipient.sync()
        finally:
            done.set()


_MAILBOXES: weakref.WeakSet[Mailbox] = weakref.WeakSet()


def _forget_all() -> None:
    for mailbox in _MAILBOXES:
        mailbox.forget()


os.register_at_fork(after_in_child=_forget_all)
