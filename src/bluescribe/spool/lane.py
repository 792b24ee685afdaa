"""Lane: one format's way through the spool, and what is asked of it from other threads."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .follower import Follower

if TYPE_CHECKING:
    from .intake import Intake
    from .spool import Spool

__all__ = ["Lane"]

logger = logging.getLogger(__name__)

_SPOOL_SECONDS = 10.0
"""What the spool has at the least for its own end, when all is in the files."""


class Lane(Follower):
    """What came, on its way into the files of one format.

    It takes what is for this format alone, is asked to bring to disk what came, and ends.
    """

    @property
    def intake(self) -> Intake:
        """What waits for the spool's thread."""
        return self._spool.intake

    @property
    def itself(self) -> Lane | None:
        """For whom is what is received for this lane alone: nobody else may follow its spool."""
        return None if self._spool.lanes == [self] else self

    def keeps(self, uid: str) -> bool:
        """Tell whether all of a run is in the log."""
        return self._spool.keeps(uid)

    def note(self, name: str, told: Any) -> None:
        """Write into the log at once what is about to be done."""
        self._spool.note(name, told, self)

    def follow(self, spool: Spool) -> None:
        """Follow another spool from now on; what came so far is written first."""
        if self._spool is not spool and not self.is_closed:
            self.request().wait()
            self._spool.dismiss(self)
            self._spool = spool
            self.cursor, self.is_behind = None, False
            spool.add(self)

    def __len__(self) -> int:
        """Return the number of documents that wait for it, about."""
        return max(0, self._waiting) + len(self._spool.intake.items)

    def post(self, name: str, doc: Any, size: int = 0) -> None:
        """Put in what is for this lane alone; a closed one takes nothing.

        Parameters
        ----------
        name, doc
            A document, or what is asked.
        size
            Bytes of the arrays in it.
        """
        if self.is_closed:
            return
        self._spool.post(name, doc, size, self.itself)

    def request(self, kind: str = "sync") -> threading.Event:
        """Ask that all that came so far be brought to disk; the event tells when it is.

        Parameters
        ----------
        kind
            ``sync``; ``flush`` to try the runs that are late as well; ``finish`` to end runs that
            were not stopped, too.
        """
        done = threading.Event()
        if not self._spool.has_begun:
            done.set()  # nothing came
        elif not self._spool.ask(self, kind, done):
            self._join()
            done.set()
        return done

    def begin_to_close(self) -> None:
        """Ask for what `close` waits for."""
        if not self._spool.has_begun:
            self._end_unused()
        elif self._spool.ask(self, "close", threading.Event()):
            self._moved = time.monotonic()

    def close(self, timeout: float | None = None, *, patience: float | None = None) -> None:
        """Finish all that came and end the thread; a second call waits for the same.

        Parameters
        ----------
        timeout
            Seconds after which it is not waited for; None waits as long as it takes.
        patience
            Seconds after which it is not waited for if nothing was handed over meanwhile: its disk
            hangs. What is only slow is waited for. None waits as long as it takes.
        """
        self.begin_to_close()
        if not self._spool.has_begun:
            return
        began = time.monotonic()
        if self._join(timeout, patience):
            limit = patience if timeout is None else max(timeout, _SPOOL_SECONDS)
            if not self._spool.join(limit):
                logger.warning(
                    "%s: the disk of the spool hangs. All is in the files; the spool stays where "
                    "it is, and the next session sees to it.",
                    self.name,
                )
        else:
            logger.warning(
                "%s: its disk hangs: not all is written after %.0f s. What is missing is in the "
                "spool, and is written by the next session, or by bluescribe recover DIR.",
                self.name,
                time.monotonic() - min(began, self._moved),
            )

    def _end_unused(self) -> None:
        self.is_closed = True
        self._spool.dismiss(self)
        self._over.set()

    def leave(self, then: Callable[[], object]) -> None:
        """Finish all that came and end the thread, and wait for nothing.

        Nobody else has this lane any more. It may be a garbage collection that calls, within
        whatever holds a lock: none is taken, and the threads find the request when they look.

        Parameters
        ----------
        then
            Is called when all is finished, on the thread.
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
        """Wait for the end of the thread; tell whether it came."""
        if threading.current_thread() in (self._thread, *self.threads):
            return True
        self._spool.hasten()
        end = time.monotonic() + (math.inf if timeout is None else timeout)
        quiet = math.inf if patience is None else patience
        while (left := min(end, self._moved + quiet) - time.monotonic()) > 0:
            if self._over.wait(min(left, threading.TIMEOUT_MAX)):
                return True
        return self._over.is_set()
