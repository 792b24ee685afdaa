"""Stretch: a part of the log that a process of its own reads, instead of being sent documents."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from .entries import NOTE, counted, entries_of, learn_forms
from .problems import BrokenSpoolError
from .records import records
from .rows import Unpacker

__all__ = ["Stretch", "StretchReader"]


@dataclass(slots=True, eq=False)
class Stretch:
    """Whole records of one segment; requests are not among them."""

    segment: int
    start: int
    end: int
    documents: int = 0
    """How many documents are in it, for the count of those that wait."""

    def leads_to(self, other: Stretch) -> bool:
        """Return whether another one begins where this one ends."""
        return (self.segment, self.end) == (other.segment, other.start)


class StretchReader:
    """Reads stretches one after the other; it knows the forms of events from earlier ones."""

    def __init__(self) -> None:
        self._file: io.FileIO | None = None
        self._unpacker = Unpacker()
        self.at = 0
        """Where the record ends that was read last."""
        self._known = 0
        """Offset up to which the forms of the segment are known."""

    def close(self) -> None:
        """Close the segment; an error is of no matter, as nothing was written."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def take(self, fd: int) -> None:
        """Read this segment from now on, and close the former one."""
        self.close()
        self._file, self._unpacker, self._known = io.FileIO(fd), Unpacker(), 0

    def read(self, start: int, end: int, key: str) -> Iterator[tuple[str, Any]]:
        """Yield the documents of a stretch.

        Parameters
        ----------
        start, end
            Offsets of the records at which it begins and ends.
        key
            Name of the lane in the log: entries of another lane are left out.

        Raises
        ------
        OSError
            It cannot be read.
        BrokenSpoolError
            It ends before the stretch does.
        """
        assert self._file is not None  # it was given before
        # a new buffer each time: the session writes behind the stretch, and may truncate there
        file = io.BufferedReader(self._file)
        try:
            if self._known < start:
                before = takewhile(lambda record: record.end <= start, records(file, self._known))
                learn_forms(before, self._unpacker)
            found = counted(records(file, start), ends := [start])
            for (name, doc, whose), place in entries_of(found, self._unpacker, end):
                self.at = place
                if whose in ("", key) and not name.startswith(NOTE):
                    yield name, doc
        finally:
            file.detach()
        if ends[0] < end:
            raise BrokenSpoolError(f"a record at {ends[0]} is damaged, or is not there")
        self._known = max(self._known, end)
