"""RunReporter: what is done when a run has ended: post-run jobs, and then its report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ..contract.post_run import Work
from ..contract.report import Failure, LeftOut, RunReport
from ..contract.runfile import RunFile
from ..files.remedies import remedy
from ..model.run import Document, Run
from .account import Account
from .post_run import PostRunJobs
from .retry import Retry

__all__ = ["RunReporter"]


class RunReporter:
    """Reports one run, once, when nothing more is done for it.

    Parameters
    ----------
    run, file
        The run and its file.
    retry
        Knows whether the file failed.
    account
        Is told what became of the run, and tells those who wait for it.
    post_run
        Does what remains when the file is complete.
    """

    def __init__(
        self,
        run: Run,
        file: RunFile[Any],
        retry: Retry,
        account: Account,
        post_run: PostRunJobs,
    ) -> None:
        self._run = run
        self._file = file
        self._retry = retry
        self._account = account
        self._post_run = post_run
        self._refused_before = account.documents_refused
        self.stop: Document | None = None
        """The stop document, when it has come."""

    def end(self) -> None:
        """Enter what became of the run, and do what remains."""
        self._account.open_files.pop(self._run.uid, None)
        self._account.events_of.pop(self._run.uid, None)
        work = None
        if not self._retry.is_retired:
            self._account.runs_written += 1
            self._account.last_file = self._file.paths[0] if self._file.paths else None
            if self._account.last_file is not None:
                self._account.note_whole(self._run.uid, self._account.last_file)
            work = self._remaining_work()
        self._hand_over(work)

    def _remaining_work(self) -> Work | None:
        """Return what is to be done later, when the file is complete."""
        try:
            return self._file.afterwards()
        except Exception as error:
            self._account.refuse("stop", error)
            return None

    def _hand_over(self, work: Work | None) -> None:
        """Have the rest done, and then tell those who wait for the run's files."""
        note = self._file.note
        if work is not None and self._file.paths:
            path = self._file.paths[0]
            self._post_run.add(self._run.label, path, work, self.report, note=note)
            return
        if note is not None:  # the file was given up: `recover` finds both
            note.release()
        self.report()

    def report(self, shortfalls: Sequence[Failure] = (), *, is_owed: bool = False) -> None:
        """Tell those who wait for it what became of the run; on any thread of the writer."""
        files, lost = self._file.paths, self._retry.failure
        try:
            files = self._file.files() if lost is None and files else files
        except Exception as error:
            self._account.refuse("stop", error)
            cause = f"its files are not known: {type(error).__name__}: {error}"
            lost = Failure(time.time(), self._run.label, files[0], cause, remedy(error, files))
        report = RunReport(
            self._account.format_name,
            self._run.start,
            stop=self.stop,
            files=tuple(files),
            failures=(*((lost,) if lost else ()), *shortfalls),
            discrepancies=tuple(self._file.discrepancies),
            left_out=tuple(LeftOut(*what, why) for what, why in self._file.left_out.items()),
            refused=self._account.documents_refused - self._refused_before,
            is_given_up=lost is not None,
            is_owed=is_owed,
        )
        self._account.report(report)
