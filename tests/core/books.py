"""A format that keeps what comes, and documents for it."""

from __future__ import annotations

import logging
from typing import Any

import event_model

from bluescribe.contract.runfile import RunFile
from bluescribe.contract.session import FormatSession
from bluescribe.contract.settings import WriterSettings
from bluescribe.recording.account import Account
from bluescribe.recording.post_run import PostRunJobs
from bluescribe.recording.recorder import Recorder


class Book(RunFile):
    """Keep what comes; raise what `faults` has ready for a method."""

    def __init__(self, folder, books, faults):
        super().__init__(
            WriterSettings.validated("book", {"directory": folder, "file_name": "{uid}"})
        )
        self.calls, self.rows, self._faults = [], [], faults
        books.append(self)

    def _called(self, method, *what):
        faults = self._faults.get((self.uid, method), self._faults.get(method, []))
        if faults:
            raise faults.pop(0)
        self.calls.append((method, *what))

    def open(self, run):
        self.uid = run.uid
        self._called("open")
        self.claim(run, ".book").path.write_bytes(b"book")

    def record(self, name, doc):
        self._called("record", name)

    def add_descriptor(self, stream, descriptor):
        self._called("add_descriptor", stream.name, descriptor.uid)

    def write_events(self, stream, page):
        self._called("write_events", stream.name, list(page.seq_num))
        self.rows += [(stream.name, page.descriptor.uid, n) for n in page.seq_num]

    def link_assets(self, stream, field, asset, frames):
        self._called("link_assets", stream.name, field, asset.uid, frames)

    def sync(self):
        self._called("sync")

    def close(self, stop):
        self._called("close", stop and stop["exit_status"])

    def abandon(self):
        self._called("abandon")

    def did(self, method):
        return [call[1:] for call in self.calls if call[0] == method]


class Journal(Book):
    takes_pages = False


class Shelf(FormatSession[WriterSettings]):
    """Makes books for a router."""

    def __init__(self, make):
        super().__init__(WriterSettings.validated("book", {}), Book)
        self._make = make

    def new_file(self):
        return self._make()


class Play:
    """A router with the books that it fills."""

    def __init__(self, folder, kind=Book, retry_seconds=5.0):
        self.books: list[Book] = []
        self.faults: dict[Any, list[Any]] = {}
        self.account = Account("book")
        self.router = Recorder(
            Shelf(lambda: kind(folder, self.books, self.faults)),
            retry_seconds=retry_seconds,
            account=self.account,
            post_run=PostRunJobs(self.account),
        )

    def __call__(self, *documents):
        for name, doc in documents:
            self.router.receive(name, doc)
        return self

    def book(self, uid):
        (book,) = [book for book in self.books if book.uid == uid]
        return book


KEY = {"dtype": "number", "shape": [], "source": "x"}
IMAGE = {"dtype": "array", "shape": [2], "source": "x", "external": "FILE:"}


def start(uid="run"):
    return "start", {"uid": uid, "time": 1.0, "scan_id": 7}


def descriptor(uid="d", run="run", name="primary", **keys):
    doc = {"uid": uid, "run_start": run, "time": 1.0, "name": name, "data_keys": keys or {"x": KEY}}
    return "descriptor", doc


def event(seq_num=1, of="d", **data):
    data = data or {"x": seq_num / 2}
    doc = {"uid": f"{of}-{seq_num}", "descriptor": of, "seq_num": seq_num, "time": 1.0}
    return "event", {**doc, "data": data, "timestamps": dict.fromkeys(data, 1.0)}


def page(*seq_nums, of="d"):
    docs = [event(n, of)[1] for n in seq_nums]
    events: list[Any] = [{**doc, "filled": {}} for doc in docs]
    return "event_page", event_model.pack_event_page(*events)


def resource(uid="r", run="run"):
    doc = {"uid": uid, "run_start": run, "spec": "AD_HDF5", "root": "/", "resource_path": "a.h5"}
    return "resource", {**doc, "resource_kwargs": {}} if run else {**doc, "run_start": None}


def datum(number=0, of="r"):
    return "datum", {"datum_id": f"{of}/{number}", "resource": of, "datum_kwargs": {}}


def stop(run="run"):
    return "stop", {
        "uid": f"stop of {run}",
        "run_start": run,
        "time": 2.0,
        "exit_status": "success",
    }


def told(caplog, level=logging.WARNING):
    return [r.getMessage() for r in caplog.records if r.levelno >= level]
