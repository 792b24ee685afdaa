"""``bluescribe recover``: finishes the files that a crash left incomplete, from journals.

A file that a living process writes is not touched, no value is invented, and every file that is
changed is kept as it was under another name. A second call finds nothing to do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..config.config import read_iconfig
from ..contract.recovery import Found, Keep, NotAloneError, Recovery, RecoveryError, Source
from ..files.backup import is_put_by, keep, keeping, put_back
from ..files.run_names import is_beside_a_file, is_owed
from ..recording.unfinished_runs import remember
from .adoption.adopting import adopt
from .completing import complete, remove_parts
from .examined import claimed, files_below, recoveries
from .journals import Journal, is_better, is_poor
from .recovery_report import Outcome, Report, Step

__all__ = ["Report", "Step", "recover"]

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

_MOMENTS = 1.0
"""Seconds after which a journal's first line is on the disk, as promised."""


def recover(
    directory: str | Path,
    *,
    dry_run: bool = False,
    iconfig: str | Path | Mapping[str, Any] | None = None,
    spool: str | Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Finish the files that a crash left incomplete, in a folder and the folders in it.

    First, what dead sessions of this user on this computer have left in their spools is written,
    wherever it belongs: their runs are played again, with the settings that they had.

    Then a run that has a journal is written anew from it in every format whose file is there and
    is not complete. Without a journal a file is made readable as it is. What is changed is kept as
    ``<name>.damaged``. Files that are being written are left alone.

    Parameters
    ----------
    directory
        Where to look.
    dry_run
        Only report what would be done.
    iconfig
        With which settings files are written anew; without it, with the defaults.
    spool
        Where to look for spools beside the usual places: ``SPOOL`` of ``DATA_FILES``.
    progress
        Called with the number of files that were looked at, and of all files.

    Returns
    -------
    Report
        What was done to which file.

    Raises
    ------
    NotADirectoryError
        There is no such folder.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise NotADirectoryError(f"{directory} is no folder")
    configuration = None if iconfig is None else read_iconfig(iconfig)
    if spool is None and configuration is not None:
        spool = configuration.spool.spool
    report = Report(directory, dry_run)
    report.steps += adopt(None if spool is None else Path(spool), is_dry_run=dry_run)
    return _Recoverer(report, recoveries(configuration), progress).run()


class _Recoverer:
    """One call of `recover`."""

    def __init__(
        self, report: Report, recoveries: list[Recovery], progress: Progress | None
    ) -> None:
        self._report = report
        self._recoveries = recoveries
        self._progress = progress or (lambda done, total: None)
        self._journals: dict[str, Journal] = {}
        self._others: list[tuple[Recovery, list[Found]]] = []
        self._whole: set[Path] = set()
        self._empty_journals: dict[str, float] = {}
        """When each empty journal was made, by the stem of its run's files."""

    def run(self) -> Report:
        for path in list(files_below(self._report.directory)):
            self._put_back(path)
        for path in list(files_below(self._report.directory)):
            if not is_beside_a_file(path.name):
                self._examine(path)
        total = len(self._journals) + len(self._others)
        for number, journal in enumerate(list(self._journals.values())):
            self._finish_journal(journal)
            self._progress(number + 1, total)
        for number, (recovery, found) in enumerate(self._others):
            self._finish(recovery, found)
            self._progress(len(self._journals) + number + 1, total)
        self._complete()
        self._report.whole = len(self._whole)
        return self._report

    def _complete(self) -> None:
        """Finish post-run jobs of complete files, and remove half-written files beside them."""
        recoveries = {recovery.name: recovery for recovery in self._recoveries}
        is_dry_run = self._report.is_dry_run
        for note in [path for path in files_below(self._report.directory) if is_owed(path.name)]:
            step = complete(note, recoveries, is_dry_run=is_dry_run)
            if step is not None:
                self._whole.discard(step.path)
                self._report.steps.append(step)
        if not is_dry_run:
            for journal in self._journals.values():
                remove_parts(journal.recovery, journal.found.path)
            for recovery, found in self._others:
                remove_parts(recovery, found[0].path)

    def _put_back(self, path: Path) -> None:
        """Undo a recovery that was cut short, so that this one begins anew."""
        try:
            if is_put_by(path):
                home = put_back(path, dry_run=self._report.is_dry_run)
                self._tell(home, "put back", "an earlier recover was cut short while it was at it")
        except OSError as error:
            self._tell(path, "FAILED", str(error))

    def _examine(self, path: Path) -> None:
        try:
            claim = claimed(path, self._recoveries)
            if claim is None:
                return
            recovery, found = claim
            is_journal = recovery.documents(path) is not None
            is_held = is_journal and recovery.is_held(path)
        except OSError as error:
            self._tell(path, "FAILED", str(error))
            return
        if is_journal:
            key = found[0].run or str(path)
            self._journals.setdefault(key, Journal(found[0], recovery, is_held))
            if not found[0].run:
                self._empty_journals[found[0].stem] = path.stat().st_mtime
        else:
            self._others.append((recovery, found))

    def _finish_journal(self, journal: Journal) -> None:
        found = journal.found
        if journal.is_held:
            self._tell(found.path, "left", "its run goes on")
        elif found.problem:
            self._have_mended(journal.recovery, found, "mended", found.problem)
        else:
            self._whole.add(found.path)
        if not (found.has_stop or journal.is_held or self._report.is_dry_run):
            with suppress(OSError):
                remember(found.path)

    def _finish(self, recovery: Recovery, found: list[Found]) -> None:
        """Recover one file, which may hold several runs."""
        path = found[0].path
        try:
            if recovery.is_held(path):
                self._tell(path, "left", "it is being written")
                return
        except OSError as error:
            self._tell(path, "FAILED", str(error))
            return
        journals = {item.run: self._journal_of(recovery, item) for item in found}
        if any(journal is not None and journal.is_held for journal in journals.values()):
            self._tell(path, "left", "its run goes on")
            return
        poor = [i for i in found if is_poor(recovery, i, journals[i.run])]
        better = [j for i in poor if (j := journals[i.run]) is not None and is_better(i, j)]
        problem = "; ".join(
            dict.fromkeys(i.problem or i.doubt or "events or its end are missing" for i in poor)
        )
        if better:
            sources = [Source(j.found.run, j.read) for j in better]
            rebuilt = self._do(
                found[0],
                "written anew",
                problem,
                lambda keep: recovery.rebuild(path, sources, keep),
            )
            if rebuilt:
                return
        if better and not found[0].is_readable:
            self._put_away(path, f"{problem}; its journal has nothing that would be in it")
        elif any(item.problem for item in poor):
            self._mend(recovery, found[0], problem)
        else:
            self._whole.add(path)

    def _mend(self, recovery: Recovery, found: Found, problem: str) -> None:
        """Make a file readable as it is, without a journal."""
        path = found.path
        has_content = path.stat().st_size > 0
        if found.is_by_name and has_content and not recovery.is_called_so(path):
            self._tell(path, "left", f"{problem}; it may be somebody else's")
        elif found.is_readable or not has_content or recovery.sets_aside:
            is_put_away = recovery.sets_aside and not found.is_readable
            outcome: Outcome = "set aside" if is_put_away else "mended"
            self._have_mended(recovery, found, outcome, problem)
        elif self._was_just_begun(found):
            self._put_away(path, f"{problem}; its run began at the crash, as its journal is empty")
        else:
            self._tell(path, "FAILED", f"{problem}; without its journal it cannot be written anew")

    def _journal_of(self, recovery: Recovery, found: Found) -> Journal | None:
        if found.run:
            return self._journals.get(found.run)
        for journal in self._journals.values():
            start = journal.start if journal.found.run else {}
            if start and recovery.is_named_after(found, journal.found.stem, start):
                return journal
        return None

    def _do(
        self,
        found: Found,
        outcome: Outcome,
        problem: str,
        work: Callable[[Keep], str],
    ) -> bool:
        """Change a file and add that to the report; after a failure all is as it was before.

        Returns False when it could not be done in this way, but perhaps in another.
        """
        path = found.path
        if self._report.is_dry_run:
            self._tell(path, outcome, problem)
            return True
        try:
            with keeping(path) as kept:
                done = work(kept.keep)
        except NotAloneError as error:
            logger.info("%s cannot be written anew: %s", path, error)
            return False
        except (OSError, RecoveryError) as error:
            self._tell(path, "FAILED", f"{problem}: {error}")
            return True
        if done:
            self._tell(path, outcome, f"{problem}: {done}", tuple(kept.names.values()))
        else:
            self._whole.add(path)
        return True

    def _have_mended(
        self, recovery: Recovery, found: Found, outcome: Outcome, problem: str
    ) -> None:
        if outcome == "mended" and not found.path.stat().st_size:
            self._set_aside(recovery, found.path)
        else:
            self._do(found, outcome, problem, lambda keep: recovery.mend(found.path, keep))

    def _set_aside(self, recovery: Recovery, path: Path) -> None:
        """Rename an empty file aside: no reader opens it."""
        if not recovery.is_called_so(path):
            self._tell(path, "left", "it is empty, and may be somebody else's")
            return
        self._put_away(path, "it is empty: nothing was written before the crash")

    def _was_just_begun(self, found: Found) -> bool:
        """Return whether a file was last written in the moments when its journal was made."""
        made = self._empty_journals.get(found.stem)
        return made is not None and found.path.stat().st_mtime - made < _MOMENTS

    def _put_away(self, path: Path, why: str) -> None:
        """Rename a file aside that nothing can be read from."""
        kept = path if self._report.is_dry_run else keep(path)
        self._tell(path, "set aside", why, (kept,))

    def _tell(self, path: Path, outcome: Outcome, what: str, kept: tuple[Path, ...] = ()) -> None:
        self._report.steps.append(Step(path, outcome, what, kept))
