"""Globus: each run's files, in one transfer, when all formats are complete."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ...contract.report import RunReport
from ...extras import import_extra
from ...model.run import Run
from ...recording.writer import Writer
from ..base import Delivery, Entry, Refused
from .account import Account
from .begun import Begun, Left, LeftFile
from .finishing import Finishing
from .placing import label_of, place
from .problems import is_of_credentials, problem_of
from .reports import FinishedRun, Reports
from .settings import GlobusSettings
from .transfer import content_of, forget_task, step

__all__ = ["DELIVERY", "GlobusDelivery", "GlobusSettings"]

logger = logging.getLogger(__name__)

_NAMED = 3


class GlobusDelivery(Delivery):
    """Send the files of each run to another collection of Globus.

    A run is sent when every format is done with it. Credentials come from the environment or from
    a stored login, never from the settings.

    Parameters
    ----------
    **settings
        The fields of `GlobusSettings`, the keys of ``GLOBUS`` in iconfig.yml.

    Raises
    ------
    ConfigError
        A setting is unknown, missing or has a value that is not allowed.
    MissingExtraError
        globus-sdk is not installed.
    """

    name = "globus"
    settings_class = GlobusSettings
    settings: GlobusSettings

    def __init__(self, **settings: Any) -> None:
        self._sdk = import_extra("globus_sdk", "globus", "GLOBUS")  # before anything is begun
        super().__init__(**settings)
        self._account = Account(self.settings.collections_with_consent)
        self._begun = Begun(self.outbox.folder / "begun")
        self._finishing = Finishing()
        self._has_told_of_left = False
        self._extensions: dict[str, str] = {}
        """Of the formats whose files are sent."""

    def follow(self, writers: Sequence[Writer]) -> None:
        """Learn whose files are to be sent, and begin with what earlier sessions left."""
        super().follow(writers)
        self._courier.begin(is_more=any(self._begun.left()))
        wanted = self.settings.formats or [writer.format for writer in writers]
        followed = [writer for writer in writers if writer.format in wanted]
        self._extensions = {w.format: w.settings.file_extension for w in followed}
        reports = Reports([writer.format for writer in followed], self._send)
        for writer in followed:
            extension = writer.settings.file_extension
            writer.tell_of_begun(partial(self._begun.add, writer.format, extension))
            writer.on_complete(reports.add)

    def adopted(self, reports: Sequence[RunReport]) -> None:
        """Note the files of runs that an earlier session left: they are sent as what it noted."""
        wanted = self.settings.formats or self._extensions
        by_run: dict[str, list[RunReport]] = {}
        for report in reports:
            if report.format in wanted:
                by_run.setdefault(report.uid, []).append(report)
        for each in by_run.values():
            files = [self._left_file(report, path) for report in each for path in report.files]
            self._begun.leave(each[0].start, files)
        self._courier.begin(is_more=bool(by_run))

    def _left_file(self, report: RunReport, path: Path) -> LeftFile:
        extension = self._extensions.get(report.format)
        if extension is None or not path.name.endswith(f".{extension}"):
            extension = path.suffix.removeprefix(".")
        return LeftFile(report.format, extension, path)

    def _send(self, finished: FinishedRun) -> None:
        """Put a run into the outbox; on a thread of the writer that ended last."""
        run = Run(finished.start).label
        if finished.incomplete:
            formats = ", ".join(sorted(finished.incomplete))
            logger.warning(
                "globus: %s: its files of %s are incomplete and are not sent", run, formats
            )
        items, outside = place(self.settings, dict.fromkeys(finished.files), finished.start)
        if outside:
            logger.warning(
                "globus: %s: not sent, as not below LOCAL_ROOT (%s): %s. Remedy: set LOCAL_ROOT to "
                "a folder that holds all files and that the source collection sees, or DIRECTORY "
                "to one below it.",
                run,
                self.settings.local_root,
                ", ".join(map(str, outside[:_NAMED])) + (", ..." if outside[_NAMED:] else ""),
            )
        if items:
            content = content_of(self.settings, label_of(self.settings, finished.start), items)
            self.put(run, {"run_uid": str(finished.start.get("uid")), **content})
        self._begun.end(finished.start)

    def look_for_more(self) -> None:
        """Send runs that a crash has cut short, when their files are finished."""
        waiting = [left for left in self._begun.left() if not self._send_left(left)]
        if waiting and not self._has_told_of_left:
            self._has_told_of_left = True
            folders = dict.fromkeys(str(path.parent) for left in waiting for path in left.paths)
            logger.warning(
                "globus: %d runs were cut short and are sent when their files are finished: "
                "bluescribe recover %s",
                *(len(waiting), " ".join(folders)),
            )

    def _send_left(self, left: Left) -> bool:
        try:
            files = self._finishing.files(left)
        except Exception:
            logger.debug("globus: %s cannot be looked at", left.note, exc_info=True)
            return False
        if files is None:
            return False
        with self._begun.lock:
            if not left.is_as_read():  # more of it was written meanwhile
                return True
            if not self._is_in_outbox(str(left.start.get("uid"))):
                self._send(FinishedRun(left.start, files, self._finishing.unknown(left)))
            left.note.unlink(missing_ok=True)
        return True

    def _is_in_outbox(self, uid: str) -> bool:
        """Return whether a process ended between putting a run there and forgetting its note."""
        entries = map(self.outbox.read, self.outbox.paths())
        return any(entry and entry.content.get("run_uid") == uid for entry in entries)

    def reach(self) -> str:
        """Have both collections told by Globus."""
        ends = (self.settings.source_endpoint, self.settings.destination_endpoint)
        try:
            client = self._account.client()
            told = [client.get_endpoint(end) for end in ends]
        except self._sdk.GlobusError as error:
            raise problem_of(error) from error
        names = [str(end["display_name"] or end["id"]) for end in told]
        return f"Globus, from {names[0]} to {names[1]}"

    def deliver(self, entry: Entry) -> float | None:
        """Submit a transfer, or look how it is doing."""
        try:
            return step(self._account.client(), entry, self.outbox.save)
        except self._sdk.GlobusError as error:
            if is_of_credentials(error):
                self._account.forget()
            problem = problem_of(error)
            if isinstance(problem, Refused):
                forget_task(entry)
            raise problem from error


DELIVERY = GlobusDelivery
