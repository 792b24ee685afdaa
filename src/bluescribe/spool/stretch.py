"""Stretch: a part of the log, which a process of its own reads instead of being told of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, BinaryIO

from .records import records
from .rows import Unpacker
from .segment import NOTE, entries_of, learn_forms

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
        self._file: BinaryIO | None = None
        self._unpacker = Unpacker()
        self._known = 0
        """Up to where the forms of the segment are known."""

    def close(self) -> None:
        """Close the segment."""
        if self._file is not None:
            self._file.close()

    def take(self, fd: int) -> None:
        """Read in a segment from now on, and close it when another one comes."""
        self.close()
        self._file, self._unpacker, self._known = os.fdopen(fd, "rb"), Unpacker(), 0

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
        """
        assert self._file is not None  # it was given before
        if self._known < start:
            before = takewhile(lambda record: record.end <= start, records(self._file, self._known))
            learn_forms(before, self._unpacker)
        for (name, doc, whose), _ in entries_of(records(self._file, start), self._unpacker, end):
            if whose in ("", key) and not name.startswith(NOTE):
                yield name, doc
        self._known = max(self._known, end)
