"""Who is measured: bluescribe's writers, their peers, and the floors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from . import floors
from .images import IMAGES
from .workloads import Workload

__all__ = ["ALL_FOUR", "CONTENDERS", "LIVE", "OF_IMAGES", "Contender", "Sink"]

_DRAIN_SECONDS = 600.0
"""A run's end waits until its file is complete, however fast the documents were pushed."""

_THREAD_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Sink:
    """Something that takes documents.

    Parameters
    ----------
    receive
        Takes ``(name, doc)``: what would be subscribed to the RunEngine.
    finish
        Returns when the files are complete.
    """

    receive: Callable[[str, dict[str, Any]], object]
    finish: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Contender:
    """One row of the tables.

    Parameters
    ----------
    name
        As it stands in the tables.
    family
        The format, which says who is compared with whom.
    side
        Whose it is.
    distribution
        The package that must be installed.
    make
        Imports it and makes one that writes into a folder.
    imports
        The statement that a user's startup file has.
    takes_pages
        Whether it has a handler for event_page.
    """

    name: str
    family: Literal["spec", "nexus", "csv", "jsonl", "json", "all", "copy", "none"]
    side: Literal["bluescribe", "peer", "floor"]
    distribution: str
    make: Callable[[Path], Sink]
    imports: str = ""
    takes_pages: bool = True

    @property
    def version(self) -> str:
        """Version of the package, as far as it is known."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return "not installed" if self.absence else "from this folder"

    @property
    def absence(self) -> str:
        """Say that the package is missing; empty when it is there."""
        try:
            is_there = find_spec(self.distribution.replace("-", ".")) is not None
        except ModuleNotFoundError:  # not even the package that it is in
            is_there = False
        return "" if is_there else f"{self.distribution} is not installed"

    def refusal(self, workload: Workload) -> str:
        """Return why this workload is not for it; empty when it is."""
        if self.absence:
            return self.absence
        if workload.page_rows and not self.takes_pages:
            return "has no handler for event_page"
        return ""


def _bluescribe(format_name: str) -> Callable[[Path], Sink]:
    def make(directory: Path) -> Sink:
        from bluescribe.formats import load_format

        writer = load_format(format_name)(directory, drain_timeout=_DRAIN_SECONDS)
        writer.begin_early()  # as subscribe_writers does
        return Sink(writer.receiver, writer.close)

    return make


def _all_four(directory: Path) -> Sink:
    from bluescribe.formats import load_format
    from bluescribe.session import Writers

    names = ("spec", "nexus", "csv", "jsonl")
    each = {name: load_format(name)(directory, drain_timeout=_DRAIN_SECONDS) for name in names}
    writers = Writers(each)
    for writer in each.values():
        writer.begin_early()  # as subscribe_writers does
    return Sink(writers.receiver, writers.close)


def _nxwriter(directory: Path) -> Sink:
    from apstools.callbacks import NXWriter

    writer = NXWriter()
    writer.file_path = directory
    writer.warn_on_missing_content = False
    running = set(threading.enumerate())

    def finish() -> None:
        """Wait for its thread; `wait_writer` looks every half second only."""
        for thread in set(threading.enumerate()) - running:
            if not thread.daemon:  # ophyd's own run as long as the process
                thread.join(_THREAD_SECONDS)

    return Sink(writer.receiver, finish)


def _spec_callback(directory: Path) -> Sink:
    from apstools.callbacks import SpecWriterCallback2

    writer = SpecWriterCallback2()
    writer.spec_filename = directory / "peer.dat"
    return Sink(writer.receiver, _nothing)


def _apstools_two(directory: Path) -> Sink:
    nexus, spec = _nxwriter(directory), _spec_callback(directory)

    def receive(name: str, doc: dict[str, Any]) -> None:
        nexus.receive(name, doc)
        spec.receive(name, doc)

    return Sink(receive, nexus.finish)


def _suitcase(module: str) -> Callable[[Path], Sink]:
    def make(directory: Path) -> Sink:
        from importlib import import_module

        serializer = import_module(f"suitcase.{module}").Serializer(str(directory))
        # csv and jsonl close at the stop, and csv does not survive a second close
        return Sink(serializer, serializer.close if module == "specfile" else _nothing)

    return make


def _bluesky(name: str) -> Callable[[Path], Sink]:
    def make(directory: Path) -> Sink:
        from bluesky.callbacks import json_writer

        return Sink(getattr(json_writer, name)(str(directory)), _nothing)

    return make


def _floor(kind: Callable[[Path], Any]) -> Callable[[Path], Sink]:
    def make(directory: Path) -> Sink:
        sink = kind(directory)
        return Sink(sink, sink.close)

    return make


def _nobody(_directory: Path) -> Sink:
    return Sink(lambda _name, _doc: None, _nothing)


def _nothing() -> None:
    """Finish what is finished already."""


ALL_FOUR = Contender(
    "bluescribe, all four",
    "all",
    "bluescribe",
    "bluescribe",
    _all_four,
    "from bluescribe import subscribe_writers",
)

CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender(
            "NexusWriter",
            "nexus",
            "bluescribe",
            "bluescribe",
            _bluescribe("nexus"),
            "from bluescribe import NexusWriter",
        ),
        Contender("h5py in blocks", "nexus", "floor", "h5py", _floor(floors.HdfBlocks)),
        Contender("log, h5py in blocks", "nexus", "floor", "h5py", _floor(floors.LogAndBlocks)),
        Contender(
            "apstools NXWriter",
            "nexus",
            "peer",
            "apstools",
            _nxwriter,
            "from apstools.callbacks import NXWriter",
            takes_pages=False,
        ),
        Contender(
            "JsonlWriter",
            "jsonl",
            "bluescribe",
            "bluescribe",
            _bluescribe("jsonl"),
            "from bluescribe import JsonlWriter",
        ),
        Contender("orjson append", "jsonl", "floor", "orjson", _floor(floors.JsonLines)),
        Contender(
            "suitcase.jsonl",
            "jsonl",
            "peer",
            "suitcase-jsonl",
            _suitcase("jsonl"),
            "from suitcase.jsonl import Serializer",
        ),
        Contender(
            "bluesky JSONLinesWriter",
            "jsonl",
            "peer",
            "bluesky",
            _bluesky("JSONLinesWriter"),
            "from bluesky.callbacks.json_writer import JSONLinesWriter",
        ),
        Contender(
            "bluesky JSONWriter",
            "json",
            "peer",
            "bluesky",
            _bluesky("JSONWriter"),
            "from bluesky.callbacks.json_writer import JSONWriter",
        ),
        Contender(
            "CsvWriter",
            "csv",
            "bluescribe",
            "bluescribe",
            _bluescribe("csv"),
            "from bluescribe import CsvWriter",
        ),
        Contender(
            "suitcase.csv",
            "csv",
            "peer",
            "suitcase-csv",
            _suitcase("csv"),
            "from suitcase.csv import Serializer",
        ),
        Contender(
            "SpecWriter",
            "spec",
            "bluescribe",
            "bluescribe",
            _bluescribe("spec"),
            "from bluescribe import SpecWriter",
        ),
        Contender(
            "apstools SpecWriterCallback2",
            "spec",
            "peer",
            "apstools",
            _spec_callback,
            "from apstools.callbacks import SpecWriterCallback2",
            takes_pages=False,
        ),
        Contender(
            "suitcase.specfile",
            "spec",
            "peer",
            "suitcase-specfile",
            _suitcase("specfile"),
            "from suitcase.specfile import Serializer",
        ),
        ALL_FOUR,
        Contender(
            "copy of each event",
            "copy",
            "floor",
            "numpy",
            _floor(floors.EventCopies),
            takes_pages=False,
        ),
    )
}

LIVE = {
    contender.name: contender
    for contender in (
        Contender("no writer", "none", "floor", "bluesky", _nobody),
        ALL_FOUR,
        Contender(
            "apstools NXWriter + SpecWriterCallback2", "none", "peer", "apstools", _apstools_two
        ),
    )
}

OF_IMAGES = {
    name: Contender(
        name, "none", "floor" if settings is None else "bluescribe", "ophyd_async", _nobody
    )
    for name, settings in IMAGES.items()
}
"""What becomes of images; `images` makes detector and writer itself."""
