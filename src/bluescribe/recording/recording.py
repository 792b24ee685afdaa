"""Recording: one run on its way into its file.

It resolves events to pages of a stream, and hands over all else as it comes. What the disk refuses
is tried again, and a file given up when nothing helps: the other runs and writers go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from ..assets.book import AssetBook, datum_rows
from ..contract.post_run import Work
from ..contract.report import Failure, RunReport
from ..contract.runfile import RunFile
from ..errors import DocumentError
from ..files.remedies import remedy
from ..model.grammar import check_event, check_event_page
from ..model.plain_values import is_plain, is_plain_event, is_plain_page
from ..model.run import Descriptor, Document, Page, Run, Stream
from ..model.times import page_with_seconds, with_seconds
from ..model.writable import Unwritable, writable
from .arrivals import Arrivals
from .failed_page import event_of, events_of, suspects, unwritable, without
from .post_run import Afterwards
from .replaced_values import Replaced
from .retry import Attempts
from .status import Ledger

__all__ = ["Recording"]

logger = logging.getLogger(__name__)

_DESCRIPTOR = itemgetter("descriptor")


class Recording:
    """A run between its start and its stop, in one format.

    Parameters
    ----------
    run
        What its documents have declared so far.
    file
        Where it goes.
    retry_seconds
        How long an `OSError` is tried again before the file is given up.
    ledger
        Is told what was written and what failed.
    afterwards
        Does what remains when the file is complete.
    """

    def __init__(
        self,
        run: Run,
        file: RunFile[Any],
        *,
        retry_seconds: float,
        ledger: Ledger,
        afterwards: Afterwards,
    ) -> None:
        self.run = run
        self.descriptors: dict[str, tuple[Stream, Descriptor]] = {}
        self.resources: dict[str, Document] = {}
        self._file = file
        self._attempt = Attempts(run, file, retry_seconds=retry_seconds, ledger=ledger)
        self._ledger = ledger
        self._afterwards = afterwards
        self._assets = AssetBook(file.locate)
        self._arrivals = Arrivals(run, self._assets.knows)
        self._pending: dict[str, list[Document]] = {}
        """Events that wait to become pages, by stream."""
        self._replaced = Replaced(run)
        self._refused = Replaced(run, ledger.format_name)
        self._files_told = -1
        self._events = 0
        """Those that stand in the account of the writer."""
        self._refused_before = ledger.documents_refused
        self.is_repeated = False
        """Whether a run of this uid was finished before."""

    @property
    def is_late(self) -> bool:
        """Whether its file failed, and the run is to be written anew from the spool."""
        return self._attempt.is_late

    @property
    def is_given_up(self) -> bool:
        """Whether its file failed, and nothing will be written."""
        return self._attempt.failure is not None

    def give_up(self, error: Exception) -> None:
        """Tell that a run that is late cannot be written from the spool either."""
        self._attempt.lose(error)
        self._report()

    def discard(self) -> None:
        """Remove what was written of a run that is late.

        Raises
        ------
        OSError
            The folder is still away.
        """
        self._file.discard()
        self._ledger.events_written -= self._events
        self._ledger.events_of.pop(self.run.uid, None)
        self._events = 0

    def tell_that_it_is_written(self) -> None:
        """Tell that a run that was late is in its file now."""
        self._attempt.tell_that_it_is_written()

    @property
    def folder(self) -> Path | None:
        """Where the main file is; None while there is none."""
        return self._file.paths[0].parent if self._file.paths else None

    def open(self) -> None:
        """Make the file and record the start document, if the format accepts the run."""
        self.run.check_time()
        self._attempt(self._open)
        if self._file.paths and not self._attempt.is_retired:
            self._ledger.open_files[self.run.uid] = self._file.paths[0]
        self.record("start", self.run.start)
        self._tell_of_paths()

    def _open(self) -> None:
        if self._is_accepted():
            self._file.open(self.run)
        else:
            self._attempt.is_retired = True

    def _is_accepted(self) -> bool:
        """Tell whether the format wants the run; one that cannot tell gets it: data come first."""
        try:
            return self._file.accepts(self.run)
        except Exception as error:
            kind = type(self._file).__name__
            logger.warning("%s.accepts() failed on %s: %r", kind, self.run.label, error)
            return True

    def record(self, name: str, doc: Document) -> bool:
        """Hand over a document as it came; one that is refused still tells of its run."""
        return self._attempt.or_refuse(name, self._file.record, name, doc)

    def tell_of_replaced(self, name: str, doc: Document, found: Sequence[Unwritable]) -> None:
        """Tell of values of a document in whose place a text is written."""
        stream, _ = self.descriptors.get(str(doc.get("descriptor")), (None, None))
        self._replaced.tell(name, doc, found, stream.name if stream else "")

    def add_descriptor(self, doc: Document) -> Descriptor:
        """Declare a stream, or reconfigure it."""
        if doc.get("uid") in self.descriptors:
            if not _is_same(doc, self.descriptors[doc["uid"]][1].doc):
                self.record("descriptor", doc)  # a journal has what both say
            raise DocumentError(f"descriptor {doc['uid'][:7]} of {self.run.label} came twice")
        self.record("descriptor", doc)
        self._write_pages()
        stream, descriptor = self.run.add_descriptor(doc)
        self._arrivals.add_descriptor(descriptor)
        self.descriptors[descriptor.uid] = stream, descriptor
        self._attempt(self._file.add_descriptor, stream, descriptor)
        return descriptor

    def add_event(self, doc: Document) -> None:
        """Keep an event until its batch is over; then it goes on in a page."""
        stream, _ = self.descriptors[doc["descriptor"]]
        if self._file.takes_pages:
            event = with_seconds(doc, stream.name)
            check_event(event)
            self._pending.setdefault(stream.name, []).append(event)
        else:
            if not is_plain_event(doc):
                doc = self._replace("event", doc)
            self._record_event(doc)
            self._count(stream, 1)
            self._arrivals.add_events(stream, [doc])

    def _record_event(self, doc: Document) -> None:
        """Record an event as it came; again, if something in it raised that is not its values."""
        fault = self._attempt.fault_of(self._file.record, "event", doc)
        if fault is not None and is_plain(doc):
            self._attempt.give_up(fault)
        elif fault is not None:
            self._attempt(self._file.record, "event", self._replace("event", doc))

    def add_event_page(self, doc: Document) -> None:
        """Write a page as it came."""
        stream, descriptor = self.descriptors[doc["descriptor"]]
        timed = page_with_seconds(doc, stream.name)
        check_event_page(timed)
        if self._file.takes_pages:
            self._write_pages()
            self._write_page(stream, stream.page_of(descriptor, timed))
        elif self.record("event_page", doc):
            self._count(stream, len(doc["seq_num"]))
        self._arrivals.add_event_page(stream, doc)

    def add_resource(self, name: str, doc: Document) -> None:
        """Learn of an external file from a resource or stream_resource."""
        self.record(name, doc)
        if name == "resource":
            self._assets.add_resource(doc)
        else:
            self._assets.add_stream_resource(doc)
        self.resources[doc["uid"]] = doc

    def add_datums(self, name: str, doc: Document, datum_ids: Sequence[str]) -> None:
        """Learn of parts of an external file from a datum or datum_page."""
        self.record(name, doc)
        kwargs = doc.get("datum_kwargs")
        rows = datum_rows(kwargs, len(datum_ids)) if name == "datum_page" else [kwargs]
        for datum_id, parameters in zip(datum_ids, rows, strict=True):
            self._assets.add_datum(datum_id, doc["resource"], parameters)
        self._arrivals.add_datums(datum_ids)

    def add_stream_datum(self, doc: Document) -> None:
        """Learn which frames of an external file belong to which events."""
        self.record("stream_datum", doc)
        stream, _ = self.descriptors[doc["descriptor"]]
        name, asset, frames = self._assets.of_stream_datum(doc, stream)
        self._arrivals.add_frames(stream, name, frames, doc.get("uid"))
        self._attempt(self._file.link_assets, stream, name, asset, frames)

    def add_comment(self, doc: Document) -> None:
        """Put a comment behind the events that came before it."""
        self._write_pages()
        self._attempt(
            partial(self._file.add_comment, at_end=doc["at_end"]), doc["text"], doc["time"]
        )

    def sync(self) -> None:
        """Bring to disk what came since the last time."""
        self._write_pages()
        if self._attempt.has_news:
            self._attempt.or_refuse("event", self._file.sync)
            self._attempt.has_news = False
            self._tell_of_paths()

    def finish(self, stop: Document | None) -> None:
        """Finish the file; `stop` is None when the run was never stopped."""
        if stop is not None:
            self.record("stop", stop)
        self._write_pages()
        self._tell_of_paths()
        if not self._attempt.is_late:
            self._close(stop)
        if not self._attempt.is_late:
            self._end()

    def _close(self, stop: Document | None) -> None:
        self._compare(stop)
        self._file.end_images(self.run, stop)
        if not self._attempt.or_refuse("stop", self._file.close, stop):
            self._attempt.or_refuse("stop", self._file.close, None)  # or it would stay open

    def _end(self) -> None:
        """Enter what became of the run, and do what remains."""
        self._ledger.open_files.pop(self.run.uid, None)
        self._ledger.events_of.pop(self.run.uid, None)
        work = None
        if not self._attempt.is_retired:
            self._ledger.runs_written += 1
            self._ledger.last_file = self._file.paths[0] if self._file.paths else None
            if self._ledger.last_file is not None:
                self._ledger.note_whole(self.run.uid, self._ledger.last_file)
            work = self._remaining_work()
        self._hand_over(work)

    def _compare(self, stop: Document | None) -> None:
        """Compare what came with what was promised; the file is marked when it is closed."""
        texts = self._arrivals.discrepancies(stop)
        if self.is_repeated:
            texts.append("the whole run came before in this session: keep one of its files")
        self._file.discrepancies = tuple(texts)
        if texts and self._file.paths:
            self._ledger.differ(self.run.uid, self.run.label, self._file.paths[0], texts)

    def _remaining_work(self) -> Work | None:
        """Return what is to be done later, when the file is complete."""
        try:
            return self._file.afterwards()
        except Exception as error:
            self._ledger.refuse("stop", error)
            return None

    def _hand_over(self, work: Work | None) -> None:
        """Have the rest done, and then tell those who wait for the run's files."""
        note = self._file.note
        if work is not None and self._file.paths:
            path = self._file.paths[0]
            self._afterwards.add(self.run.label, path, work, self._report, note=note)
            return
        if note is not None:  # the file was given up: `recover` finds both
            note.release()
        self._report()

    def _tell_of_paths(self) -> None:
        """Tell those who want to know which files the run has by now."""
        if not self._attempt.is_retired:
            paths = self._file.paths
            if len(paths) != self._files_told:
                self._files_told = len(paths)
                self._ledger.begin(self.run.start, paths)

    def _report(self, shortfalls: Sequence[Failure] = (), *, is_owed: bool = False) -> None:
        """Tell those who wait for it what became of the run; on any thread of the writer."""
        files, lost = self._file.paths, self._attempt.failure
        try:
            files = self._file.files() if lost is None and files else files
        except Exception as error:
            self._ledger.refuse("stop", error)
            cause = f"its files are not known: {type(error).__name__}: {error}"
            lost = Failure(time.time(), self.run.label, files[0], cause, remedy(error, files))
        report = RunReport(
            self._ledger.format_name,
            self.run.start,
            files=tuple(files),
            failures=(*((lost,) if lost else ()), *shortfalls),
            discrepancies=tuple(self._file.discrepancies),
            refused=self._ledger.documents_refused - self._refused_before,
            is_given_up=lost is not None,
            is_owed=is_owed,
        )
        self._ledger.report(report)

    def _write_pages(self) -> None:
        """Turn the events that wait into pages: a page has one descriptor, a stream one order."""
        pending, self._pending = self._pending, {}
        for waiting in pending.values():
            self._arrivals.add_events(self.descriptors[waiting[0]["descriptor"]][0], waiting)
            for uid, events in groupby(waiting, _DESCRIPTOR):
                stream, descriptor = self.descriptors[uid]
                try:
                    self._write_page(stream, self._page(stream, descriptor, list(events)))
                except Exception as error:
                    self._ledger.refuse("event", error)

    def _page(self, stream: Stream, descriptor: Descriptor, events: list[Document]) -> Page:
        """Return events as a page in which every value can be written."""
        try:
            page = stream.page(descriptor, events)
            if is_plain_page(page):
                return page
        except BaseException:  # a key that raises, before a format is asked
            pass
        return stream.page(descriptor, [self._replace("event", doc) for doc in events])

    def _replace(self, name: str, doc: Document) -> Document:
        """Return a document in which a text stands for each value that cannot be written."""
        doc, found = writable(doc)
        if found:
            self.tell_of_replaced(name, doc, found)
        return doc

    def _write_page(self, stream: Stream, page: Page) -> None:
        for name, asset, frames in self._assets.of_page(page):
            self._attempt(self._file.link_assets, stream, name, asset, frames)
        fault = self._fault_of(stream, page)
        if fault is None:
            self._count(stream, len(page))
        else:
            self._write_rows(stream, page, fault)

    def _write_rows(self, stream: Stream, page: Page, fault: BaseException) -> None:
        """Write a page event by event, and an event without the values that the format refuses.

        Where that does not help either, the fault is no value's: the file is given up.
        """
        is_one = len(page) == 1
        for event in events_of(page):
            found = fault if is_one else self._fault_of(stream, event)
            if found is not None and not self._write_without(stream, event, found):
                return self._attempt.give_up(found)
            self._count(stream, 1)
        return None

    def _write_without(self, stream: Stream, event: Page, fault: BaseException) -> bool:
        """Write an event with a text for the values at fault; return False if that fails too."""
        for fields in suspects(event):
            if self._fault_of(stream, without(event, fields, fault)) is None:
                found = [unwritable(name, event.data[name][0], fault) for name in fields]
                self._refused.tell("event", event_of(event), found, stream.name)
                return True
        return False

    def _fault_of(self, stream: Stream, page: Page) -> BaseException | None:
        return self._attempt.fault_of(self._file.write_events, stream, page)

    def _count(self, stream: Stream, events: int) -> None:
        stream.events += events
        if not self._attempt.is_retired:
            self._ledger.events_written += events
            self._events += events
            self._ledger.events_of[self.run.uid] = self._events


def _is_same(one: Document, other: Document) -> bool:
    try:
        return bool(one == other)
    except (ValueError, RecursionError):  # arrays have no single answer
        return False
