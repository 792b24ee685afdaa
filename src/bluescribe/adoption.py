"""What a dead session left in its spool is written now: by the next session, or by `recover`.

Files that were cut short are put aside, and their runs played again. Nothing else is known of how
the session died, nor has to be.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from event_model import DocumentNames

from .errors import BluescribeError
from .formats import load_plugin
from .formats.plugin import FormatPlugin
from .kept import being_recovered, is_put_by, keeping, put_back
from .recovered import Step
from .recovery import Found, Recovery, RecoveryError, Source
from .run import Run
from .runreport import RunReport
from .settings import WriterSettings
from .spool.folder import SpoolFolder, left_folders
from .spool.home import known_homes
from .spool.left import LeftRun, LeftSpool
from .spool.problems import BrokenSpoolError
from .writer import Writer

__all__ = ["adopt", "adopt_later"]

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
"""Seconds between two tries of what cannot be written yet."""
_SETTINGS = {"on_error": "warn", "retry_seconds": 1.0, "drain_timeout": 60.0}
"""Those of a session are of no use: nobody waits, and nobody is to be stopped."""
_DOCUMENTS = {name.value for name in DocumentNames}
"""What the event model knows; the rest is asked of files."""


def adopt(spool: Path | None = None, *, is_dry_run: bool = False) -> list[Step]:
    """Write what dead sessions of this user and this computer left in their spools.

    Parameters
    ----------
    spool
        Where to look beside the usual places: ``SPOOL`` of ``DATA_FILES``.
    is_dry_run
        Only tell what would be done.

    Returns
    -------
    list of Step
        What was done to each file. What failed stays in the spool.
    """
    steps: list[Step] = []
    for home in known_homes(spool):
        with suppress(OSError):
            for path in left_folders(home):
                steps += _adopt_folder(path, is_dry_run=is_dry_run)
    return steps


def adopt_later(spool: Path | None) -> threading.Thread:
    """Do so on a thread that nothing waits for, until nothing is left."""
    thread = threading.Thread(
        target=_adopt_all, args=(spool,), name="bluescribe-adopts", daemon=True
    )
    thread.start()
    return thread


def _adopt_all(spool: Path | None) -> None:
    pause = _FIRST_PAUSE
    told: set[Path] = set()
    while True:
        steps = adopt(spool)
        done = [step.path for step in steps if step.outcome == "written anew"]
        if done:
            logger.warning(
                "an earlier session ended before it had written these files, which is done now: %s",
                ", ".join(map(str, done)),
            )
        failed = [step for step in steps if step.outcome == "FAILED"]
        for step in failed:
            if step.path not in told:
                told.add(step.path)
                logger.warning("%s is not written yet: %s", step.path, step.what)
        if not failed:
            return
        threading.Event().wait(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _adopt_folder(path: Path, *, is_dry_run: bool) -> list[Step]:
    folder = SpoolFolder.taken(path)
    if folder is None:  # its session lives
        return []
    try:
        left = LeftSpool(folder)
        steps = [
            step
            for run in left.runs.values()
            for name in left.lanes
            if name not in run.done
            for step in _Adopted(left, run, name).written(is_dry_run=is_dry_run)
        ]
    except (OSError, BrokenSpoolError) as error:
        steps = [Step(path, "FAILED", str(error))]
    if is_dry_run or any(step.outcome in ("FAILED", "left") for step in steps):
        folder.release()
    else:
        folder.remove()
    return steps


class _Adopted:
    """One run in one format.

    Parameters
    ----------
    left
        The spool.
    run
        The run.
    name
        The format.
    """

    def __init__(self, left: LeftSpool, run: LeftRun, name: str) -> None:
        self._left = left
        self._run = run
        self._name = name
        self._label = Run(run.start).label
        self._files = run.files.get(name, [])

    def written(self, *, is_dry_run: bool) -> Iterator[Step]:
        """Write the run, unless its files are whole; yield what was done."""
        path = self._files[0] if self._files else Path(f"the {self._name} file of {self._label}")
        if not self._run.is_whole:
            logger.warning(
                "%s: %s is not wholly in the spool, whose disk was full: its file stays as it is",
                *(path, self._label),
            )
            return
        try:
            plugin = load_plugin(self._name)
            settings = plugin.settings.validated(self._name, self._left.lanes[self._name])
            recovery = plugin.recovery(plugin, settings) if plugin.recovery else None
            self._put_back()
            there = next((path for path in self._files if path.exists()), None)
            found = self._found(recovery, there)
            if any(item.has_stop and not (item.problem or item.doubt) for item in found):
                return
            if recovery is not None and there is not None and recovery.is_held(there):
                yield Step(path, "left", "it is being written")
                return
            what = f"{self._label}, from the spool"
            if is_dry_run:
                yield Step(path, "written anew", what)
                return
            files, kept = self._write(plugin, settings, recovery, there, is_in_it=bool(found))
            if files:  # the format may have no use for the run
                yield Step(files[0], "written anew", what, kept)
        except (OSError, BluescribeError) as error:
            yield Step(path, "FAILED", f"{self._label}: {error}")

    def _put_back(self) -> None:
        """Begin again where another adoption was cut short."""
        for path in self._files:
            at_work = being_recovered(path)
            if at_work.exists() and is_put_by(at_work):
                put_back(at_work, dry_run=False)

    def _found(self, recovery: Recovery | None, there: Path | None) -> list[Found]:
        """Return what a file that is there has of the run."""
        if recovery is None or there is None:
            return []
        return [item for item in recovery.examine(there) if item.run == self._run.uid]

    def _write(
        self,
        plugin: FormatPlugin,
        settings: WriterSettings,
        recovery: Recovery | None,
        there: Path | None,
        *,
        is_in_it: bool,
    ) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """Write the run; return its files, and those that were put aside."""
        values = {name: getattr(settings, name) for name in settings.model_fields_set}
        values |= _SETTINGS | ({"images_timeout": 0.0} if plugin.copies_images else {})
        writer = plugin.writer(**values)
        if there is None:
            return self._play(writer), ()
        with keeping(there) as kept:
            if not writer.shares_files:
                for path in filter(Path.exists, self._files):
                    kept.keep(path)
                files = self._play(writer)
            elif recovery is not None and is_in_it:
                recovery.rebuild(there, [Source(self._run.uid, self._documents)], kept.keep)
                files = (there,)
            else:
                writer.go_on(there)
                files = self._play(writer)
        return files, tuple(kept.names.values())

    def _documents(self) -> Iterator[tuple[str, Any]]:
        for name, doc in self._left.story(self._run.uid, self._name):
            if name in _DOCUMENTS:
                yield name, doc

    def _play(self, writer: Writer) -> tuple[Path, ...]:
        """Write the run; return its files.

        Raises
        ------
        RecoveryError
            It cannot be written.
        """
        reports: list[RunReport] = []
        writer.replay()
        writer.tell_of_finished(reports.append)
        cwd: Path | None = None
        with writer:
            for name, doc in self._left.story(self._run.uid, self._name):
                if name == "cwd":
                    cwd = doc
                elif name == "start":
                    writer.begin(doc, 0, cwd)
                else:
                    writer.post(name, doc)
        failures = [
            failure for report in reports if report.is_given_up for failure in report.failures
        ]
        if failures or not reports:
            words = "; ".join(f"{f.cause}; {f.remedy}" for f in failures)
            raise RecoveryError(words or "its start document is damaged")
        return reports[0].files
