"""ArrayTable: the table of a field of one-dimensional arrays, a row an event."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from ...model.ranks import Values
from .cells import element_cells
from .dialect import Dialect
from .own_columns import SEQ_NUM
from .table import LINE_END, Table

__all__ = ["ArrayTable", "element_labels"]

_LARGE = 1 << 20
"""Bytes from which on a table is not written anew for every array that is longer than all."""


@dataclass(slots=True)
class ArrayTable:
    """The table of a field of one-dimensional arrays: `seq_num`, then the elements."""

    table: Table
    dialect: Dialect
    longest: int
    """Elements of the longest array so far."""
    traits: set[str] = field(default_factory=set)

    @property
    def width(self) -> int:
        """Columns that there are for elements."""
        return len(self.table.labels) - 1

    def widen(self, longest: int) -> None:
        """Make room for longer arrays; in a large table for some more than that."""
        room = longest if len(self.table) < _LARGE else longest + longest // 2
        self.table.relabel(element_labels(room))

    def put(self, seq_num: bytes, array: Values) -> bool:
        """Add a row; tell whether it has something new about it."""
        text, traits = element_cells(array, self.dialect)
        between = self.dialect.between
        line = (
            seq_num + (between + text if len(array) else b"") + between * (self.width - len(array))
        )
        self.table.put(line + LINE_END)
        self.longest = max(self.longest, len(array))
        is_new = not traits <= self.traits
        self.traits |= traits
        return is_new

    def close(self) -> None:
        """Take away the room that no array needed, write what waits, close the file."""
        with suppress(OSError):  # it is a blemish, no reason to call the run incomplete
            self.table.relabel(element_labels(self.longest))
        self.table.close()


def element_labels(length: int) -> list[str]:
    """Return the header of a table for arrays of up to a length."""
    return [SEQ_NUM.label, *map(str, range(length))]
