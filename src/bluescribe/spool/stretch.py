"""Stretch: a part of the log, which a process of its own reads instead of being told of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from .problems import BrokenSpoolError
from .records import records
from .rows import Unpacker
from .segment import NOTE, counted, entries_of, learn_forms

__all__ = ["Stretch", "StretchReader"]


@dataclass(slots=True, eq=False)
class Stretch:
    """Whole records of one segment, with what was asked left out."""

    segment: int
    start: int
    end: int
    documents: int = 0
    """How many are in it, for those who count what waits."""


class StretchReader:
    """Reads parts of segments, one after the other; forms of events are known from those before."""

    def __init__(self) -> None:
        self._file: io.FileIO | None = None
        self._unpacker = Unpacker()
        self._known = 0
        """Up to where the forms of the segment are known."""

    def close(self) -> None:
        """Close the segment; whatever a disk says to that, nothing was written by it."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def take(self, fd: int) -> None:
        """Read in a segment from now on, and close it when another one comes."""
        self.close()
        self._file, self._unpacker, self._known = io.FileIO(fd), Unpacker(), 0

    def read(self, start: int, end: int, key: str) -> Iterator[tuple[str, Any]]:
        """Yield the documents of a stretch.

        Parameters
        ----------
        start, end
            Between which records.
        key
            What the lane is called in the log: what is of another one is left out.

        Raises
        ------
        OSError
            It cannot be read.
        BrokenSpoolError
            It ends before the stretch does.
        """
        assert self._file is not None  # it was given before
        # a buffer of its own: behind the stretch, somebody writes, and may take it back
        file = io.BufferedReader(self._file)
        try:
            if self._known < start:
                before = takewhile(lambda record: record.end <= start, records(file, self._known))
                learn_forms(before, self._unpacker)
            found = counted(records(file, start), ends := [start])
            for (name, doc, whose), _ in entries_of(found, self._unpacker, end):
                if whose in ("", key) and not name.startswith(NOTE):
                    yield name, doc
        finally:
            file.detach()
        if ends[0] < end:
            raise BrokenSpoolError(f"a record at {ends[0]} is damaged, or is not there")
        self._known = max(self._known, end)
