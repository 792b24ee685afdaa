"""The account of one writer: what was written and what failed, and who is notified of it.

It is written on the writer's threads, and read anywhere.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..contract.report import Discrepancy, Failure, RunReport, Tell
from ..errors import DocumentError
from ..files import Claims
from ..files.remedies import may_pass, never_passes
from ..log_once import LogOnce
from .late_runs import Postponed
from .notices import Notifier
from .status import Status

__all__ = ["Account"]

logger = logging.getLogger(__name__)

_FAILURES_KEPT = 20
_FINISHED_KEPT = 20
_LEFT_KEPT = 1000


class Spool(Protocol):
    """What is asked of a lane of the spool."""

    def keeps(self, uid: str) -> bool:
        """Tell whether all of a run is in the log."""

    def note(self, name: str, told: Any) -> None:
        """Write into the log at once what is about to be done."""


class Account:
    """The running account of one writer.

    What a status tells is held here. Where a process writes the format it has an account of its
    own, and the one in the session says the same: by these four lists, in which every such
    attribute stands once.
    """

    COUNTS = ("runs_written", "events_written", "documents_refused")
    """Numbers: those of a process are added to those of the processes before it."""
    LATEST = ("last_file",)
    """What stays until a process has something newer; None, or 0, where there is nothing yet."""
    CURRENT = ("retrying", "open_files", "events_of", "copying")
    """What only the process that is there can say; nothing once it has died."""
    HISTORY = ("finished", "failures", "discrepancies", "owed")
    """Lists that go on behind what earlier processes have entered."""

    is_replay = False
    """Whether the runs were taken before; exports set it."""

    retrying = ""
    """The error that is tried again right now; empty when all is well."""

    on_claim: tuple[Callable[[str, Path], None], ...] = ()
    """Are told of each file that is about to be made, and of which run it is."""

    spool: Spool | None = None
    """What keeps the runs until they are written; none when the writer is closed."""

    def __init__(self, format_name: str) -> None:
        self.format_name = format_name
        self.open_files: dict[str, Path] = {}
        """Main file of each open run, by the run's uid."""
        self.last_file: Path | None = None
        self.runs_written = self.events_written = self.documents_refused = 0
        self.events_of: dict[str, int] = {}
        """Of those, how many are of each run whose file is not complete, by the run's uid."""
        self.copying: list[Path] = []
        """Files of finished runs that images are being copied into, or will be."""
        self.owed: list[Path] = []
        """Those that could not be completed."""
        self.failures: deque[Failure] = deque(maxlen=_FAILURES_KEPT)
        self.discrepancies: deque[Discrepancy] = deque(maxlen=_FAILURES_KEPT)
        self.told = LogOnce()
        """What was told already; writers that receive the same documents have it in common."""
        self.postponed = Postponed()
        self.unraised: deque[Failure] = deque(maxlen=1)
        """The failure that the RunEngine has not been told of (``on_error="abort"``)."""
        self.claims = Claims()
        """Tells of the files that are made."""
        self.on_begin: list[Callable[[Mapping[str, Any], Sequence[Path]], None]] = []
        """Are told of each run that is written, and again when it has more files."""
        self.notifier = Notifier()
        """Tells of failures; writers that receive the same runs have one together."""
        self.finished: deque[tuple[str, Path]] = deque(maxlen=_FINISHED_KEPT)
        """Runs that are complete, and their main files."""
        self.on_finish: list[Tell] = []
        """Are told of each run that nothing more is done for; deliveries add to it."""
        self._awaited: list[str] = []  # uids of runs that were begun and not reported
        self._left: dict[str, bool] = {}  # uids of runs that others write; or we again: False

    @property
    def is_closed(self) -> bool:
        """Whether the writer is closed."""
        return self.spool is None

    def claims_of(self, uid: str) -> Claims:
        """Return what is told of the files of a run: the spool first."""

        def begin(path: Path) -> None:
            self.note_file(uid, path)
            for tell in self.on_claim:
                tell(uid, path)
            self.claims.begin(path)

        return Claims(before=begin, made=self.claims.end)

    def leave(self, uid: str) -> None:
        """Enter that another process writes a run: nothing more goes into its files here."""
        self._left[uid] = True
        if len(self._left) > _LEFT_KEPT:
            del self._left[next(iter(self._left))]

    def take_back(self, uid: str) -> None:
        """Enter that a run which was left is written here again, from its beginning."""
        if uid in self._left:
            self._left[uid] = False

    def has_left(self, uid: str) -> bool:
        """Tell whether another process writes a run."""
        return self._left.get(uid, False)

    def begins_again(self, uid: str) -> bool:
        """Tell whether a run was left, and came back: what was written of it before is gone."""
        return self._left.get(uid) is False

    def note_file(self, uid: str, path: Path) -> None:
        """Note in the spool that a run has a file, or will."""
        if self.spool is not None:
            self.spool.note("file", {"run_start": uid, "path": str(path)})

    def note_whole(self, uid: str, path: Path) -> None:
        """Enter that a run is complete in a file."""
        self.finished.append((uid, path))

    def holds(self, uid: str) -> Path | None:
        """Return the main file of a run that is open or complete; None for one that failed."""
        return self.open_files.get(uid) or dict(self.finished.copy()).get(uid)

    def count_events(self, uid: str, new: int, total: int) -> None:
        """Enter events of a run that were written: how many now, and how many are in its file."""
        self.events_written += new
        self.events_of[uid] = total

    def fail(self, failure: Failure) -> None:
        """Enter a failure."""
        self.failures.append(failure)
        self.unraised.append(failure)

    def lose(self, start: Mapping[str, Any], label: str, cause: str, advice: str) -> None:
        """Enter that nothing is written of a run, and report it.

        Parameters
        ----------
        start
            Its start document, or what is known of it.
        label
            What messages call it.
        cause, advice
            Why, and what its owner can do.
        """
        failure = Failure(time.time(), label, None, cause, advice)
        self.fail(failure)
        self.report(RunReport(self.format_name, start, failures=(failure,), is_given_up=True))

    def postpone(self, uid: str, failure: Failure, error: OSError) -> bool:
        """Enter that a run will be written anew; return False if it is lost in this format."""
        is_new = uid not in self.postponed
        if never_passes(error) or self.spool is None or not self.spool.keeps(uid):
            return False
        is_late = self.postponed.add(uid, failure, may_pass=may_pass(error))
        if is_late and is_new:
            self.unraised.append(failure)
        return is_late

    def differ(self, uid: str, run: str, path: Path, what: Sequence[str]) -> None:
        """Enter that a run did not come as its stop document says, and tell of it once."""
        self.discrepancies.append(Discrepancy(time.time(), uid, run, path, tuple(what)))
        if self.told.is_new((uid, *what)):
            logger.warning(
                "%s did not come as it was taken: %s. What came is in %s and its other files, "
                "which say so, but for journals. Remedy: export it again from where all of it is, "
                "such as a catalog, or a journal that the RunEngine's own session wrote.",
                run,
                "; ".join(what),
                path,
            )

    def begin(self, start: Mapping[str, Any], paths: Sequence[Path]) -> None:
        """Tell of the files that a run has by now."""
        for path in paths:  # one that other runs are in was not made for this one
            self.note_file(start["uid"], path)
        self.notify_begun(start, paths)

    def notify_begun(self, start: Mapping[str, Any], paths: Sequence[Path]) -> None:
        """Tell of the files that a run has by now, which stand in the spool."""
        self._tell(self.on_begin, start, paths)

    def expect(self, uid: str) -> None:
        """Enter that a run was begun: it will be reported."""
        if uid not in self._awaited:
            self._awaited.append(uid)

    def awaits(self, uid: str) -> bool:
        """Tell whether a run was begun and is not reported yet."""
        return uid in self._awaited

    def report(self, report: RunReport) -> None:
        """Tell of a run that nothing more is done for."""
        self._tell(self.on_finish, report)
        if report.uid in self._awaited:
            self._awaited.remove(report.uid)

    def _tell(self, those: Sequence[Callable[..., None]], *what: Any) -> None:
        for tell in those:
            try:
                tell(*what)
            except Exception:
                logger.exception(
                    "%s: a fault inside bluescribe; please report it", self.format_name
                )

    def refuse(self, name: str, error: BaseException) -> None:
        """Report a document that cannot be taken; everything after it can."""
        self.documents_refused += 1
        is_damaged = isinstance(error, DocumentError)
        logger.log(
            logging.WARNING if is_damaged else logging.ERROR,
            "%s: refused a damaged %s document: %s. Everything else is written.",
            self.format_name,
            name,
            error if is_damaged else repr(error),
            exc_info=None if is_damaged else error,
        )

    def status(self, directory: Path, backlog: int) -> Status:
        """Return the account as it stands."""
        return Status(
            format=self.format_name,
            directory=directory,
            current_files=tuple(self.open_files.values()),
            last_file=self.last_file,
            runs_written=self.runs_written,
            events_written=self.events_written,
            backlog=backlog,
            retrying=self.retrying,
            failures=tuple(self.failures),
            documents_refused=self.documents_refused,
            copying=tuple(self.copying),
            owed=tuple(self.owed),
            discrepancies=tuple(self.discrepancies),
            late=self.postponed.failures,
        )
