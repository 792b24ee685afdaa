"""PageWriter: the events of one run gather into pages, and pages go into its file.

A page that the format cannot take goes event by event, and an event without the values at fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from ..assets.book import AssetBook
from ..contract.runfile import RunFile
from ..model.plain_values import is_plain_page
from ..model.run import Descriptor, Document, Page, Run, Stream
from ..model.writable import Unwritable, writable
from .account import Account
from .arrivals import Arrivals
from .failed_page import event_of, events_of, suspects, unwritable, without
from .replaced_values import Replaced
from .retry import Retry

__all__ = ["PageWriter"]

_DESCRIPTOR = itemgetter("descriptor")


class PageWriter:
    """Writes the events of one run.

    Parameters
    ----------
    run, file
        The run and its file.
    retry
        Calls the methods of the file.
    account
        Is told how many events were written, and what is refused.
    assets
        Knows the external files of the run.
    arrivals
        Counts what came.
    """

    def __init__(
        self,
        run: Run,
        file: RunFile[Any],
        *,
        retry: Retry,
        account: Account,
        assets: AssetBook,
        arrivals: Arrivals,
    ) -> None:
        self.descriptors: dict[str, tuple[Stream, Descriptor]] = {}
        """What was declared, by the uid of the descriptor."""
        self.events = 0
        """Those that stand in the account of the writer."""
        self._uid = run.uid
        self._file = file
        self._retry = retry
        self._account = account
        self._assets = assets
        self._arrivals = arrivals
        self._pending: dict[str, list[Document]] = {}
        """Events that wait to become pages, by stream."""
        self._replaced = Replaced(run)
        self._refused = Replaced(run, account.format_name)

    def add(self, stream: Stream, event: Document) -> None:
        """Keep an event until its batch is over."""
        self._pending.setdefault(stream.name, []).append(event)

    def write_pending(self) -> None:
        """Turn the events that wait into pages: a page has one descriptor, a stream one order."""
        pending, self._pending = self._pending, {}
        for waiting in pending.values():
            self._arrivals.add_events(self.descriptors[waiting[0]["descriptor"]][0], waiting)
            for uid, events in groupby(waiting, _DESCRIPTOR):
                stream, descriptor = self.descriptors[uid]
                try:
                    self.write(stream, self._page(stream, descriptor, list(events)))
                except Exception as error:
                    self._account.refuse("event", error)

    def _page(self, stream: Stream, descriptor: Descriptor, events: list[Document]) -> Page:
        """Return events as a page in which every value can be written."""
        try:
            page = stream.page(descriptor, events)
            if is_plain_page(page):
                return page
        except BaseException:  # a key that raises, before a format is asked
            pass
        return stream.page(descriptor, [self.replace("event", doc) for doc in events])

    def replace(self, name: str, doc: Document) -> Document:
        """Return a document in which a text stands for each value that cannot be written."""
        doc, found = writable(doc)
        if found:
            self.log_replaced(name, doc, found)
        return doc

    def log_replaced(self, name: str, doc: Document, found: Sequence[Unwritable]) -> None:
        """Log values of a document in whose place a text is written."""
        stream, _ = self.descriptors.get(str(doc.get("descriptor")), (None, None))
        self._replaced.tell(name, doc, found, stream.name if stream else "")

    def write(self, stream: Stream, page: Page) -> None:
        """Write a page, and name the external files in which its images are."""
        for name, asset, frames in self._assets.of_page(page):
            self._retry(self._file.link_assets, stream, name, asset, frames)
        fault = self._fault_of(stream, page)
        if fault is None:
            self.count(stream, len(page))
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
                return self._retry.give_up(found)
            self.count(stream, 1)
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
        return self._retry.fault_of(self._file.write_events, stream, page)

    def count(self, stream: Stream, events: int) -> None:
        """Enter events that were written."""
        stream.events += events
        if not self._retry.is_retired:
            self.events += events
            self._account.count_events(self._uid, events, self.events)
