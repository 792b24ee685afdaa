"""ColumnType: what the values of one field are together; the rule that every format asks.

The first value that is there decides. A later one that is of the same family, numbers or text or
records of one type, and has as many dimensions, makes the type as wide as it needs; any other has
no type with those before it. What a format does then, and with values that are missing, is its own:
it keeps the value as it is, in its own words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, TypeAlias

import numpy as np

from .numbers import is_number
from .values import Array, as_array, as_dtype

__all__ = ["ColumnType", "Kind"]

Kind: TypeAlias = Literal["boolean", "integer", "long", "real", "complex", "text", "record"]
"""``long`` are integers beyond 64 bits, which no type of numpy holds."""

_KINDS: dict[str, Kind] = {
    "b": "boolean",
    "i": "integer",
    "u": "integer",
    "O": "long",
    "f": "real",
    "c": "complex",
    "U": "text",
    "S": "text",
    "V": "record",
}
"""By numpy's letter of a type."""

_EXACT = 2**53
"""Integers up to here are floats without loss."""

_NUMBERS = {"boolean", "integer", "long", "real", "complex"}


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of the values of one field: one array holds all of them exactly, row by row."""

    dtype: np.dtype[Any]
    """In this machine's byte order; for text as wide as the longest, for long integers ``object``.
    """
    shape: tuple[int, ...] = ()
    """Of one value; of the largest one where they differ."""
    is_ragged: bool = False
    """Whether values are arrays of several shapes, of one number of dimensions."""
    is_hollow: bool = False
    """Whether all are arrays without an element: the first element decides the type."""

    @classmethod
    def of(cls, value: Any, declared: np.dtype[Any] | None = None) -> Self | None:
        """Return the type of a value, None where no array holds it.

        Parameters
        ----------
        value
            A number, a text, an array or nested lists; not None.
        declared
            What the descriptor says: it is taken where it holds the value exactly.
        """
        array = as_array([value])
        if array is not None:
            return cls.of_rows(array, declared)
        if isinstance(value, str):  # with a NUL at its end, which arrays of text lose
            return cls(np.dtype(f"U{len(value)}"))
        return cls(np.dtype(object)) if isinstance(value, int) else None

    @classmethod
    def of_rows(cls, array: Array, declared: np.dtype[Any] | None = None) -> Self:
        """Return the type of the rows of an array, of which there is one at least."""
        dtype, shape = array.dtype, array.shape[1:]
        if dtype.kind == "U" or dtype.names:
            return cls(dtype, shape)
        dtype = _narrowed(array, declared).newbyteorder("=")
        return cls(dtype, shape, is_hollow=not array.size)

    @property
    def kind(self) -> Kind:
        """What the values are, or their elements."""
        return _KINDS[self.dtype.kind]

    @property
    def real_shape(self) -> tuple[int, ...] | None:
        """The shape of each value where all are real numbers of one shape; None otherwise."""
        return self.shape_of_kinds(("integer", "real"))

    def shape_of_kinds(self, kinds: Iterable[Kind]) -> tuple[int, ...] | None:
        """Return the shape of each value where all are of these kinds and of one shape."""
        return self.shape if self.kind in kinds and not self.is_ragged else None

    def is_told_apart(self, other: ColumnType) -> bool:
        """Tell whether one has truth values and the other has none.

        True may stand as 1 among integers. Who has a word for it does not take it for one.
        """
        return (self.kind == "boolean") != (other.kind == "boolean")

    def joined(self, other: ColumnType) -> Self | None:
        """Return the type of the values of two, self's being the first; None where they have none.

        It need not hold each value exactly: an integer may be too large for the floats that came
        beside it. `as_dtype` tells.
        """
        if len(self.shape) != len(other.shape) or self._family != other._family:
            return None
        if self.shape != other.shape and self._family != "numbers":
            return None  # nothing could fill up the rows that are shorter
        shape = tuple(map(max, self.shape, other.shape))
        return replace(
            self,
            dtype=self._common(other),
            shape=shape,
            is_ragged=self.is_ragged or self.shape != other.shape,
            is_hollow=self.is_hollow and other.is_hollow,
        )

    def holds_integers(self, least: int, largest: int) -> bool:
        """Tell whether all integers between two are exact in this type, of numbers as of others."""
        if self.kind == "integer":
            limits = np.iinfo(self.dtype)
            return limits.min <= least and largest <= limits.max
        return self.kind != "real" or -_EXACT <= least <= largest <= _EXACT

    @property
    def _family(self) -> str:
        """What values of two types must share to have one: numbers, text, or records of a type."""
        if self.kind in _NUMBERS:
            return "numbers"
        return "text" if self.kind == "text" else str(self.dtype)

    def _common(self, other: ColumnType) -> np.dtype[Any]:
        """Return a type for the values of two; integers never become numbers of another kind."""
        mine, its = self.dtype, other.dtype
        if self.is_hollow or other.is_hollow:
            return its if self.is_hollow else mine
        if self._family != "numbers":
            return max(mine, its, key=lambda dtype: dtype.itemsize)
        common = mine if mine == its else np.result_type(mine, its)
        if common.kind == "f" and {mine.kind, its.kind} == {"i", "u"}:
            return np.dtype(np.int64 if its.kind == "i" else np.uint64)  # the new one needs it
        return common


def _narrowed(array: Array, declared: np.dtype[Any] | None) -> np.dtype[Any]:
    """Return the type that was declared, where it holds all of an array; else the array's."""
    if declared is None or not is_number(declared):
        return array.dtype
    if array.dtype.kind in "iu" and declared.kind in "fc":
        return array.dtype  # what came as integers stays so
    return array.dtype if as_dtype(array, declared) is None else declared
