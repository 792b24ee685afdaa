"""How many dimensions values have, whatever they hold: a scalar, a row of elements, or more.

The first value of a field decides where a table has the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from types import NoneType
from typing import Any, TypeAlias

import numpy as np

from .values import Array

__all__ = ["RankedValues", "Values", "rank_of", "ranks_of"]

Values: TypeAlias = "Sequence[Any] | Array"

_SEQUENCES = (list, tuple, np.ndarray)


def rank_of(value: Any) -> int:
    """Return 0 for a scalar, text or structure, 1 for a list or array, 2 for more dimensions.

    A list of lists has two, be they of one length or not.
    """
    if isinstance(value, np.ndarray):
        return min(value.ndim, 2)
    if not isinstance(value, list | tuple):
        return 0
    return 2 if value and all(isinstance(item, _SEQUENCES) for item in value) else 1


def ranks_of(values: Sequence[Any] | Array, types: Set[type]) -> list[int | None]:
    """Return the rank of each value, None of one that is missing; nothing when all are scalars.

    Parameters
    ----------
    values
        One a row.
    types
        The types of the values.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return [min(values.ndim - 1, 2)] * len(values) if values.ndim > 1 else []
    if not any(issubclass(kind, _SEQUENCES) for kind in types):
        return []
    return [None if value is None else rank_of(value) for value in values]


class RankedValues:
    """A column of values by rank; a missing value has none.

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
        """Rank of the first value that is a scalar or a list; it decides where all go."""
        ranks: Iterable[int | None] = self.each or self.ranks
        return next((rank for rank in ranks if rank in (0, 1)), None)

    @property
    def first_scalar(self) -> int | None:
        """Row of the first scalar."""
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

    def lists(self) -> list[Any]:
        """Return the lists, None for what is not one."""
        return [value if rank == 1 else None for value, rank in self._pairs()]

    @property
    def begins_with_scalar(self) -> bool:
        """Whether the first of all values is a scalar, or missing."""
        return not self.each or self.each[0] not in (1, 2)

    def up_to(self, rank: int) -> tuple[Values, frozenset[type]]:
        """Return the values of a rank and below, None for the others; and the types of all."""
        if not self.each:
            return self._values, self._types
        kept = range(rank + 1)
        values = [value if each in kept else None for value, each in self._pairs()]
        return values, _types(values)

    def _pairs(self) -> list[tuple[Any, int | None]]:
        ranks = self.each or [None if value is None else 0 for value in self._values]
        return list(zip(self._values, ranks, strict=True))


def _types(values: Values) -> frozenset[type]:
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return frozenset({values.dtype.type} if len(values) else ())
    return frozenset(map(type, values))
