"""Writes one run of a dead session in one format; files that were cut short are put aside."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from event_model import DocumentNames

from ...contract.plugin import FormatPlugin
from ...contract.recovery import Found, NotAloneError, Recovery, RecoveryError, Source
from ...contract.report import RunReport
from ...contract.session import CONTROL
from ...contract.settings import WriterSettings
from ...errors import BluescribeError
from ...files import Place, parts_of
from ...files.backup import being_recovered, is_put_by, keep, keeping, put_back
from ...files.job_note import notes_of
from ...formats import load_plugin
from ...model.run import Run
from ...recording.unfinished_runs import remember
from ...recording.writer import Writer
from ...spool.left import LeftRun, LeftSpool
from ..journals import events_of
from ..recovery_report import Step

__all__ = ["Adopted"]

logger = logging.getLogger(__name__)

_SETTINGS = {"on_error": "warn", "retry_seconds": 0.0, "drain_timeout": 60.0}
"""Settings of a session that have no use in a replay: no scan waits or is aborted."""
_DOCUMENTS = {CONTROL, "earlier", *(name.value for name in DocumentNames)}
"""Entries to replay: documents of the event model, and controls."""


class Adopted:
    """One run in one format.

    Parameters
    ----------
    left
        The spool.
    run
        The run.
    lane
        Name of the lane that wrote it in the dead session.
    kinds
        Writer classes of this session, by format.
    begins
        Called when a writer was made.
    """

    def __init__(
        self,
        left: LeftSpool,
        run: LeftRun,
        lane: str,
        kinds: Mapping[str, type[Writer]],
        begins: Callable[[], object],
    ) -> None:
        self._left = left
        self._run = run
        self._lane = lane
        self._label = Run(run.start).label
        self._files = [*run.files.get(lane, [])]
        self._kinds = kinds
        self._begins = begins

    def written(self, *, is_dry_run: bool) -> Iterator[Step]:
        """Write the run, unless its files are complete; yield what was done."""
        path = self._files[0] if self._files else Path(f"the {self._lane} file of {self._label}")
        try:
            plugin, settings = self._format()
            recovery = plugin.recovery(plugin, settings) if plugin.recovery else None
            if not is_dry_run:
                self._put_back()
            there = next((path for path in self._files if path.exists()), None)
            found = self._found(recovery, there)
            is_whole = any(item.has_stop and not (item.problem or item.doubt) for item in found)
            if not is_whole and recovery and there is not None and recovery.is_held(there):
                yield Step(path, "left", "it is being written")
                return
            if is_dry_run:
                if not is_whole:
                    yield Step(path, "written anew", f"{self._label}, from the spool")
                return
            if is_whole:
                self._remove_parts_of_whole()
                self._left.note_whole(self._run.uid, self._lane)
            else:
                yield from self._write(self._writer(plugin, settings), recovery, there, found)
            for beside in self._beside(recovery) if plugin.may_share_files else ():
                keep(beside)
            self._left.note_done(self._run.uid, self._lane)
        except (OSError, BluescribeError) as error:
            yield Step(path, "FAILED", f"{self._label}: {error}")

    def waits_beside(self) -> bool:
        """Return whether a complete run still waits to be put into a file of several runs."""
        with suppress(OSError, BluescribeError):
            plugin, settings = self._format()
            if plugin.may_share_files and plugin.recovery is not None:
                return bool(self._beside(plugin.recovery(plugin, settings)))
        return False

    def _beside(self, recovery: Recovery | None) -> list[Path]:
        """Return the files of this run alone that stand beside a file of several runs."""
        return [p for p in self._files[1:] if p.exists() and self._is_its_own(recovery, p)]

    def _write(
        self, writer: Writer, recovery: Recovery | None, there: Path | None, found: list[Found]
    ) -> Iterator[Step]:
        """Write the run, in the place of files that are there, or beside them."""
        self._remove_parts(self._files)
        what = f"{self._label}, from the spool"
        kept: tuple[Path, ...] = ()
        if there is None:
            files = self._play_together(writer)
        elif self._run.is_whole and all(map(self._has_all_of, found)):
            files, kept = self._write_there(writer, recovery, there, is_in_it=bool(found))
        else:
            files = self._play(writer, is_beside=True)  # either may have what the other lacks
            what += f", which may lack a part of it: {there} is left as it is, too"
            logger.warning("%s: %s", files[0] if files else self._lane, what)
        if files:  # the format may have no use for the run
            self._remember(recovery, files[0])
            name = self._left.lanes[self._lane]["format"]
            report = RunReport(name, self._run.start, files=files)
            yield Step(files[0], "written anew", what, kept, report)

    def _remove_parts_of_whole(self) -> None:
        """Remove half-written files that a kill left beside complete ones.

        Beside a file with an unfinished post-run job, that job removes them.
        """
        with suppress(OSError):
            self._remove_parts(path for path in self._files if path.exists() and not notes_of(path))

    def _remove_parts(self, files: Iterable[Path]) -> None:
        """Remove half-written files that a kill left beside files."""
        for path in files:
            with suppress(OSError):
                for part in parts_of(path):
                    Place.at(part).remove()

    def _format(self) -> tuple[FormatPlugin, WriterSettings]:
        about = self._left.lanes[self._lane]
        kind = self._kinds.get(about["format"])
        plugin = load_plugin(about["format"]) if kind is None else FormatPlugin.of(kind)
        return plugin, plugin.settings.validated(self._lane, about["settings"])

    def _writer(self, plugin: FormatPlugin, settings: WriterSettings) -> Writer:
        values = {name: getattr(settings, name) for name in settings.model_fields_set}
        values |= _SETTINGS | ({"images_timeout": 0.0} if plugin.copies_images else {})
        writer = plugin.writer(**values)
        self._begins()
        return writer

    def _put_back(self) -> None:
        """Undo an adoption that was cut short, so that this one begins anew."""
        for path in self._files:
            at_work = being_recovered(path)
            if at_work.exists() and is_put_by(at_work):
                put_back(at_work, dry_run=False)

    def _found(self, recovery: Recovery | None, there: Path | None) -> list[Found]:
        """Return what an existing file has of the run."""
        if recovery is None or there is None:
            return []
        documents = recovery.documents(there)  # of a journal, which is not counted otherwise
        events = None if documents is None else events_of(documents)
        found = (item for item in recovery.examine(there) if item.run == self._run.uid)
        return [item if events is None else replace(item, events=events) for item in found]

    def _has_all_of(self, found: Found) -> bool:
        """Return whether the spool has all events of a file: a power cut may have cost some."""
        events = events_of(self._documents())
        return all(events.get(name, 0) >= number for name, number in found.events.items())

    def _write_there(
        self, writer: Writer, recovery: Recovery | None, there: Path, *, is_in_it: bool
    ) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """Write the run as `_write_anew` does, or beside a file that was edited since."""
        try:
            return self._write_anew(writer, recovery, there, is_in_it=is_in_it)
        except NotAloneError as error:
            logger.info("%s is left as it is, too: %s", there, error)
            return self._play(writer, is_beside=True), ()

    def _write_anew(
        self, writer: Writer, recovery: Recovery | None, there: Path, *, is_in_it: bool
    ) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """Write the run in the place of its files; return the new ones, and those put aside."""
        with keeping(there) as kept:
            for path in filter(Path.exists, self._files):
                if not writer.shares_files or (path != there and self._is_its_own(recovery, path)):
                    kept.keep(path)
            if not writer.shares_files:
                files = self._play(writer)
            elif recovery is not None and is_in_it:
                recovery.rebuild(there, [Source(self._run.uid, self._documents)], kept.keep)
                files = (there,)
            else:
                writer.go_on(there)
                files = self._play(writer)
        return files, tuple(kept.names.values())

    def _play_together(self, writer: Writer) -> tuple[Path, ...]:
        """Write the run; into the file of its lane's other runs, if the format shares files."""
        if not writer.shares_files:
            return self._play(writer)
        together = self._lane, self._number()
        if (shared := self._left.shared.get(together)) is not None:
            writer.go_on(shared)
        files = self._play(writer)
        self._left.shared[together] = files[0]
        return files

    def _number(self) -> int:
        """Return what tells apart runs that do not share a file; see `FormatSession.announced`."""
        for name, doc in self._left.story(self._run.uid, self._lane):
            if name == "settings":
                return int(doc.get("session", {}).get("number", 0))
            if name == "start":
                break
        return 0

    def _is_its_own(self, recovery: Recovery | None, path: Path) -> bool:
        """Return whether no other run is in a file."""
        found = [] if recovery is None else recovery.examine(path)
        return bool(found) and all(item.run == self._run.uid for item in found)

    def _documents(self) -> Iterator[tuple[str, Any]]:
        for name, doc in self._left.story(self._run.uid, self._lane):
            if name in _DOCUMENTS:
                yield name, doc

    def _play(self, writer: Writer, *, is_beside: bool = False) -> tuple[Path, ...]:
        """Write the run, beside the file that its session named or in it; return its files.

        Raises
        ------
        RecoveryError
            It cannot be written.
        """
        reports: list[RunReport] = []
        writer.replay(is_told=False)
        writer.tell_of_claims(None, before=partial(self._left.note_file, self._run.uid, self._lane))
        writer.on_complete(reports.append)
        cwd: Path | None = None
        with writer:
            for name, doc in self._left.story(self._run.uid, self._lane):
                if name == "cwd":
                    cwd = doc
                elif name == "start":
                    writer.begin(doc, 0, cwd)
                elif name == "settings" and is_beside:
                    writer.post(name, {**doc, "session": {}})
                else:
                    writer.post(name, doc)
        lost = [report for report in reports if report.is_given_up]
        if lost or not reports:
            words = "; ".join(f"{f.cause}; {f.remedy}" for report in lost for f in report.failures)
            raise RecoveryError(words or "its start document is damaged")
        return reports[0].files

    def _remember(self, recovery: Recovery | None, path: Path) -> None:
        """Record that a journal will never have a stop document, so that it is logged once."""
        if recovery is not None and recovery.is_journal and not self._run.has_stop:
            with suppress(OSError):
                remember(path)
