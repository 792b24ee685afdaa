"""Stretch: a part of the log, which a process of its own reads instead of being told of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from ..files import Place
from .records import records
from .rows import Unpacker
from .segment import NOTE, entries_of, learn_forms

__all__ = ["Stretch", "StretchReader"]


@dataclass(slots=True, eq=False)
class Stretch:
    """Whole records of one segment, with what was asked left out."""

    path: Path
    """The segment."""
    start: int
    end: int
    documents: int = 0
    """How many are in it, for those who count what waits."""


class StretchReader:
    """Reads parts of segments, one after the other; forms of events are known from those before."""

    def __init__(self) -> None:
        self._place: Place | None = None
        self._unpacker = Unpacker()
        self._known = 0
        """Up to where the forms of the segment are known."""

    def read(self, path: Path, start: int, end: int, key: str) -> Iterator[tuple[str, Any]]:
        """Yield the documents of a stretch.

        Parameters
        ----------
        path
            The segment.
        start, end
            Between which records.
        key
            What the lane is called in the log: what is of another one is left out.

        Raises
        ------
        OSError
            It cannot be read.
        """
        if self._place is None or path != self._place.path:
            self._place, self._unpacker, self._known = Place.at(path), Unpacker(), 0
        with self._place.open() as file:
            if self._known < start:
                before = takewhile(lambda record: record.end <= start, records(file, self._known))
                learn_forms(before, self._unpacker)
            for (name, doc, whose), _ in entries_of(records(file, start), self._unpacker, end):
                if whose in ("", key) and not name.startswith(NOTE):
                    yield name, doc
        self._known = max(self._known, end)
