"""Finds the run that a document belongs to, and hands it to that run's file.

Routing is our own because event_model.RunRouter turns every event into an event_page (20 us),
remembers resources for ever, and lets one failing callback starve the next.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from event_model import DocumentRouter

from .assets import AssetBook
from .errors import DocumentError
from .formats.base import RunFile
from .run import Descriptor, Document, Run, Stream, check_event, check_event_page, check_start
from .status import Failure, Ledger, remedy

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two tries of what a full or absent disk refused."""

_DESCRIPTOR = itemgetter("descriptor")

_EARLIER_RESOURCES = 100
"""Resources of finished runs that are remembered."""


@dataclass(slots=True, eq=False)
class _OpenRun:
    """A run between its start and its stop."""

    run: Run
    file: RunFile[Any]
    assets: AssetBook = field(default_factory=AssetBook)
    pending: dict[str, list[Document]] = field(default_factory=dict)
    """Events that wait to become pages, by stream."""
    descriptors: dict[str, tuple[Stream, Descriptor]] = field(default_factory=dict)
    resources: dict[str, Document] = field(default_factory=dict)
    is_failed: bool = False
    has_news: bool = False
    """Whether something was written since the last sync."""


class Router(DocumentRouter):
    """Documents of all runs -> the file of each run.

    Parameters
    ----------
    make_file
        Makes the file of a new run.
    format_name
        For messages.
    retry_seconds
        How long an `OSError` is tried again before the run's file is given up.
    ledger
        Is told what was written and what failed.
    """

    def __init__(
        self,
        make_file: Callable[[], RunFile[Any]],
        *,
        format_name: str,
        retry_seconds: float,
        ledger: Ledger,
    ) -> None:
        super().__init__()
        self._make_file = make_file
        self._format = format_name
        self._retry_seconds = retry_seconds
        self._ledger = ledger
        self._runs: dict[str, _OpenRun] = {}
        self._by_descriptor: dict[str, _OpenRun] = {}
        self._by_resource: dict[str, _OpenRun] = {}
        self._earlier_resources: dict[str, Document] = {}
        """Of finished runs: a detector that stays staged goes on filling its file."""
        self._told_of_strays = False

    @property
    def has_open_runs(self) -> bool:
        """Whether more documents are to be expected soon."""
        return bool(self._runs)

    def receive(self, name: str, doc: Any) -> None:
        """Take one document. A damaged one is reported and refused; nothing is raised."""
        try:
            self(name, doc)
        except Exception as error:
            self._refuse(name, error)

    def start(self, doc: Document) -> None:
        """Open the file of a new run."""
        check_start(doc)
        if doc["uid"] in self._runs:
            raise DocumentError(f"run {doc['uid'][:7]} was started twice; the first one goes on")
        self._told_of_strays = False
        entry = _OpenRun(Run(doc), self._make_file())
        self._runs[doc["uid"]] = entry
        self._attempt(entry, entry.file.open, entry.run)
        self._record(entry, "start", doc)
        self._list_files()

    def descriptor(self, doc: Document) -> None:
        """Add a descriptor to its run."""
        entry = self._runs.get(doc.get("run_start", ""))
        if entry is None:
            return self._stray("descriptor")
        if doc.get("uid") in entry.descriptors:
            raise DocumentError(f"descriptor {doc['uid'][:7]} of {entry.run.label} came twice")
        self._record(entry, "descriptor", doc)
        self._write_pages(entry)
        stream, descriptor = entry.run.add_descriptor(doc)
        entry.descriptors[descriptor.uid] = stream, descriptor
        self._by_descriptor[descriptor.uid] = entry
        self._attempt(entry, entry.file.add_descriptor, stream, descriptor)
        return None

    def event(self, doc: Document) -> None:  # type: ignore[override]  # it makes no other document
        """Keep an event until its batch is over; then it goes on in a page."""
        uid = doc["descriptor"]
        entry = self._by_descriptor.get(uid)
        if entry is None:
            return self._stray("event")
        stream, _ = entry.descriptors[uid]
        if entry.file.takes_pages:
            check_event(doc)
            entry.pending.setdefault(stream.name, []).append(doc)
        if self._record(entry, "event", doc) and not entry.file.takes_pages:
            self._count(entry, stream, 1)
        return None

    def event_page(self, doc: Document) -> None:  # type: ignore[override]  # as event
        """Write a page as it came."""
        entry = self._by_descriptor.get(doc["descriptor"])
        if entry is None:
            return self._stray("event_page")
        check_event_page(doc)
        is_recorded = self._record(entry, "event_page", doc)
        stream, descriptor = entry.descriptors[doc["descriptor"]]
        if entry.file.takes_pages:
            self._write_pages(entry)
            self._write_page(entry, stream, stream.page_of(descriptor, doc))
        elif is_recorded:
            self._count(entry, stream, len(doc["seq_num"]))
        return None

    def resource(self, doc: Document) -> None:
        """Learn of an external file; old resources do not name their run."""
        entry = self._runs.get(doc.get("run_start", "")) or self._only_run(doc)
        self._add_resource(entry, "resource", doc)

    def datum(self, doc: Document) -> None:  # type: ignore[override]  # as event
        """Learn of a part of an external file."""
        entry = self._run_of_resource(doc["resource"])
        if entry is None:
            return self._stray("datum")
        self._record(entry, "datum", doc)
        entry.assets.add_datum(doc["datum_id"], doc["resource"])
        return None

    def datum_page(self, doc: Document) -> None:
        """Learn of parts of an external file."""
        entry = self._run_of_resource(doc["resource"])
        if entry is None:
            return self._stray("datum_page")
        self._record(entry, "datum_page", doc)
        for datum_id in doc["datum_id"]:
            entry.assets.add_datum(datum_id, doc["resource"])
        return None

    def stream_resource(self, doc: Document) -> None:
        """Learn of an external file that is filled while the run goes on."""
        self._add_resource(self._runs.get(doc.get("run_start", "")), "stream_resource", doc)

    def stream_datum(self, doc: Document) -> None:
        """Learn which frames of an external file belong to which events."""
        entry = self._by_descriptor.get(doc["descriptor"])
        if entry is None:
            return self._stray("stream_datum")
        self._record(entry, "stream_datum", doc)
        name, asset, frames = entry.assets.of_stream_datum(doc)
        stream, _ = entry.descriptors[doc["descriptor"]]
        self._attempt(entry, entry.file.link_assets, stream, name, asset, frames)
        return None

    def stop(self, doc: Document) -> None:
        """Finish the file of a run."""
        entry = self._runs.get(doc.get("run_start", ""))
        if entry is None:
            return self._stray("stop")
        self._record(entry, "stop", doc)
        self._finish(entry, doc)
        return None

    def sync(self) -> None:
        """Bring to disk what every open run has received; never raise."""
        for entry in list(self._runs.values()):
            self._write_pages(entry)
            if entry.has_news:
                self._attempt_or_refuse("event", entry, entry.file.sync)
                entry.has_news = False

    def close(self) -> None:
        """Finish the files of runs that were never stopped; never raise."""
        for entry in list(self._runs.values()):
            self._finish(entry, None)

    def _add_resource(self, entry: _OpenRun | None, name: str, doc: Document) -> None:
        if entry is None:
            return self._stray(name)
        self._record(entry, name, doc)
        if name == "resource":
            entry.assets.add_resource(doc)
        else:
            entry.assets.add_stream_resource(doc)
        entry.resources[doc["uid"]] = doc
        self._by_resource[doc["uid"]] = entry
        return None

    def _run_of_resource(self, uid: str) -> _OpenRun | None:
        """Return the run of a datum's resource; the latest run if that one is over."""
        if uid not in self._by_resource and uid in self._earlier_resources and self._runs:
            latest = next(reversed(self._runs.values()))
            self._add_resource(latest, "resource", self._earlier_resources[uid])
        return self._by_resource.get(uid)

    def _only_run(self, doc: Document) -> _OpenRun | None:
        if "run_start" not in doc and len(self._runs) == 1:
            return next(iter(self._runs.values()))
        return None

    def _record(self, entry: _OpenRun, name: str, doc: Document) -> bool:
        """Hand over a document as it came; one that is refused still tells of its run."""
        return self._attempt_or_refuse(name, entry, entry.file.record, name, doc)

    def _write_pages(self, entry: _OpenRun) -> None:
        """Turn the events that wait into pages: a page has one descriptor, a stream one order."""
        pending, entry.pending = entry.pending, {}
        for waiting in pending.values():
            for uid, events in groupby(waiting, _DESCRIPTOR):
                stream, descriptor = entry.descriptors[uid]
                try:
                    self._write_page(entry, stream, stream.page(descriptor, list(events)))
                except Exception as error:
                    self._refuse("event", error)

    def _write_page(self, entry: _OpenRun, stream: Stream, page: Any) -> None:
        for name, asset in entry.assets.of_page(page):
            self._attempt(entry, entry.file.link_assets, stream, name, asset, None)
        self._attempt(entry, entry.file.write_events, stream, page)
        self._count(entry, stream, len(page))

    def _count(self, entry: _OpenRun, stream: Stream, events: int) -> None:
        stream.events += events
        if not entry.is_failed:
            self._ledger.events_written += events

    def _finish(self, entry: _OpenRun, stop: Document | None) -> None:
        self._write_pages(entry)
        self._attempt_or_refuse("stop", entry, entry.file.close, stop)
        self._forget(entry)
        if not entry.is_failed:
            self._ledger.runs_written += 1
            self._ledger.last_file = entry.file.paths[0] if entry.file.paths else None

    def _forget(self, entry: _OpenRun) -> None:
        del self._runs[entry.run.uid]
        for uid in entry.descriptors:
            self._by_descriptor.pop(uid, None)
        for uid, doc in entry.resources.items():
            self._by_resource.pop(uid, None)
            self._earlier_resources[uid] = doc
        while len(self._earlier_resources) > _EARLIER_RESOURCES:
            self._earlier_resources.pop(next(iter(self._earlier_resources)))
        self._list_files()

    def _list_files(self) -> None:
        files = (entry.file.paths for entry in self._runs.values() if not entry.is_failed)
        self._ledger.current_files = tuple(paths[0] for paths in files if paths)

    def _attempt(self, entry: _OpenRun, method: Callable[..., None], *args: Any) -> None:
        """Call a method of a run's file; try again while the disk refuses; then give it up."""
        if entry.is_failed:
            return
        entry.has_news = True
        give_up, pause = time.monotonic() + self._retry_seconds, _FIRST_PAUSE
        while True:
            try:
                method(*args)
            except OSError as error:
                if not _may_pass(error) or time.monotonic() + pause > give_up:
                    self._retire(entry, error)
                    break
                self._tell_of_retry(entry, error)
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            except DocumentError:
                raise
            except Exception as error:
                self._retire(entry, error)
                break
            else:
                break
        self._tell_of_recovery(entry)

    def _attempt_or_refuse(
        self, name: str, entry: _OpenRun, method: Callable[..., None], *args: Any
    ) -> bool:
        """Do as `_attempt` and tell whether the document was not refused."""
        try:
            self._attempt(entry, method, *args)
        except DocumentError as error:
            self._refuse(name, error)
            return False
        return True

    def _refuse(self, name: str, error: Exception) -> None:
        """Report a document that cannot be taken; the router goes on after it."""
        self._ledger.documents_refused += 1
        is_damaged = isinstance(error, DocumentError)
        logger.log(
            logging.WARNING if is_damaged else logging.ERROR,
            "%s: refused a damaged %s document: %s. Everything else is written.",
            self._format,
            name,
            error if is_damaged else repr(error),
            exc_info=None if is_damaged else error,
        )

    def _tell_of_retry(self, entry: _OpenRun, error: OSError) -> None:
        if not self._ledger.retrying:
            logger.warning(
                "%s: %s cannot be written: %s. Trying again for %.0f s; %s. The scan goes on.",
                self._format,
                entry.run.label,
                error,
                self._retry_seconds,
                remedy(error, entry.file.paths),
            )
        self._ledger.retrying = f"{entry.run.label}: {error}"

    def _tell_of_recovery(self, entry: _OpenRun) -> None:
        if self._ledger.retrying and not entry.is_failed:
            logger.warning("%s: %s is written again", self._format, entry.run.label)
        self._ledger.retrying = ""

    def _retire(self, entry: _OpenRun, error: Exception) -> None:
        """Give up a run's file; the other runs and the other writers go on."""
        entry.is_failed = True
        path = entry.file.paths[0] if entry.file.paths else None
        cause = f"{type(error).__name__}: {error}"
        advice = remedy(error, entry.file.paths)
        failure = Failure(time.time(), entry.run.label, path, cause, advice)
        logger.error(
            "%s: %s is INCOMPLETE in %s: %s. Remedy: %s. Other writers and later runs go on.",
            self._format,
            entry.run.label,
            path or "its file, which could not be made",
            cause,
            advice,
            exc_info=not isinstance(error, OSError),
        )
        self._ledger.fail(failure)
        self._list_files()
        try:
            entry.file.abandon()
        except Exception:
            logger.debug("%s: abandoning %s failed too", self._format, path, exc_info=True)

    def _stray(self, name: str) -> None:
        """Tell once of documents whose run did not start here."""
        if not self._told_of_strays:
            self._told_of_strays = True
            logger.warning(
                "%s: ignoring the %s and what follows of a run whose start this writer has not "
                "seen (was it subscribed in mid-run?). The next run is written.",
                self._format,
                name,
            )


def _may_pass(error: OSError) -> bool:
    """Tell whether the system refused; HDF5's own errors are OSErrors too, and stay."""
    return error.errno is not None or "errno" in str(error)
