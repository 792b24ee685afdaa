"""The rows of a scan, with the spectra and the comments that follow each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import orjson

from ...model.numbers import numbers_of
from ...model.run import Page
from ...model.values import Array, as_array
from .columns import EPOCH, Column, Layout, Spectrum
from .digits import BEYOND, digits, pointed, spectra
from .lines import comment, literal

__all__ = ["Rows"]

Cells = list[int | float | None]
Notes = dict[int, list[bytes]]
"""What follows each row of a page."""


class Rows:
    """Turn pages of events into rows.

    What a row cannot hold is told in a comment behind it, ``from row 3: "shutter" = "open"``.
    What is told holds until something else is: a text that stays is written once.

    Parameters
    ----------
    layout
        The columns and the spectra.
    epoch
        Seconds of ``#E``. The column ``Epoch`` counts from there, because silx's spech5 keeps
        columns in single precision.
    are_apart
        Whether comments stand elsewhere than between the rows.
    """

    def __init__(self, layout: Layout, epoch: int, *, are_apart: bool = False) -> None:
        self.count = 0
        self.comments: list[bytes] = []
        """What is told apart from the rows, for whoever takes it from here."""
        self._are_apart = are_apart
        self._layout = layout
        self._epoch = epoch
        self._fields: dict[str, None] = {}
        """All that came, in order: what is told of a row does not depend on the rows beside it."""
        self._begun: set[str] = set()
        """Fields that are told of in comments, and have had a value."""
        self._told: dict[str, str] = {}
        self._non_finite: set[str] = set()

    def block(self, page: Page) -> bytes:
        """Return the lines of a page's events."""
        cells = [self._cells(column, page) for column in self._layout.columns]
        lines, is_finite = _lines(cells)
        notes: Notes = {}
        for spectrum in self._layout.spectra:
            self._add_spectra(notes, spectrum, page)
        for column, values in zip(self._layout.columns, cells, strict=True):
            if not is_finite:
                self._note_non_finite(notes, column.label, values)
            name = column.name
            if name is not None and (None in values or name in self._told):
                self._note_values(notes, name, page, [v is not None for v in values])
        self._note_others(notes, page)
        if self._are_apart:
            self.comments += _taken_comments(notes)
        self.count += len(page)
        return b"\n".join(_interleaved(lines, notes)) + b"\n" if lines else b""

    def _cells(self, column: Column, page: Page) -> Cells:
        if column.name is None:
            return self._own_cells(column, page)
        values = page.data.get(column.name)
        return [None] * len(page) if values is None else numbers_of(values, column.codes, BEYOND)

    def _own_cells(self, column: Column, page: Page) -> Cells:
        if column.label == EPOCH:
            return [float(second) - self._epoch for second in page.time]
        return [int(number) for number in page.seq_num]

    def _add_spectra(self, notes: Notes, spectrum: Spectrum, page: Page) -> None:
        """Put an ``@A`` line behind each row: readers count on as many behind every row."""
        if not spectrum.is_field:
            return self._add_further_scalars(notes, spectrum, page)
        name = spectrum.names[0]
        channels = spectra(_values(page, name))
        for row, text in enumerate(channels):
            notes.setdefault(row, []).append(b"@A " + (text or b""))
        if None in channels or name in self._told:
            self._note_values(notes, name, page, [text is not None for text in channels])
        return None

    def _add_further_scalars(self, notes: Notes, spectrum: Spectrum, page: Page) -> None:
        columns = [numbers_of(_values(page, name), {}, BEYOND) for name in spectrum.names]
        channels = [_scalars(row) for row in zip(*columns, strict=True)]
        for row, text in enumerate(channels):
            notes.setdefault(row, []).append(b"@A " + (text or b""))
        for name, column in zip(spectrum.names, columns, strict=True):
            if None in column or None in channels or name in self._told:
                held = [
                    v is not None and bool(text) for v, text in zip(column, channels, strict=True)
                ]
                self._note_values(notes, name, page, held)

    def _note_others(self, notes: Notes, page: Page) -> None:
        """Tell the values of fields that are neither columns nor spectra."""
        inside = {column.name for column in self._layout.columns}
        inside.update(name for spectrum in self._layout.spectra for name in spectrum.names)
        self._fields |= dict.fromkeys(page.data)
        for name in self._fields:
            is_known = name in page.data or name in self._told
            if is_known and name not in inside and not self._is_elsewhere(name, page):
                self._note_values(notes, name, page, self._before_first(name, page))

    def _before_first(self, name: str, page: Page) -> list[bool]:
        """Tell which rows come before a field's first value: there is nothing to tell of them.

        Events without the field are None in a page in which others have it.
        """
        if name in self._begun:
            return [False] * len(page)
        rows = [value is not None for value in _values(page, name)]
        first = rows.index(True) if True in rows else len(rows)
        if True in rows:
            self._begun.add(name)
        return [row < first for row in range(len(rows))]

    def _is_elsewhere(self, name: str, page: Page) -> bool:
        """Tell whether values are in files that comments name, and not filled into the events."""
        if name not in self._layout.external or name in self._told:
            return False
        return all(value is None or isinstance(value, str) for value in _values(page, name))

    def _note_values(self, notes: Notes, name: str, page: Page, held: Sequence[bool]) -> None:
        """Tell the values that their rows do not hold, where they change."""
        before: Any = _NOTHING
        for row, (value, is_held) in enumerate(zip(_values(page, name), held, strict=True)):
            if isinstance(value, str) and isinstance(before, str) and value == before:
                continue
            before = _NOTHING if is_held else value
            text = "" if is_held else _described(value)
            if text != self._told.get(name, ""):
                told = text or "is in the rows again"
                line = comment(f"from row {self.count + row + 1}: {literal(name)} {told}")
                notes.setdefault(row, []).append(line[:-1])
                self._told[name] = text
                if not text:
                    del self._told[name]

    def _note_non_finite(self, notes: Notes, label: str, values: Cells) -> None:
        """Tell once of a column that it is not always finite."""
        if label in self._non_finite:
            return
        for row, value in enumerate(values):
            if value is not None and not math.isfinite(value):
                self._non_finite.add(label)
                line = comment(
                    f"from row {self.count + row + 1}: {literal(label)} is not always finite; "
                    "nan and inf stand as they were measured, and silx reads them as 0"
                )
                notes.setdefault(row, []).append(line[:-1])
                return


