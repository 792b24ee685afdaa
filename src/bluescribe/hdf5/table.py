"""Events of a stream as columns that grow together; a format says where, and tells of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

import h5py
import numpy as np

from ..model.field_rows import FieldRows, epochs, field_rows, rows_expected
from ..model.run import Field, Page, Run, Stream
from ..model.values import Array
from .columns.appending import append_rows, fit_rows
from .columns.column import Column
from .file import LiveFile

__all__ = ["NO_FIELD", "Cells", "ColumnTable", "What", "bytes_in"]

What: TypeAlias = Literal["values", "datum_ids", "stamps"]
"""What a column has of a field."""

Cells: TypeAlias = "Iterator[tuple[Column, Sequence[Any] | Array]]"
"""Columns, each with what a page has for it."""

_WHATS: tuple[What, ...] = ("values", "datum_ids", "stamps")

_NUMBER_BYTES = 8

NO_FIELD = Field("")
"""Stands for what no descriptor declares."""


def bytes_in(page: Page) -> int:
    """Return about how many bytes the values of a page take."""
    return sum(_bytes_of(values) for values in page.data.values())


def _bytes_of(values: Any) -> int:
    if isinstance(values, np.ndarray):
        return values.nbytes
    if isinstance(values, str | array):
        return len(values) * (1 if isinstance(values, str) else values.itemsize)
    return sum(map(_bytes_of, values)) if isinstance(values, list | tuple) else _NUMBER_BYTES


class ColumnTable(ABC):
    """The columns of one stream.

    Parameters
    ----------
    file
        The file.
    root
        Absolute path of the stream's group.
    run, stream
        What is recorded there.
    """

    def __init__(self, file: LiveFile, root: str, run: Run, stream: Stream) -> None:
        self._file = file
        self._run = run
        self.root = root
        self.stream = stream
        self._new_column = self._columns_in(file)
        self._columns: dict[tuple[What, str], Column] = {}
        """By what they have, and field."""
        self.rows = 0

    @property
    def has_rows(self) -> bool:
        """Whether there are any."""
        return self.rows > 0

    def move_to(self, file: LiveFile) -> None:
        """Be the columns of another file, which `take_over` finds there."""
        self._file = file
        self._new_column = self._columns_in(file)

    def _columns_in(self, file: LiveFile) -> partial[Column]:
        return partial(
            Column,
            file,
            rows_expected=rows_expected(self._run, self.stream),
            is_certain=self.stream.is_baseline,
            promised=self._run.promised.get(self.stream.name, 0),
        )

    @abstractmethod
    def name_as(self, former: Any) -> None:
        """Call everything as this table of another part does; nothing has a name yet."""

    def take_over(self, h5: h5py.File) -> None:
        """Go on with the columns that a file has, of which other columns were, to show them."""
        fields = dict.fromkeys([*self.stream.fields, *(field for _, field in self._columns)])
        self._columns.clear()
        for field in fields:
            for what in _WHATS:
                column = self._made(what, field)
                if isinstance(h5.get(column.path, getlink=True), h5py.HardLink):
                    self._columns[what, field] = column
                    column.take_over(h5[column.path])
        self.rows = max((column.rows for column in self._columns.values()), default=0)

    @abstractmethod
    def group_of(self, field: str) -> str:
        """Return the absolute path of the group of a field, or of its external data."""

    def append(self, page: Page) -> bool:
        """Write a page's rows; return whether the file's structure had to change for them.

        To be repeated as it is after a failure: rows are counted at the end.
        """
        cells = dict(self._cells(page))
        for column in cells:
            column.datasets.rows_at_once = max(column.datasets.rows_at_once, page.sent)
        blocks, remade = fit_rows(self._file, self.rows, cells)
        if remade:
            self._describe(remade)
        append_rows(blocks)
        self.rows += len(page)
        return bool(remade)

    def cut(self) -> None:
        """Let go of what is there for rows that did not come; the file is plain."""
        columns = [*self._own_columns(), *self._columns.values()]
        if remade := [column for column in columns if column.cut()]:
            self._describe(remade)

    def column(self, field: str) -> Column | None:
        """Return the column of a field's values, or None while there are none."""
        return self._columns.get(("values", field))

    @abstractmethod
    def _own_cells(self, page: Page) -> Cells:
        """Yield the columns of the stream itself, such as the times of its events."""

    @abstractmethod
    def _own_columns(self) -> Iterable[Column]:
        """Return those columns."""

    @abstractmethod
    def _made(self, what: What, field: str) -> Column:
        """Return a new column of a field."""

    @abstractmethod
    def _describe(self, remade: Sequence[Column]) -> None:
        """Tell of columns that were made, or made anew: the file is plain."""

    def _cells(self, page: Page) -> Cells:
        yield from self._own_cells(page)
        nothing = [None] * len(page)
        for name in dict.fromkeys([*page.data, *(field for _, field in self._columns)]):
            declared = self.stream.fields.get(name, NO_FIELD)
            rows = field_rows(declared, page.data.get(name, nothing))
            yield from self._cells_of(name, rows)
            yield self._column("stamps", name), epochs(page.timestamps.get(name, nothing))

    def _cells_of(self, name: str, rows: FieldRows) -> Cells:
        """Yield what was measured and what only refers to a file: what came first is first."""
        if not rows.begins_with_datum_id and self._has("values", name, rows.has_values):
            yield self._column("values", name), rows.values
        if self._has("datum_ids", name, rows.has_datum_ids):
            yield self._column("datum_ids", name), rows.datum_ids
        if rows.begins_with_datum_id and self._has("values", name, rows.has_values):
            yield self._column("values", name), rows.values

    def _has(self, what: What, name: str, is_here: bool) -> bool:
        return is_here or (what, name) in self._columns

    def _column(self, what: What, field: str) -> Column:
        if (what, field) not in self._columns:
            self._columns[what, field] = self._made(what, field)
        return self._columns[what, field]
