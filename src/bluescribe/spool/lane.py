"""Lane: one format's way through the spool, and the requests that other threads make of it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from .follower import Follower

if TYPE_CHECKING:
    from .intake import Intake
    from .spool import Spool

__all__ = ["Hang", "Lane"]

_SPOOL_SECONDS = 10.0
"""What the spool has at the least for its own end, when all is in the files."""


class Hang(NamedTuple):
    """What a lane that was closed still waits for."""

    seconds: float
    """Since when nothing has come of it."""
    is_spool: bool
    """Whether all is in the files, and the disk of the spool hangs."""


class Lane(Follower):
    """Passes documents to the files of one format.

    Other threads post documents for this format alone, request that all be written, and close it.
    """

    @property
    def intake(self) -> Intake:
        """Documents that wait for the spool's thread."""
        return self._spool.intake

    @property
    def itself(self) -> Lane | None:
        """What `Spool.post` needs for documents of this lane alone; None if it is the only lane."""
        return None if self._spool.lanes == [self] else self

    def keeps(self, uid: str) -> bool:
        """Return whether all of a run is in the log."""
        return self._spool.keeps(uid)

    def note(self, name: str, told: Any) -> None:
        """Write a note into the log at once, before what it says is done."""
        self._spool.note(name, told, self)

    def follow(self, spool: Spool) -> None:
        """Take documents of another spool from now on; write those of the present one first."""
        if self._spool is not spool and not self.is_closed:
            self.request().wait()
            self._spool.dismiss(self)
            self._spool = spool
            self.cursor, self.is_behind = None, False
            spool.add(self)

    def __len__(self) -> int:
        """Return about how many documents wait for this lane."""
        return max(0, self._waiting) + len(self._spool.intake.items)

    def post(self, name: str, doc: Any, size: int = 0) -> None:
        """Append a document for this lane alone; a closed lane ignores it.

        Parameters
        ----------
        name, doc
            A document or a control.
        size
            Bytes of the arrays in it.
        """
        if self.is_closed:
            return
        self._spool.post(name, doc, size, self.itself)

    def request(self, kind: str = "sync") -> threading.Event:
        """Request that all documents so far be written to disk; the event is set when they are.

        Parameters
        ----------
        kind
            ``sync``; ``flush`` to retry late runs as well; ``finish`` to end runs without a stop
            document, too.
        """
        done = threading.Event()
        if not self._spool.has_begun:
            done.set()  # nothing came
        elif not self._spool.ask(self, kind, done):
            self._join()
            done.set()
        return done

    def begin_to_close(self) -> None:
        """Begin what `close` waits for."""
        if not self._spool.has_begun:
            self._end_unused()
        elif self._spool.ask(self, "close", threading.Event()):
            self._moved = time.monotonic()

    def close(self, timeout: float | None = None, *, patience: float | None = None) -> Hang | None:
        """Write all documents, finish the files, end the thread; a second call waits for the same.

        Parameters
        ----------
        timeout
            Seconds to wait at most; None waits as long as it takes.
        patience
            Seconds without any progress after which the disk is taken to hang, and waiting ends.
            A disk that is only slow is waited for. None waits as long as it takes.

        Returns
        -------
        Hang or None
            What did not come to its end in that time.
        """
        self.begin_to_close()
        if not self._spool.has_begun:
            return None
        began = time.monotonic()
        if self._join(timeout, patience):
            limit = patience if timeout is None else max(timeout, _SPOOL_SECONDS)
            seconds = time.monotonic() - began
            return None if self._spool.join(limit) else Hang(seconds, is_spool=True)
        return Hang(time.monotonic() - min(began, self._moved), is_spool=False)

    def _end_unused(self) -> None:
        self.is_closed = True
        self._spool.dismiss(self)
        self._over.set()

    def leave(self, then: Callable[[], object]) -> None:
        """Have all documents written and the thread ended, without waiting.

        Nobody else refers to this lane. A garbage collection may be calling, on a thread that holds
        a lock: so no lock is taken here, and the threads find the request when they look.

        Parameters
        ----------
        then
            Called on the lane's thread when all is finished.
        """
        if self.is_closed or not self._spool.has_begun:
            if not self.is_closed:
                self._end_unused()
            then()
            return
        self._then = then
        self.is_closed = True
        self._spool.intake.items.append(("close", threading.Event(), 0, self))

    def _join(self, timeout: float | None = None, patience: float | None = None) -> bool:
        """Wait for the thread to end; return whether it has."""
        if threading.current_thread() in (self._thread, *self.threads):
            return True
        self._spool.hasten()
        end = time.monotonic() + (math.inf if timeout is None else timeout)
        quiet = math.inf if patience is None else patience
        while (left := min(end, self._moved + quiet) - time.monotonic()) > 0:
            if self._over.wait(min(left, threading.TIMEOUT_MAX)):
                return True
        return self._over.is_set()
