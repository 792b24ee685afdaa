"""Recording: one run on its way into its file.

It resolves events to pages of a stream, and hands over all else as it comes. What the disk refuses
is tried again, and a file given up when nothing helps: the other runs and writers go on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..assets.book import AssetBook, datum_rows
from ..contract.runfile import RunFile
from ..errors import DocumentError
from ..model.grammar import check_event, check_event_page
from ..model.plain_values import is_plain, is_plain_event
from ..model.run import Descriptor, Document, Run
from ..model.times import page_with_seconds, with_seconds
from ..model.told import mapping_of
from ..model.writable import Unwritable
from ..spool.event_columns import EventColumns
from ..spool.event_rows import EventRows
from .account import Account
from .arrivals import Arrivals
from .pages import PageWriter
from .post_run import PostRunJobs
from .reporter import RunReporter
from .retry import Retry

__all__ = ["Recording"]

logger = logging.getLogger(__name__)


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
    account
        Is told what was written and what failed.
    post_run
        Does what remains when the file is complete.
    """

    def __init__(
        self,
        run: Run,
        file: RunFile[Any],
        *,
        retry_seconds: float,
        account: Account,
        post_run: PostRunJobs,
    ) -> None:
        self.run = run
        self.resources: dict[str, Document] = {}
        self._file = file
        self._retry = Retry(run, file, retry_seconds=retry_seconds, account=account)
        self._account = account
        self._assets = AssetBook(file.locate)
        self._arrivals = Arrivals(run, self._assets.knows)
        self._pages = PageWriter(
            run,
            file,
            retry=self._retry,
            account=account,
            assets=self._assets,
            arrivals=self._arrivals,
        )
        self._reporter = RunReporter(run, file, self._retry, account, post_run)
        self.descriptors = self._pages.descriptors
        self._files_told = -1
        self.is_repeated = False
        """Whether a run of this uid was finished before."""

    @property
    def is_late(self) -> bool:
        """Whether its file failed, and the run is to be written anew from the spool."""
        return self._retry.is_late

    @property
    def is_given_up(self) -> bool:
        """Whether its file failed, and nothing will be written."""
        return self._retry.failure is not None

    def give_up(self, error: Exception) -> None:
        """Tell that a run that is late cannot be written from the spool either."""
        self._retry.lose(error)
        self._reporter.report()

    def discard(self) -> None:
        """Remove what was written of a run that is late.

        Raises
        ------
        OSError
            The folder is still away.
        """
        self._file.discard()
        self._account.events_written -= self._pages.events
        self._account.events_of.pop(self.run.uid, None)
        self._pages.events = 0

    def notify_written(self) -> None:
        """Tell that a run that was late is in its file now."""
        self._retry.notify_written()

    @property
    def folder(self) -> Path | None:
        """Where the main file is; None while there is none."""
        return self._file.paths[0].parent if self._file.paths else None

    def open(self) -> None:
        """Make the file and record the start document, if the format accepts the run."""
        self.run.check_time()
        self._retry(self._open)
        if self._file.paths and not self._retry.is_retired:
            self._account.open_files[self.run.uid] = self._file.paths[0]
        self.record("start", self.run.start)
        self._notify_paths()

    def foresee(self, stop: Document) -> None:
        """Learn that the stop document is here, behind what else there is of the run."""
        self._file.is_ending = True
        told = mapping_of(stop.get("num_events"))
        self.run.promised = {k: n for k, n in told.items() if type(n) is int and n > 0}

    def _open(self) -> None:
        if self._is_accepted():
            self._file.open(self.run)
        else:
            self._retry.is_retired = True

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
        return self._retry.or_refuse(name, self._file.record, name, doc)

    def log_replaced(self, name: str, doc: Document, found: Sequence[Unwritable]) -> None:
        """Log values of a document in whose place a text is written."""
        self._pages.log_replaced(name, doc, found)

    def add_descriptor(self, doc: Document) -> Descriptor:
        """Declare a stream, or reconfigure it."""
        if doc.get("uid") in self.descriptors:
            if not self.descriptors[doc["uid"]][1].says(doc):
                self.record("descriptor", doc)  # a journal has what both say
            raise DocumentError(f"descriptor {doc['uid'][:7]} of {self.run.label} came twice")
        self.record("descriptor", doc)
        self._pages.write_pending()
        stream, descriptor = self.run.add_descriptor(doc)
        self._arrivals.add_descriptor(descriptor)
        self.descriptors[descriptor.uid] = stream, descriptor
        self._retry(self._file.add_descriptor, stream, descriptor)
        return descriptor

    def add_event(self, doc: Document) -> None:
        """Keep an event until its batch is over; then it goes on in a page."""
        stream, _ = self.descriptors[doc["descriptor"]]
        if self._file.takes_pages:
            event = with_seconds(doc, stream.name)
            check_event(event)
            self._pages.add(stream, event)
        else:
            if not is_plain_event(doc):
                doc = self._pages.replace("event", doc)
            self._record_event(doc)
            self._pages.count(stream, 1)
            self._arrivals.add_events(stream, [doc])

    def _record_event(self, doc: Document) -> None:
        """Record an event as it came; again, if something in it raised that is not its values."""
        fault = self._retry.fault_of(self._file.record, "event", doc)
        if fault is not None and is_plain(doc):
            self._retry.give_up(fault)
        elif fault is not None:
            self._retry(self._file.record, "event", self._pages.replace("event", doc))

    def add_rows(self, rows: EventRows) -> bool:
        """Add events that are alike in one step; return False if they go one by one."""
        if self._file.takes_pages:
            if rows.page is None:
                return False
            self.add_event_page(rows.page, is_sent=False)
        else:
            if not rows.form.fits_page:
                return False
            self._record_events(rows)
        return True

    def _record_events(self, rows: EventRows) -> None:
        """Record events as they came; numbers, as theirs are, can be written."""
        stream, _ = self.descriptors[rows.descriptor]
        taken = []
        for doc in rows.events():
            try:
                self._record_event(doc)
            except DocumentError as error:
                self._account.refuse("event", error)
            else:
                taken.append(doc)
        if taken:
            self._pages.count(stream, len(taken))
            self._arrivals.add_events(stream, taken)

    def add_columns(self, columns: EventColumns) -> None:
        """Add a page whose columns are packed: as they are to a format that takes them so."""
        self.add_event_page(columns.typed_page if self._file.takes_typed_columns else columns.page)

    def add_event_page(self, doc: Document, *, is_sent: bool = True) -> None:
        """Write a page as it came, or made of events that came one by one."""
        stream, descriptor = self.descriptors[doc["descriptor"]]
        timed = page_with_seconds(doc, stream.name)
        check_event_page(timed)
        if self._file.takes_pages:
            self._pages.write_pending()
            self._pages.write(stream, stream.page_of(descriptor, timed, is_sent=is_sent))
        elif self.record("event_page", doc):
            self._pages.count(stream, len(doc["seq_num"]))
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
        self._retry(self._file.link_assets, stream, name, asset, frames)

    def control(self, doc: Document) -> None:
        """Hand over a control record, behind the events that came before it."""
        self._pages.write_pending()
        self._retry(self._file.control, doc["verb"], doc)

    def write_pending(self) -> None:
        """Write the events that wait to become pages."""
        self._pages.write_pending()

    def sync(self) -> None:
        """Bring to disk what came since the last time."""
        self._pages.write_pending()
        if self._retry.has_news:
            self._retry.or_refuse("event", self._file.sync)
            self._retry.has_news = False
            self._notify_paths()

    def finish(self, stop: Document | None) -> None:
        """Finish the file; `stop` is None when the run was never stopped."""
        self._reporter.stop = stop
        self._file.is_ending = True
        if stop is not None:
            self.record("stop", stop)
        self._pages.write_pending()
        self._notify_paths()
        if not self._retry.is_late:
            self._close(stop)
        if not self._retry.is_late:
            self._reporter.end()

    def _close(self, stop: Document | None) -> None:
        if not self._account.has_left(self.run.uid):
            self._compare(stop)
        self._file.end_images(self.run, stop)
        if not self._retry.or_refuse("stop", self._file.close, stop):
            self._retry.or_refuse("stop", self._file.close, None)  # or it would stay open

    def _compare(self, stop: Document | None) -> None:
        """Compare what came with what was promised; the file is marked when it is closed."""
        texts = self._arrivals.discrepancies(stop)
        if self.is_repeated:
            texts.append("the whole run came before in this session: keep one of its files")
        self._file.discrepancies = tuple(texts)
        if texts and self._file.paths:
            self._account.differ(self.run.uid, self.run.label, self._file.paths[0], texts)

    def _notify_paths(self) -> None:
        """Tell those who want to know which files the run has by now."""
        if not self._retry.is_retired:
            paths = self._file.paths
            if len(paths) != self._files_told:
                self._files_told = len(paths)
                self._account.begin(self.run.start, paths)
