"""Connection: the session's end of the way to the process that writes a format.

It begins the process when there is something to do, and has things done there. Where no process can
be begun, a worker in the session does the same.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import retry_policy
from ...retry_policy import Retries
from ...spool.entries import Entry
from ...spool.problems import BrokenSpoolError
from ...spool.reading import log_unreadable
from ..account import Account
from ..here import KEPT
from .child import Child
from .events import WorkerEvents

if TYPE_CHECKING:
    from ...spool import Lane
    from .worker import Worker

__all__ = ["Connection"]

logger = logging.getLogger(__name__)

_AT_ONCE = 500
"""Entries of a story that are sent in one message."""
_END_SECONDS = 15.0
"""How much longer than it was given the end of a process is waited for."""
_MOMENT_SECONDS = 1.0
_MOST_STARTS = 3
"""How often a process may fail to begin before the session does the work itself."""
_MOST_PATIENT_STARTS = 120
"""How often, where it fails as the system has no room at the moment."""
_PASSES = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)


class Connection:
    """Has things done by a worker, in its process; its methods are called by the lane's thread.

    Parameters
    ----------
    about
        The writer's class and settings, for the process.
    lane
        Knows what came.
    account
        The account of the writer.
    events
        Takes what the process tells meanwhile.
    here
        Makes what does the work in the session if no process can be begun.
    """

    def __init__(
        self,
        about: Mapping[str, Any],
        lane: Lane,
        account: Account,
        *,
        events: WorkerEvents,
        here: Callable[[], Worker],
    ) -> None:
        self._about = dict(about)
        self._lane = lane
        self._account = account
        self._events = events
        self._make_worker = here
        self.worker: Worker | None = None
        """Does the work here, where no process can be begun."""
        self.child: Child | None = None
        self.is_dead = False
        """Whether the process died and nobody has seen to it yet."""
        self.is_over = False
        """Whether nothing more comes."""
        self._is_stuck = False
        """Whether neither a process nor this one can write the format, which was told."""
        self.segment = 0
        """In which one of the log the process reads; they are counted from 1."""
        self.state: dict[str, Any] = {"late": (), "unfinished": (), "has_open_runs": False}
        """What the worker said last of its runs."""
        self.using = threading.Lock()

    @property
    def is_used(self) -> bool:
        """Whether a worker was begun, or is about to be."""
        return self.child is not None or self.worker is not None or self.using.locked()

    @property
    def may_be_dead(self) -> bool:
        """Whether the process has ended by itself."""
        return self.is_dead or (self.child is not None and self.child.has_ended)

    def forget(self, state: dict[str, Any]) -> None:
        """Enter that the process is gone and seen to; the next thing to do begins another."""
        self.child, self.is_dead, self.segment = None, False, 0
        self.state = state

    def do(self, name: str, *told: Any) -> Any:
        """Have something done; None if the process has died, which the next `tend` finds."""
        if self.is_dead:
            return None
        with self.using:
            try:
                if self.worker is None and (self.child is not None or self._start()):
                    return self._ask(name, *told)
            except EOFError:
                self.is_dead = True
        return None if self.worker is None else self._do_here(name, *told)

    def _ask(self, name: str, *told: Any) -> Any:
        assert self.child is not None  # it was begun
        commands = self.child.commands
        if name == "late":
            self._send_story(*told)
        elif name == "segment":
            fd = self._opened(*told)
            try:
                commands.send("segment")
                commands.send_file(fd)
            finally:
                with suppress(OSError):  # the answer is to be heard all the same
                    os.close(fd)
        else:
            commands.send(name, *told)
        answer, state = commands.receive()
        self.state = state
        return answer

    def _send_story(self, uid: str, files: list[Path] | None, entries: Iterator[Entry]) -> None:
        assert self.child is not None  # it was begun
        commands = self.child.commands
        commands.send("late", uid, files)
        try:
            while part := list(islice(entries, _AT_ONCE)):
                commands.send("part", part)
        except (OSError, BrokenSpoolError) as error:
            commands.send("broken", str(error))
        else:
            commands.send("whole")

    def _do_here(self, name: str, *told: Any) -> Any:
        assert self.worker is not None  # it was made
        if name == "segment":
            told = (self._opened(*told),)
        answer = None
        try:
            answer = getattr(self.worker, name)(*told)
        except (OSError, BrokenSpoolError) as error:
            log_unreadable(self._account.format_name, error)
        self.state = self.worker.state()
        return answer

    def _opened(self, number: int) -> int:
        """Open a segment of the log; what refuses that passes, and nothing is lost meanwhile."""
        retries = Retries()
        while True:
            try:
                return self._lane.open_segment(number)
            except OSError as error:
                logger.debug("%s: the spool cannot be read: %s", self._account.format_name, error)
                time.sleep(retries.fail(retry_policy.FOR_PROCESSES))

    def _start(self) -> bool:
        """Begin a process; return False if the session has to do the work itself."""
        tries, retries = 0, Retries()
        while not self.is_over or self._lane.has_begun:
            try:
                name, wake = self._account.format_name, self._lane.wake.set
                self.child = Child(name, self._about, self._events, wake)
                self._lane.threads.add(self.child.thread)
                self.child.wait_until_ready()
            except Exception as error:  # whatever the session has made of Python
                self.child = None
                tries += 1
                passes = isinstance(error, OSError) and error.errno in _PASSES
                is_enough = tries >= (_MOST_PATIENT_STARTS if passes else _MOST_STARTS)
                if is_enough and self._give_in(error):
                    break
                if passes or is_enough:
                    time.sleep(retries.fail(retry_policy.FOR_PROCESSES))
            else:
                return True
        return False

    def _give_in(self, error: Exception) -> bool:
        """Have the session do the work itself; return False where that cannot be done either.

        Then a process is tried again and again, and the spool keeps what comes: h5py is installed
        anew, say, or the version of bluescribe with which the session began.
        """
        try:
            worker = self._make_worker()
        except Exception as another:
            if not self._is_stuck:
                self._is_stuck = True
                logger.error(  # noqa: TRY400  # it says all that an instrument scientist needs
                    "%s: no process of its own can be begun: %s; and this one cannot write it: "
                    "%s: %s. %s.",
                    *(self._account.format_name, error, type(another).__name__, another, KEPT),
                )
            return False
        logger.warning(
            "%s: no process of its own can be begun, and it is written in this one: %s",
            self._account.format_name,
            error,
        )
        self._events.leave()
        self.worker = worker
        return True

    def leave_account(self) -> None:
        """Take no more of what the process says into the account; see `WorkerEvents.leave`."""
        self._events.leave()

    def begin(self) -> None:
        """Begin the process before it is needed."""
        with self.using:
            if self.child is None and self.worker is None and not self.is_over:
                self._start()
            if self.child is not None and self.is_over:
                self.child.kill()

    def end(self, timeout: float | None, *, has_rest: Callable[[], bool]) -> bool:
        """End the process; return False if it died before.

        Parameters
        ----------
        timeout
            Seconds that it has for what remains; None waits for all.
        has_rest
            Tells whether a process that died has left something to be done.

        Raises
        ------
        TimeoutError
            It hangs.
        """
        self.is_over = True
        child = self.child
        if child is None:
            return True
        if not self.using.acquire(timeout=0 if not self._lane.has_begun else _MOMENT_SECONDS):
            if not self._lane.has_begun:
                child.kill_soon()  # it begins: whoever waits for that reaps it
            return True
        try:
            child.commands.send("end", timeout)
            child.commands.receive(None if timeout is None else timeout + _END_SECONDS)
            child.reap()
            self.child = None
        except EOFError:
            self.is_dead = self.child is child and has_rest()
            if not self.is_dead:
                child.reap()
            return not self.is_dead
        finally:
            self.using.release()
        return True
