"""Which values of a column are scalars, which are lists, and which have more dimensions."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType
from typing import Any

import numpy as np

from ...model.ranks import ranks_of
from .cells import Cells, Values, cells

__all__ = ["RankedValues"]


class RankedValues:
    """A column of values by rank: 0 for a scalar, text or structure, 1 for a list or array.

    An array of two or more dimensions has rank 2, a missing value has none.

    Parameters
    ----------
    values
        One value a row.
    """

    __slots__ = ("_types", "_values", "each", "ranks")

    def __init__(self, values: Values) -> None:
        self._values = values
        self._types = _types(values)
        self.each = ranks_of(values, self._types)
        """The rank of each value; empty when there are scalars only."""
        self.ranks: set[int | None] = set(self.each)
        if not self.each and self._types - {NoneType}:
            self.ranks = {0}

    @property
    def first(self) -> int | None:
        """Rank of the first value that a table can hold."""
        ranks: Iterable[int | None] = self.each or self.ranks
        return next((rank for rank in ranks if rank in (0, 1)), None)

    @property
    def first_cell(self) -> int | None:
        """Row of the first value that belongs into a cell."""
        if 0 not in self.ranks:
            return None
        return next((row for row, (_, rank) in enumerate(self._pairs()) if rank == 0), None)

    def first_row(self, rank: int) -> int:
        """Return the row of the first value of a rank; 0 where there is none."""
        return self.each.index(rank) if rank in self.each else 0

    @property
    def longest(self) -> int:
        """Elements of the longest list; negative when there is none."""
        if 1 not in self.ranks:
            return -1
        return max(len(value) for value, rank in self._pairs() if rank == 1)

    @property
    def may_be_cells(self) -> bool:
        """Whether the first of these values leaves a declared column its place."""
        return not self.each or self.each[0] not in (1, 2)

    def lists(self) -> list[Any]:
        """Return the lists, None for what is not one."""
        return [value if rank == 1 else None for value, rank in self._pairs()]

    def cells(self, *, with_lists: bool) -> Cells:
        """Return a cell for each value that belongs into one; it is empty for the others."""
        if not self.each:
            return cells(self._values, self._types)
        kept = (0, 1) if with_lists else (0,)
        return cells([value if rank in kept else None for value, rank in self._pairs()])

    def _pairs(self) -> list[tuple[Any, int | None]]:
        ranks = self.each or [None if value is None else 0 for value in self._values]
        return list(zip(self._values, ranks, strict=True))


def _types(values: Values) -> frozenset[type]:
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return frozenset({values.dtype.type} if len(values) else ())
    return frozenset(map(type, values))
