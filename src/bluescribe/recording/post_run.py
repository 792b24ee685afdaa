"""What remains to be done for a run whose file is complete: copying images, by and by.

One thread does it for all runs of a writer, one after the other; it is started by the first.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from ..contract.post_run import Shortfall, Work, carry_out
from ..contract.report import Failure
from ..files.job_note import Note
from .account import Account

__all__ = ["PostRunJobs"]

logger = logging.getLogger(__name__)

_TELL_SECONDS = 10.0
"""How often somebody who waits for the work is told what is left."""


class Then(Protocol):
    """Is told what could not be done, and whether it is left to others."""

    def __call__(self, failures: Sequence[Failure], /, *, is_owed: bool) -> None:
        """Be told; raise nothing."""


class _Item(NamedTuple):
    run: str
    path: Path
    work: Work
    then: Then
    note: Note | None


class PostRunJobs:
    """Work on files of runs that have ended.

    Parameters
    ----------
    ledger
        Is told which files are worked on, and what could not be done.
    """

    def __init__(self, ledger: Account) -> None:
        self._ledger = ledger
        self._items: deque[_Item] = deque()
        self._changed = threading.Condition()
        self._give_up = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._is_over = False
        """Whether the work has ended: what comes now is left to others."""
        self._then: Callable[[], object] = bool
        """Is called at the end of the thread."""
        self._process = os.getpid()

    def add(
        self,
        run: str,
        path: Path,
        work: Work,
        then: Then = lambda failures, *, is_owed: None,
        *,
        note: Note | None = None,
    ) -> None:
        """Do something later.

        Parameters
        ----------
        run
            What messages call the run.
        path
            The file of the run.
        work
            What is to be done.
        then
            Is called when nothing more is done here; it does not raise.
        note
            Says beside the file that the work is owed; it goes when nothing is.
        """
        item = _Item(run, path, work, then, note)
        with self._changed:
            is_left = self._is_over
            if not is_left:
                self._items.append(item)
                self._ledger.copying.append(path)
                self._changed.notify_all()
                self._thread = self._thread or self._started()
        if is_left:
            self._leave(item)

    def _started(self) -> threading.Thread | None:
        thread = threading.Thread(
            target=self._work, name=f"bluescribe-{self._ledger.format_name}-later", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # the interpreter ends: `close` does the work itself
            return None
        return thread

    def close(self, timeout: float | None) -> None:
        """Wait until all is done; a second call waits for the same.

        Parameters
        ----------
        timeout
            Seconds after which what is left is given up, with a warning; None waits for all.
        """
        if os.getpid() != self._process or self._thread is threading.current_thread():
            return  # a forked child, or a garbage collection
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._thread is None:
            self._work_here(timeout)
            return
        self._wait(self._thread, timeout)
        if self._thread.is_alive():
            self._tell_of_leaving(timeout or 0.0)
            self._give_up.set()
            self._thread.join(_TELL_SECONDS)

    def leave(self, then: Callable[[], object]) -> None:
        """Go on until all is done, then end the thread; wait for nothing.

        Parameters
        ----------
        then
            Is called when all is done.
        """
        with self._changed:
            self._is_closing, self._then = True, then
            self._changed.notify_all()
        if self._thread is None and not self._items:
            then()

    def _wait(self, thread: threading.Thread, timeout: float | None) -> None:
        """Wait for the thread, and tell now and then for what."""
        deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
        while thread.is_alive() and time.monotonic() < deadline:
            thread.join(min(_TELL_SECONDS, max(0.0, deadline - time.monotonic())))
            if thread.is_alive() and time.monotonic() < deadline:
                logger.warning(
                    "%s: images are still being copied into %s",
                    self._ledger.format_name,
                    _names(self._ledger.copying),
                )

    def _work_here(self, timeout: float | None) -> None:
        """Do the work on this thread: none can be started any more."""
        with self._bounded(timeout if self._items else None):
            self._work()
        if self._ledger.copying:
            self._tell_of_leaving(timeout or 0.0)

    @contextmanager
    def _bounded(self, timeout: float | None) -> Iterator[None]:
        """Have what is done in the block given up after a time."""
        if timeout is None:
            yield
            return
        timer = threading.Timer(timeout, self._give_up.set)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # nor this one
            self._give_up.set()
        yield
        timer.cancel()

    def _work(self) -> None:
        while (item := self._next()) is not None:
            shortfalls = self._do(item)
            failures = self._report(item, shortfalls)
            if self._give_up.is_set():
                self._leave(item, failures)
                break
            self._ledger.copying.remove(item.path)
            self._settle(item, failures, [s for s in shortfalls if s.is_owed])
        with self._changed:
            self._is_over = True
            left = list(self._items)  # given up; the files are complete without it
            self._items.clear()
        for item in left:
            self._leave(item)
        self._then()

    def _do(self, item: _Item) -> Sequence[Shortfall]:
        try:
            shortfalls = carry_out(item.work, self._give_up)
        except Exception as error:
            logger.exception("%s: a fault inside bluescribe", self._ledger.format_name)
            remedy = "please report this with the traceback in the log"
            cause = f"{type(error).__name__}: {error}"
            shortfalls = [Shortfall(cause, remedy, is_owed=True, is_whole=False)]
        return shortfalls

    def _settle(self, item: _Item, failures: Sequence[Failure], owed: Sequence[Shortfall]) -> None:
        """Forget what is done, and keep what is still owed for others."""
        if item.note is None:
            item.then(failures, is_owed=False)
            return
        try:
            if owed:
                item.note.fail(_causes(owed))
            else:
                item.note.clear()
        except OSError as error:
            logger.warning("%s: %s: %s", self._ledger.format_name, item.note.place, error)
        item.note.release()
        if owed:
            self._ledger.owed.append(item.path)
        item.then(failures, is_owed=not all(shortfall.is_whole for shortfall in owed))

    def _leave(self, item: _Item, failures: Sequence[Failure] = ()) -> None:
        """Leave what is noted to those who find the note; they tell of the run as well."""
        if item.note is not None:
            item.note.release()
        item.then(failures, is_owed=item.note is not None)

    def _next(self) -> _Item | None:
        """Return what is to be done next, None when nothing will come any more."""
        with self._changed:
            while not self._items and not self._is_closing:
                self._changed.wait()
            if self._give_up.is_set() or not self._items:
                self._is_over = not self._items
                return None
            return self._items.popleft()

    def _report(self, item: _Item, shortfalls: Sequence[Shortfall]) -> list[Failure]:
        """Tell what could not be done, once, and return it."""
        now = time.time()
        failures = [Failure(now, item.run, item.path, s.cause, s.remedy) for s in shortfalls]
        if item.note is None or item.note.failed != _causes(shortfalls):
            for failure in failures:
                self._tell(failure)
        return failures

    def _tell(self, failure: Failure) -> None:
        logger.warning(
            "%s: %s, %s: %s. Remedy: %s.",
            *(self._ledger.format_name, failure.run, failure.path, failure.cause, failure.remedy),
        )
        # the next run shall not be aborted for it: the run's file is complete, with links
        self._ledger.failures.append(failure)

    def _tell_of_leaving(self, timeout: float) -> None:
        logger.warning(
            "%s: not all images were copied within %.0f s. These files are complete but still link "
            "them: %s. Keep the linked files: the next session copies them, or bluescribe recover "
            "%s does. writer.close() waits for as long as copying takes.",
            self._ledger.format_name,
            timeout,
            _names(self._ledger.copying),
            " ".join(dict.fromkeys(str(path.parent) for path in self._ledger.copying)),
        )


def _causes(shortfalls: Iterable[Shortfall]) -> str:
    return "; ".join(shortfall.cause for shortfall in shortfalls)


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths)) or "no file"
