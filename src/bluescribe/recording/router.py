"""Finds the run that a document belongs to, and hands it to that run's recording.

Routing is our own because event_model.RunRouter turns every event into an event_page (20 us),
remembers resources for ever, and lets one failing callback starve the next.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from event_model import DocumentRouter

from ..contract.report import Failure, RunReport
from ..contract.runfile import RunFile
from ..errors import DocumentError
from ..files.backup import put_aside
from ..files.remedies import remedy
from ..files.space import SpaceWatch
from ..model.grammar import check_start
from ..model.plain_values import is_plain
from ..model.run import Document, Run, working_directory
from ..model.times import seconds_of
from ..model.writable import writable
from ..spool.problems import BrokenSpoolError
from ..spool.segment import Entry
from ..spool.story import story_of
from .named_late import recording_of
from .post_run import Afterwards
from .recording import Recording
from .status import Ledger

__all__ = ["Router"]

logger = logging.getLogger(__name__)

_EARLIER_RESOURCES = 100
"""Resources of finished runs that are remembered."""
_SYNC_EVERY = 1_000
"""Entries of the spool after which what was read is brought to disk."""
_EARLIER_RUNS = 1_000
"""Finished runs whose uids are remembered."""


class Router(DocumentRouter):
    """Documents of all runs -> the recording of each run.

    Parameters
    ----------
    make_file
        Makes the file of a new run.
    retry_seconds
        How long an `OSError` is tried again before the run's file is given up.
    ledger
        Is told what was written and what failed.
    afterwards
        Does what remains when a run's file is complete.
    space
        Looks at the room on the disk.
    """

    def __init__(
        self,
        make_file: Callable[[], RunFile[Any]],
        *,
        retry_seconds: float,
        ledger: Ledger,
        afterwards: Afterwards,
        space: SpaceWatch | None = None,
    ) -> None:
        super().__init__()
        self._space = space
        self._make_file = make_file
        self._retry_seconds = retry_seconds
        self._ledger = ledger
        self._afterwards = afterwards
        self._runs: dict[str, Recording] = {}
        self._by_descriptor: dict[str, Recording] = {}
        self._by_resource: dict[str, Recording] = {}
        self._earlier_resources: dict[str, Document] = {}
        """Of finished runs: a detector that stays staged goes on filling its file."""
        self._finished: dict[str, None] = {}
        """Uids of finished runs, oldest first."""
        self.late: dict[str, Recording] = {}
        """Runs that could not be written, by their uids: they are written anew from the spool."""
        self._elsewhere: set[str] = set()
        """Uids of runs that another writer of the session writes."""
        self._told_of_strays = False
        self._told_of_others = False
        self._cwd: Path | None = None
        """Where the session was when it sent the next start document."""

    @property
    def has_open_runs(self) -> bool:
        """Whether more documents are to be expected soon."""
        return bool(self._runs)

    @property
    def unfinished(self) -> set[str]:
        """Uids of runs that are open or late."""
        return {*self._runs, *self.late}

    def write_late(self, uid: str, entries: Iterator[Entry]) -> bool:
        """Write a run that is late from all that came since it began; tell whether it is done."""
        try:
            self.late[uid].discard()
        except OSError:  # its folder is away still, which was told
            return False
        except Exception as error:  # of a format
            return self._lose(uid, error)
        return self._write(uid, entries)

    def write_again(self, uid: str, files: Sequence[Path], entries: Iterator[Entry]) -> bool:
        """Write a run that another process has left; put aside what that has made of it."""
        try:
            for path in files:
                put_aside(path)
        except OSError as error:
            logger.warning("%s: %s", self._ledger.format_name, error)
            return False
        return self._write(uid, entries)

    reads_log = False

    def tend(self) -> None:
        """Nothing happens in this process of which it does not know."""

    def end(self, timeout: float | None) -> None:
        """Do what remains to be done for finished runs, or give it up after a time."""
        self._afterwards.close(timeout)

    def leave(self, then: Callable[[], object]) -> None:
        """Do what remains, and then call `then`; nobody waits."""
        self._afterwards.leave(then)

    def hush(self, uids: Sequence[str]) -> None:
        """Say nothing of what comes of runs that are to be written again."""
        self._told_of_strays = self._told_of_strays or bool(uids)

    def _write(self, uid: str, entries: Iterator[Entry]) -> bool:
        try:
            written, is_open = self._written_anew(uid, entries)
        except BrokenSpoolError as error:
            return self._lose(uid, error)
        if written is None:  # its start document is damaged: that was told
            return True
        if written.is_late:
            self.late[uid] = written
            return False
        self.late.pop(uid, None)
        self._ledger.postponed.remove(uid)
        if not written.is_given_up:
            written.tell_that_it_is_written()
        if is_open:
            self._take_in(written)
        return True

    def _lose(self, uid: str, error: Exception) -> bool:
        self._ledger.postponed.remove(uid)
        if uid in self.late:
            self.late.pop(uid).give_up(error)
        else:
            self._tell_of_loss(uid, error)
        return True

    def _tell_of_loss(self, uid: str, error: Exception) -> None:
        """Tell of a run that another process has left, and that cannot be written again."""
        name, cause = self._ledger.format_name, f"it cannot be written again: {error}"
        advice = (
            "what the process that died had written is called NAME.damaged; export the run from a "
            "catalog or a journal, or have bluescribe recover make that file readable"
        )
        failure = Failure(time.time(), f"run {uid[:7]}", None, cause, advice)
        logger.error("%s: run %s is INCOMPLETE: %s. Remedy: %s.", name, uid[:7], cause, advice)
        self._ledger.fail(failure)
        lost = RunReport(name, {"uid": uid}, failures=(failure,), is_given_up=True)
        self._ledger.report(lost)

    def _written_anew(self, uid: str, entries: Iterator[Entry]) -> tuple[Recording | None, bool]:
        """Play a run to a router of its own, which fails again where it fails.

        Returns
        -------
        recording : Recording or None
            None if it did not begin.
        is_open : bool
            Whether more is to come of it.
        """
        alone = Router(
            self._make_file, retry_seconds=0.0, ledger=self._ledger, afterwards=self._afterwards
        )
        alone._earlier_resources = dict(self._earlier_resources)
        recording = self.late.get(uid)
        try:
            for number, (name, doc) in enumerate(story_of(uid, entries)):
                alone.receive(name, doc)
                recording = alone._runs.get(uid, recording)
                if number % _SYNC_EVERY == 0:
                    alone.sync()
                if recording is not None and recording.is_late and uid in alone.late:
                    break
        except BrokenSpoolError:
            alone.close()
            raise
        alone.sync()
        return recording, uid in alone._runs

    def receive(self, name: str, doc: Any) -> None:
        """Take one document. A damaged one is reported and refused; nothing is raised.

        A value in it that cannot be written is replaced by a text that says so.
        """
        try:
            if name == "event":  # nearly all are: the way through DocumentRouter is as long again
                self.event(doc)
            elif is_plain(doc):
                self(name, doc)
            else:
                self._receive_replaced(name, doc)
        except BaseException as error:  # sys.exit() in a format's hook does not end this thread
            self._refuse(name, doc, error)

    def _receive_replaced(self, name: str, doc: Any) -> None:
        """Take a document after the values in it were replaced that cannot be written."""
        doc, found = writable(_dated(doc) if name in ("start", "stop") else doc)
        recording = self._recording_of(doc) if found else None
        self(name, doc)
        recording = recording or (self._recording_of(doc) if found else None)
        if recording is not None:
            recording.tell_of_replaced(name, doc, found)

    def _refuse(self, name: str, doc: Any, error: BaseException) -> None:
        """Refuse a document, unless it is an event whose own values raised what was raised."""
        if name == "event" and not is_plain(doc):
            try:
                return self._receive_replaced(name, doc)
            except BaseException as another:
                error = another
        return self._ledger.refuse(name, error)

    def _recording_of(self, doc: Any) -> Recording | None:
        """Return the recording of a document's run; None if it has not begun."""
        if not isinstance(doc, dict):
            return None
        return (
            self._by_descriptor.get(str(doc.get("descriptor")))
            or self._runs.get(str(doc.get("run_start")))
            or self._by_resource.get(str(doc.get("resource")))
            or self._runs.get(str(doc.get("uid")))
        )

    def cwd(self, doc: Any) -> None:
        """Take the working directory of the session for the start document that follows.

        No document of the event model: the session may be elsewhere when that is taken up.
        """
        self._cwd = doc

    def start(self, doc: Document) -> None:
        """Open the file of a new run."""
        cwd, self._cwd = self._cwd or working_directory(), None
        check_start(doc)
        if doc["uid"] in self._runs:
            raise DocumentError(f"run {doc['uid'][:7]} was started twice; the first one goes on")
        self._told_of_strays = False
        if doc["uid"] in self._elsewhere:
            return self._leave(doc)
        run = Run(
            doc,
            cwd=cwd,
            is_replayed=self._ledger.is_replay,
            claims=self._ledger.claims_of(doc["uid"]),
        )
        self._ledger.expect(run.uid)
        file = self._new_file(run)
        if file is None:
            return None
        recording = recording_of(
            run,
            file,
            retry_seconds=self._retry_seconds,
            ledger=self._ledger,
            afterwards=self._afterwards,
        )
        recording.is_repeated = doc["uid"] in self._finished
        self._runs[doc["uid"]] = recording
        recording.open()
        if self._space is not None:
            self._space.begin(recording.folder)
        return None

    def elsewhere(self, doc: Document) -> None:
        """Leave the run that begins next to another writer, which writes the same files.

        No document of the event model.
        """
        self._elsewhere.add(doc["uid"])

    def _leave(self, doc: Document) -> None:
        self._elsewhere.discard(doc["uid"])
        self._told_of_strays = True  # what follows of this run
        if not self._told_of_others:
            self._told_of_others = True
            logger.warning(
                "%s: run %s is left to another writer of this session, which writes the same "
                "files: was the start-up run twice? To use this writer, close() the other one",
                self._ledger.format_name,
                str(doc.get("uid"))[:7],
            )
        self._ledger.report(RunReport(self._ledger.format_name, doc))  # the other one has files

    def descriptor(self, doc: Document) -> None:
        """Add a descriptor to its run."""
        recording = self._runs.get(doc.get("run_start", ""))
        if recording is None:
            return self._stray("descriptor")
        descriptor = recording.add_descriptor(doc)
        self._by_descriptor[descriptor.uid] = recording
        return None

    def event(self, doc: Document) -> None:  # type: ignore[override]  # it makes no other document
        """Add an event to its run."""
        recording = self._by_descriptor.get(doc["descriptor"])
        return recording.add_event(doc) if recording is not None else self._stray("event")

    def event_page(self, doc: Document) -> None:  # type: ignore[override]  # as event
        """Add a page of events to its run."""
        recording = self._by_descriptor.get(doc["descriptor"])
        return recording.add_event_page(doc) if recording else self._stray("event_page")

    def resource(self, doc: Document) -> None:
        """Add an external file to its run; old resources do not name it."""
        recording = self._runs.get(doc.get("run_start", "")) or self._only_run(doc)
        self._add_resource(recording, "resource", doc)

    def earlier(self, doc: Document) -> None:
        """Learn of an external file of a run before, which the next datum of it brings into a run.

        No document of the event model.
        """
        self._earlier_resources[doc["uid"]] = doc

    def datum(self, doc: Document) -> None:  # type: ignore[override]  # as event
        """Add a part of an external file to the file's run."""
        self._add_datums("datum", doc, [doc["datum_id"]])

    def datum_page(self, doc: Document) -> None:
        """Add parts of an external file to the file's run."""
        self._add_datums("datum_page", doc, doc["datum_id"])

    def stream_resource(self, doc: Document) -> None:
        """Add an external file that is filled while the run goes on."""
        self._add_resource(self._runs.get(doc.get("run_start", "")), "stream_resource", doc)

    def stream_datum(self, doc: Document) -> None:
        """Add frames of an external file to their run."""
        recording = self._by_descriptor.get(doc["descriptor"])
        return recording.add_stream_datum(doc) if recording else self._stray("stream_datum")

    def stop(self, doc: Document) -> None:
        """Finish the file of a run."""
        recording = self._runs.get(doc.get("run_start", ""))
        return self._finish(recording, doc) if recording else self._stray("stop")

    def unstopped(self, doc: Document) -> None:
        """Finish the file of a run that gets no stop any more; no document of the event model."""
        recording = self._runs.get(doc["run_start"])
        if recording is not None:
            self._finish(recording, None)

    def comment(self, doc: Document) -> None:
        """Add what somebody says to the run that began last, or tell the format between runs.

        No document of the event model: it comes through the same queue, so that it stands
        between the events that were taken before it and after it.
        """
        if self._runs:
            next(reversed(self._runs.values())).add_comment(doc)
        else:
            self._make_file().add_comment(doc["text"], doc["time"], at_end=doc["at_end"])

    def sync(self) -> None:
        """Bring to disk what every open run has received; never raise."""
        for recording in self._runs.values():
            recording.sync()
            if recording.is_late:
                self.late.setdefault(recording.run.uid, recording)
            if self._space is not None:
                self._space.look(recording.run.uid, recording.folder)

    def close(self) -> None:
        """Finish the files of runs that were never stopped; never raise."""
        for recording in list(self._runs.values()):
            self._finish(recording, None)

    def _new_file(self, run: Run) -> RunFile[Any] | None:
        """Return the file of a run; None, told as a failure of the run, when none can be made."""
        try:
            return self._make_file()
        except Exception as error:
            cause = f"no file could be made: {type(error).__name__}: {error}"
            advice = remedy(error, [])
            logger.exception(
                "%s: %s is INCOMPLETE: %s. Remedy: %s. Other writers and later runs go on.",
                self._ledger.format_name,
                run.label,
                cause,
                advice,
            )
            failure = Failure(time.time(), run.label, None, cause, advice)
            self._ledger.fail(failure)
            name = self._ledger.format_name
            report = RunReport(name, run.start, failures=(failure,), is_given_up=True)
            self._ledger.report(report)  # nobody else will tell
            self._told_of_strays = True  # what follows of this run
            return None

    def _finish(self, recording: Recording, stop: Document | None) -> None:
        if self._space is not None:
            self._space.look(recording.run.uid, recording.folder, is_over=True)
        recording.finish(stop)
        if recording.is_late:
            self.late.setdefault(recording.run.uid, recording)
        del self._runs[recording.run.uid]
        self._finished[recording.run.uid] = None
        if len(self._finished) > _EARLIER_RUNS:
            self._finished.pop(next(iter(self._finished)))
        for uid in recording.descriptors:
            self._by_descriptor.pop(uid, None)
        for uid, doc in recording.resources.items():
            self._by_resource.pop(uid, None)
            self._earlier_resources[uid] = doc
        while len(self._earlier_resources) > _EARLIER_RESOURCES:
            self._earlier_resources.pop(next(iter(self._earlier_resources)))

    def _take_in(self, recording: Recording) -> None:
        """Go on with the recording of an open run that was written anew so far."""
        self._runs[recording.run.uid] = recording
        self._by_descriptor |= dict.fromkeys(recording.descriptors, recording)
        self._by_resource |= dict.fromkeys(recording.resources, recording)

    def _add_resource(self, recording: Recording | None, name: str, doc: Document) -> None:
        if recording is None:
            return self._stray(name)
        recording.add_resource(name, doc)
        self._by_resource[doc["uid"]] = recording
        return None

    def _add_datums(self, name: str, doc: Document, datum_ids: list[str]) -> None:
        uid = doc["resource"]
        if uid not in self._by_resource and uid in self._earlier_resources and self._runs:
            latest = next(reversed(self._runs.values()))
            self._add_resource(latest, "resource", self._earlier_resources[uid])
        recording = self._by_resource.get(uid)
        return recording.add_datums(name, doc, datum_ids) if recording else self._stray(name)

    def _only_run(self, doc: Document) -> Recording | None:
        if "run_start" not in doc and len(self._runs) == 1:
            return next(iter(self._runs.values()))
        return None

    def _stray(self, name: str) -> None:
        """Tell once of documents whose run did not start here."""
        if not self._told_of_strays:
            self._told_of_strays = True
            logger.warning(
                "%s: ignoring the %s and what follows of a run whose start this writer has not "
                "seen (was it subscribed in mid-run?). The next run is written.",
                self._ledger.format_name,
                name,
            )


def _dated(doc: Any) -> Any:
    """Return a document whose time is a float, if it is a number of another kind: a decimal, say.

    As a value it would become a text, and as a time it is known what is meant.
    """
    if type(doc) is not dict or math.isnan(seconds := seconds_of(doc.get("time"))):
        return doc
    return {**doc, "time": seconds}
