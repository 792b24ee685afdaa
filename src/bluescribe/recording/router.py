"""Finds the run that a document belongs to, and hands it to that run's recording.

Routing is our own because event_model.RunRouter turns every event into an event_page (20 us),
remembers resources for ever, and lets one failing callback starve the next. Importing event_model
takes the process of a format a sixth of its start.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..contract.runfile import RunFile
from ..contract.session import FormatSession
from ..errors import DocumentError
from ..files.space import SpaceWatch
from ..later import later
from ..model.grammar import check_start
from ..model.plain_values import is_plain
from ..model.run import Document, Run
from ..model.times import dated
from ..model.writable import writable
from ..spool.event_columns import COLUMNS, EventColumns
from ..spool.event_rows import ROWS, EventRows
from .account import Account
from .named_late import recording_of
from .opening import file_of
from .post_run import PostRunJobs
from .recording import Recording
from .run_index import RunIndex
from .strays import Strays
from .upcoming import Upcoming

__all__ = ["Router"]

logger = logging.getLogger(__name__)

_event_pages = later("event_model", "bulk_events_to_event_pages")
_datum_page = later("event_model", "bulk_datum_to_datum_page")

_EARLIER_RUNS = 1_000
"""Finished runs whose uids are remembered."""


class Router:
    """Documents of all runs -> the recording of each run.

    Parameters
    ----------
    session
        Makes the file of a new run, and is asked what is asked between runs.
    retry_seconds
        How long an `OSError` is tried again before the run's file is given up.
    account
        Is told what was written and what failed.
    post_run
        Does what remains when a run's file is complete.
    space
        Looks at the room on the disk.
    """

    def __init__(
        self,
        session: FormatSession[Any],
        *,
        retry_seconds: float,
        account: Account,
        post_run: PostRunJobs,
        space: SpaceWatch | None = None,
    ) -> None:
        self._space = space
        self._session = session
        self._retry_seconds = retry_seconds
        self.account = account
        self.post_run = post_run
        self.index = RunIndex()
        self._by_descriptor = self.index.by_descriptor
        """The runs of events: nearly all documents are events."""
        self._finished: dict[str, None] = {}
        """Uids of finished runs, oldest first."""
        self.late: dict[str, Recording] = {}
        """Runs that could not be written, by their uids: they are written anew from the spool."""
        self.strays = Strays(account)
        self._upcoming = Upcoming()

    def receive(self, name: str, doc: Any) -> None:
        """Take one document. A damaged one is reported and refused; nothing is raised.

        A value in it that cannot be written is replaced by a text that says so.
        """
        try:
            if name == "event":  # nearly all are
                self.event(doc)
            elif name == ROWS:
                self.rows(doc)
            elif name == COLUMNS:
                self.columns(doc)
            elif is_plain(doc):
                getattr(self, name)(doc)
            else:
                self._receive_replaced(name, doc)
        except BaseException as error:  # sys.exit() in a format's hook does not end this thread
            self._refuse(name, doc, error)

    def _receive_replaced(self, name: str, doc: Any) -> None:
        """Take a document after the values in it were replaced that cannot be written."""
        doc, found = writable(dated(doc) if name in ("start", "stop") else doc)
        recording = self.index.of(doc) if found else None
        getattr(self, name)(doc)
        recording = recording or (self.index.of(doc) if found else None)
        if recording is not None:
            recording.log_replaced(name, doc, found)

    def _refuse(self, name: str, doc: Any, error: BaseException) -> None:
        """Refuse a document, unless it is an event whose own values raised what was raised."""
        if name == "event" and not is_plain(doc):
            try:
                return self._receive_replaced(name, doc)
            except BaseException as another:
                error = another
        return self.account.refuse(name, error)

    def foresee(self, stops: Sequence[Any]) -> None:
        """Learn of the stop documents among those that come next, before the rest of their runs.

        Nobody waits for what such a run has by then, but for its finished file.
        """
        for uid, stop in self._upcoming.foresee(stops):
            if (recording := self.index.runs.get(uid)) is not None:
                recording.foresee(stop)

    def cwd(self, doc: Path) -> None:
        """Take the working directory of the session for the start document that follows.

        No document of the event model: the session may be elsewhere when that is taken up.
        """
        self._upcoming.stand(doc)

    def start(self, doc: Document) -> None:
        """Open the file of a new run."""
        cwd = self._upcoming.take_cwd()
        check_start(doc)
        uid = doc["uid"]
        if uid in self.index.runs:
            raise DocumentError(f"run {uid[:7]} was started twice; the first one goes on")
        if self.strays.begin(doc):
            return
        asked = self._upcoming.take_settings(uid)
        run = Run(
            doc,
            cwd=cwd,
            number=asked.get("number"),
            is_replayed=self.account.is_replay,
            claims=self.account.claims_of(uid),
        )
        self.account.expect(uid)
        file = file_of(run, asked.get("changes"), self._session, self.account)
        if file is None:
            self.strays.ignore()  # what follows of this run
        else:
            self._begin(run, file)

    def _begin(self, run: Run, file: RunFile[Any]) -> None:
        recording = recording_of(
            run,
            file,
            retry_seconds=self._retry_seconds,
            account=self.account,
            post_run=self.post_run,
        )
        is_again = self.account.begins_again(run.uid)
        recording.is_repeated = run.uid in self._finished and not is_again
        self.index.runs[run.uid] = recording
        if (stop := self._upcoming.stop_of(run.uid)) is not None:
            recording.foresee(stop)
        recording.open()
        if self._space is not None:
            self._space.begin(recording.folder)

    def elsewhere(self, doc: Document) -> None:
        """Leave the run that begins next to another writer, which writes the same files.

        No document of the event model.
        """
        self.strays.leave(doc["uid"])

    def off(self, doc: Document) -> None:
        """Leave out the run that begins next, as its format is off; as `elsewhere`."""
        self.strays.leave(doc["uid"], is_off=True)

    def settings(self, doc: Document) -> None:
        """Take what the run that begins next has in the place of settings; as `elsewhere`."""
        self._upcoming.ask(doc)
        if named := doc.get("session"):
            self._session.take(doc["uid"], named)

    def descriptor(self, doc: Document) -> None:
        """Add a descriptor to its run."""
        recording = self.index.runs.get(doc.get("run_start", ""))
        if recording is None:
            return self.strays.log("descriptor")
        descriptor = recording.add_descriptor(doc)
        self._by_descriptor[descriptor.uid] = recording
        return None

    def event(self, doc: Document) -> None:
        """Add an event to its run."""
        recording = self._by_descriptor.get(doc["descriptor"])
        return recording.add_event(doc) if recording is not None else self.strays.log("event")

    def rows(self, rows: EventRows) -> None:
        """Add events that are alike to their run, together where that can be.

        No document of the event model.
        """
        recording = self._by_descriptor.get(rows.descriptor)
        if recording is None or not recording.add_rows(rows):
            for event in rows.events():
                self.receive("event", event)

    def columns(self, columns: EventColumns) -> None:
        """Add a page of events, whose columns are packed, to its run.

        No document of the event model.
        """
        recording = self._by_descriptor.get(columns.descriptor)
        return recording.add_columns(columns) if recording else self.strays.log("event_page")

    def event_page(self, doc: Document) -> None:
        """Add a page of events to its run."""
        recording = self._by_descriptor.get(doc["descriptor"])
        return recording.add_event_page(doc) if recording else self.strays.log("event_page")

    def bulk_events(self, doc: Document) -> None:
        """Add events as bluesky once sent those of flyers."""
        for page in _event_pages(doc):
            self.event_page(page)

    def bulk_datum(self, doc: Document) -> None:
        """Add parts of an external file as bluesky once sent them."""
        self.datum_page(_datum_page(doc))

    def resource(self, doc: Document) -> None:
        """Add an external file to its run; old resources do not name it."""
        self._add_resource(self.index.of_resource(doc), "resource", doc)

    def earlier(self, doc: Document) -> None:
        """Learn of an external file of a run before, which the next datum of it brings into a run.

        No document of the event model.
        """
        self.index.earlier_resources[doc["uid"]] = doc

    def datum(self, doc: Document) -> None:
        """Add a part of an external file to the file's run."""
        self._add_datums("datum", doc, [doc["datum_id"]])

    def datum_page(self, doc: Document) -> None:
        """Add parts of an external file to the file's run."""
        self._add_datums("datum_page", doc, doc["datum_id"])

    def stream_resource(self, doc: Document) -> None:
        """Add an external file that is filled while the run goes on."""
        self._add_resource(self.index.runs.get(doc.get("run_start", "")), "stream_resource", doc)

    def stream_datum(self, doc: Document) -> None:
        """Add frames of an external file to their run."""
        recording = self._by_descriptor.get(doc["descriptor"])
        return recording.add_stream_datum(doc) if recording else self.strays.log("stream_datum")

    def stop(self, doc: Document) -> None:
        """Finish the file of a run."""
        recording = self.index.runs.get(doc.get("run_start", ""))
        return self._finish(recording, doc) if recording else self.strays.log("stop")

    def unstopped(self, doc: Document) -> None:
        """Finish the file of a run that gets no stop any more; no document of the event model."""
        recording = self.index.runs.get(doc["run_start"])
        if recording is not None:
            self._finish(recording, None)

    def control(self, doc: Document) -> None:
        """Hand a control record to the run that began last, or to the session between runs.

        No document of the event model: it comes through the same queue, so that it stands
        between the events that were taken before it and after it.
        """
        if (latest := self.index.latest) is not None:
            latest.control(doc)
        else:
            self._session.control(doc["verb"], doc)

    def sync(self) -> None:
        """Bring to disk what every open run has received; never raise."""
        for recording in self.index.runs.values():
            recording.sync()
            if recording.is_late:
                self.late.setdefault(recording.run.uid, recording)
            if self._space is not None:
                self._space.look(recording.run.uid, recording.folder)

    def write_pending(self) -> None:
        """Write the events of every open run that wait to become pages; never raise."""
        for recording in self.index.runs.values():
            recording.write_pending()

    def close(self) -> None:
        """Finish the files of runs that were never stopped; never raise."""
        for recording in list(self.index.runs.values()):
            self._finish(recording, None)

    def _finish(self, recording: Recording, stop: Document | None) -> None:
        if self._space is not None:
            self._space.look(recording.run.uid, recording.folder, is_over=True)
        recording.finish(stop)
        if recording.is_late:
            self.late.setdefault(recording.run.uid, recording)
        self.index.remove(recording)
        self._finished[recording.run.uid] = None
        if len(self._finished) > _EARLIER_RUNS:
            self._finished.pop(next(iter(self._finished)))

    def _add_resource(self, recording: Recording | None, name: str, doc: Document) -> None:
        if recording is None:
            return self.strays.log(name)
        recording.add_resource(name, doc)
        self.index.by_resource[doc["uid"]] = recording
        return None

    def _add_datums(self, name: str, doc: Document, datum_ids: list[str]) -> None:
        uid, known = doc["resource"], self.index.by_resource
        earlier, latest = self.index.earlier_resources.get(uid), self.index.latest
        if uid not in known and earlier is not None and latest is not None:
            self._add_resource(latest, "resource", earlier)
        recording = known.get(uid)
        return recording.add_datums(name, doc, datum_ids) if recording else self.strays.log(name)
