"""One run in CSV: the file, or files, that its documents go into."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...assets.asset import Asset, Frames
from ...contract.runfile import RunFile
from ...files import Place, replacing
from ...files.json_text import strict
from ...files.run_paths import claim, clean
from ...files.write_lock import Hold
from ...model.run import Descriptor, Document, Page, Run, Stream
from .datapackage import Package
from .settings import CsvSettings
from .stream import StreamTables

__all__ = ["CsvFile"]


_PACKAGE = ".datapackage.json"


_LONGEST_NAME = 240
"""Bytes of a file's name; file systems allow 255, and a file written anew has a few more."""


class CsvFile(RunFile[CsvSettings]):
    """The tables of one run and their package."""

    def __init__(self, settings: CsvSettings) -> None:
        super().__init__(settings)
        self._streams: dict[str, StreamTables] = {}
        self._documents: dict[str, Any] = {}
        self._tables: dict[tuple[str, str | None], Place] = {}
        self._names: set[str] = set()
        self._hold: Hold | None = None

    @property
    def paths(self) -> list[Path]:
        """The files made so far, the package first."""
        return [place.path for place in self.places]

    @property
    def places(self) -> list[Place]:
        """The files made so far, the package first."""
        return [*super().places, *self._tables.values()]

    def open(self, run: Run) -> None:
        """Make the package; it decides the name that all files of the run begin with."""
        self._run = run
        self._documents["start"] = strict(run.start)
        self._package = self.claim(run, _PACKAGE)
        self._describe("recording")

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Make the table of a new stream, or columns for new fields."""
        if stream.name not in self._streams:
            tables = StreamTables(stream, descriptor, self._claim_table, self.settings.dialect)
            self._streams[stream.name] = tables
        self._streams[stream.name].declare(descriptor)

    def write_events(self, stream: Stream, page: Page) -> None:
        """Add rows to the tables of a stream."""
        self._streams[stream.name].write(page)

    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Note a file that the package has to name."""
        self._streams[stream.name].link(field, asset)

    def sync(self) -> None:
        """Write the rows that came since, and the package when it has something new to say."""
        for tables in self._streams.values():
            tables.flush()
        if any(tables.has_news for tables in self._streams.values()):
            self._describe("recording")

    def close(self, stop: Document | None) -> None:
        """Finish the tables, then the package with their bytes and hashes."""
        for tables in self._streams.values():
            tables.close()
        if stop is not None:
            self._documents["stop"] = strict(stop)
        self._describe("never stopped" if stop is None else "complete", is_final=True)
        self._let_go()

    def abandon(self) -> None:
        """Let go of the tables, and say so in the package where that is still possible."""
        for tables in self._streams.values():
            tables.abandon()
        if self.paths:
            with suppress(OSError):
                self._describe("incomplete")
        self._let_go()

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.release()

    def _describe(self, state: str, *, is_final: bool = False) -> None:
        """Write the package anew, at once."""
        package = Package(
            self._run,
            state,
            self._documents,
            self.discrepancies,
            self.settings.unusual,
            is_final=is_final,
        )
        text = package.text(self.paths[0], self._streams.values())
        with replacing(self._package) as new:
            new.write(text)
        self._let_go()
        self._hold = Hold(self._package)  # the package is another file each time
        for tables in self._streams.values():
            tables.has_news = False

    def _claim_table(self, stream: str, field: str | None) -> Place:
        """Make the empty file of a stream, or of one of its fields, once.

        Names of streams and fields are documents' own: they are cleaned, cut, and numbered where
        they are equal then, on a file system that does not tell a from A too.
        """
        if (stream, field) not in self._tables:
            stem = self._package.name.removesuffix(_PACKAGE)
            ending = self.settings.ending
            room = _LONGEST_NAME - len(f"{stem}-{ending}".encode())
            parts = [stream] if field is None else [stream, field]
            name = self._free_name("-".join(map(_clean, parts)), room)
            table = claim(self._package.with_name(f"{stem}-{name}"), ending)
            self._names.add(name.casefold())
            self._tables[stream, field] = table
        return self._tables[stream, field]

    def _free_name(self, name: str, room: int) -> str:
        """Return a name that no table of the run has, in so many bytes."""
        free, number = _cut(name, room), 2
        while free.casefold() in self._names:
            free, number = f"{_cut(name, room - 4)}-{number}", number + 1
        return free


def _clean(name: str) -> str:
    """Return a name as part of a path; Data Package refuses paths that a shell would expand."""
    return re.sub("[$%]", "_", clean(name))


def _cut(name: str, length: int) -> str:
    return name.encode()[:length].decode(errors="ignore").rstrip()