_NOTHING = object()


def _values(page: Page, name: str) -> Sequence[Any] | Array:
    values = page.data.get(name)
    return [None] * len(page) if values is None else values


def _lines(cells: list[Cells]) -> tuple[list[bytes], bool]:
    """Return rows as text, and whether all of their numbers are finite.

    orjson writes the same digits as repr, many times faster. It has null for what is not finite,
    and refuses integers beyond 64 bits.
    """
    rows = list(zip(*cells, strict=True))
    try:
        text = orjson.dumps(rows)
    except TypeError:
        text = b"null"
    if b"null" not in text:
        return text[2:-2].replace(b",", b" ").split(b"] ["), True
    return [" ".join(map(digits, row)).encode() for row in rows], False


def _scalars(row: Iterable[int | float | None]) -> bytes | None:
    """Return numbers as channels, or None where none of them is finite."""
    values = list(row)
    text = " ".join(map(digits, values)).encode()
    is_whole = all(isinstance(value, int) for value in values)
    return text if is_whole or b"." in text else pointed(text)


def _taken_comments(notes: Notes) -> Iterator[bytes]:
    """Take the comments out of what follows the rows."""
    for row in sorted(notes):
        yield from (line + b"\n" for line in notes[row] if line.startswith(b"#C"))
        notes[row] = [line for line in notes[row] if not line.startswith(b"#C")]


def _interleaved(lines: list[bytes], notes: Notes) -> Iterable[bytes]:
    return _with_notes(lines, notes) if notes else lines


def _with_notes(lines: list[bytes], notes: Notes) -> Iterator[bytes]:
    for row, line in enumerate(lines):
        yield line
        yield from notes.get(row, ())


def _described(value: Any) -> str:
    """Return a value for a comment; of an image, only what it is."""
    array = value if isinstance(value, np.ndarray) else None
    if isinstance(value, list | tuple) and any(isinstance(v, list | tuple) for v in value[:1]):
        stack = as_array([value])
        array = None if stack is None else stack[0]
    if array is not None and array.ndim > 1:
        shape = " x ".join(map(str, array.shape))
        return f"is an array of {shape} {array.dtype.name}, which only the other formats hold"
    return f"= {literal(value)}"
