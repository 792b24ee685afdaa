"""Calls of a file's methods: tried again while the disk refuses, until the file is given up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import retry_policy
from ..contract.report import Failure
from ..contract.runfile import RunFile
from ..errors import DocumentError
from ..files.remedies import may_pass, remedy
from ..model.run import Run
from ..retry_policy import Retries
from .account import Account
from .notices import Notice

__all__ = ["Retry"]

logger = logging.getLogger(__name__)


class Retry:
    """What is done to the file of one run, as long as it can be written.

    Parameters
    ----------
    run
        Whose file it is.
    file
        Its methods are what is called.
    retry_seconds
        How long an `OSError` is tried again before the file is given up.
    account
        Is told what failed.
    """

    def __init__(
        self, run: Run, file: RunFile[Any], *, retry_seconds: float, account: Account
    ) -> None:
        self._run = run
        self._file = file
        self._retry_seconds = retry_seconds
        self._account = account
        self.failure: Failure | None = None
        """Why the file was given up."""
        self.is_retired = False
        """Whether nothing goes into it any more: it failed, or did not accept the run."""
        self.is_late = False
        """Whether it failed, and will be written anew from the spool."""
        self.has_news = False
        """Whether something was done since somebody set this back."""

    def __call__(self, method: Callable[..., None], *args: Any) -> None:
        """Call a method of the file, unless the file is given up.

        Raises
        ------
        DocumentError
            The file refuses a document.
        """
        if self._is_over():
            return
        self.has_news = True
        try:
            method(*args)
        except DocumentError:
            raise
        except BaseException as error:  # sys.exit() in a hook costs the file, not the thread
            self._insist(error, method, *args)

    def fault_of(self, method: Callable[..., None], *args: Any) -> BaseException | None:
        """Call a method as above, but return what was raised that is no fault of the disk.

        What was at fault may be a value: the caller tries less than all, and gives the file up
        when that does not help.
        """
        if self._is_over():
            return None
        self.has_news = True
        try:
            method(*args)
        except OSError as error:
            try:
                self._insist(error, method, *args)
            except DocumentError as refused:
                return refused
        except BaseException as error:
            return error
        return None

    def give_up(self, error: BaseException) -> None:
        """Leave the file as it is and say so.

        Raises
        ------
        DocumentError
            It is what the error is: the file refuses a document and goes on.
        """
        if isinstance(error, DocumentError):
            raise error
        self._give_up(error)

    def or_refuse(self, name: str, method: Callable[..., None], *args: Any) -> bool:
        """Call a method with what a document says; return False when the document is refused."""
        try:
            self(method, *args)
        except DocumentError as error:
            self._account.refuse(name, error)
            return False
        return True

    @property
    def _patience(self) -> float:
        """How long is tried again: not at all while others are late, if this one is as safe."""
        spool = self._account.spool
        is_safe = spool is not None and spool.keeps(self._run.uid)
        return 0.0 if is_safe and self._account.postponed else self._retry_seconds

    def _insist(self, error: BaseException, method: Callable[..., None], *args: Any) -> None:
        """Try again while the disk refuses; then give the file up."""
        retries = Retries()
        while isinstance(error, OSError) and may_pass(error) and not self._is_left:
            pause = retries.fail(retry_policy.FOR_FILES)
            if not retries.is_within(self._patience):
                break
            self._notify_retry(error)
            time.sleep(pause)
            try:
                method(*args)
            except DocumentError:
                self._notify_recovery()
                raise
            except BaseException as another:
                error = another
            else:
                self._notify_recovery()
                return
        self._give_up(error)

    def _notify_retry(self, error: OSError) -> None:
        is_first = not self._account.retrying
        self._account.retrying = f"{self._run.label}: {error}"
        if is_first:
            self._account.notifier.notify("retry", self._notice(error))

    def lose(self, error: Exception) -> None:
        """Say that the file will not be written."""
        notice = self._notice(error)
        cause = f"{type(error).__name__}: {error}"
        self.failure = Failure(time.time(), notice.run, notice.path, cause, notice.remedy)
        self._account.notifier.notify("lost", notice)
        self._account.fail(self.failure)

    def notify_written(self) -> None:
        """Tell that a run that was late is in its file, or sent, if the format wanted it."""
        if self._file.paths or self._file.is_sent:
            self._account.notifier.notify("written", self._notice(None))

    def _notify_recovery(self) -> None:
        self._account.retrying = ""
        self._account.notifier.notify("again", self._notice(None))

    def _notice(self, error: BaseException | None) -> Notice:
        paths = self._file.paths
        if paths and isinstance(error, OSError) and _is_empty(paths[0]):
            paths = []  # what waits cannot be written: it stays so, and is removed
        return Notice(
            self._account.format_name,
            self._run.uid,
            self._run.label,
            error,
            paths[0] if paths else None,
            "" if error is None else remedy(error, paths),
            self._retry_seconds,
            self._file.is_sent,
        )

    @property
    def _is_left(self) -> bool:
        return self._account.has_left(self._run.uid)

    def _is_over(self) -> bool:
        """Tell whether nothing goes into the file any more; let go of one that was left."""
        if not self.is_retired and self._is_left:
            self._leave()
        return self.is_retired

    def _leave(self) -> None:
        """Let go of the file, which another process has deleted, or will: it writes the run."""
        self.is_retired = True
        self._account.retrying = ""
        self._account.open_files.pop(self._run.uid, None)
        try:
            self._file.abandon()
        except BaseException:
            logger.debug("abandoning %s failed", self._run.label, exc_info=True)

    def _give_up(self, error: BaseException) -> None:
        """Leave the file as it is and say so; from the spool it may be written anew."""
        if self._is_left:
            self._leave()
            return
        self.is_retired = True
        self._account.retrying = ""
        notice = self._notice(error)
        cause = f"{type(error).__name__}: {error}"
        failure = Failure(time.time(), notice.run, notice.path, cause, notice.remedy)
        self._account.open_files.pop(self._run.uid, None)
        uid, is_first = self._run.uid, self._run.uid not in self._account.postponed
        self.is_late = isinstance(error, OSError) and self._account.postpone(uid, failure, error)
        if not self.is_late:
            self.failure = failure
            self._account.postponed.remove(uid)
            self._account.notifier.notify("lost", notice)
            self._account.fail(failure)
        elif is_first:
            self._account.notifier.notify("late", notice)
        try:
            self._file.abandon()
        except BaseException:
            logger.debug("abandoning %s failed too", notice.path, exc_info=True)
        self._file.remove_empty()


def _is_empty(path: Path) -> bool:
    try:
        return not path.stat().st_size
    except OSError:  # who cannot look does not know
        return False
