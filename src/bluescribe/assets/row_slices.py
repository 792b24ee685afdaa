"""Which elements of a dataset are rows: a slice that is written as text, and what is left of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np

__all__ = ["Rows", "cut", "squeezed"]

_SLICE = re.compile(r"(-?\d+)?:(-?\d+)?(?::(-?\d+)?)?")


@dataclass(frozen=True, slots=True)
class Rows:
    """Which elements of a dataset are the rows in which its datums are counted."""

    key: tuple[int | range, ...]
    """Of each dimension the elements that are shown; of one that is not shown, where it is cut."""
    axis: int | None
    """The dimension that counts rows; None where all that is shown is one row."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all rows."""
        lengths = [len(each) for each in self.key if isinstance(each, range)]
        return tuple(lengths) if self.axis is not None else (1, *lengths)

    def is_all_of(self, lengths: Sequence[int]) -> bool:
        """Return whether the rows are the whole dataset, as it is."""
        return self.axis == 0 and list(self.key) == [range(n) for n in lengths]

    def block(self, start: int, stop: int) -> list[tuple[int, int, int]]:
        """Return where some rows are: of each dimension the first element, how many, and the step.

        Parameters
        ----------
        start, stop
            The first row, and the one after the last.
        """
        found = []
        for number, each in enumerate(self.key):
            if isinstance(each, int):
                found.append((each, 1, 1))
            else:
                some = each[start:stop] if number == self.axis else each
                found.append((some.start, len(some), some.step))
        return found

    def read(self, dataset: Any, start: int, stop: int) -> np.ndarray[Any, Any]:
        """Return some rows of a dataset, first axis the rows."""
        key = tuple(slice(a, a + n * step, step) for a, n, step in self.block(start, stop))
        return np.asarray(dataset[key]).reshape(stop - start, *self.shape[1:])


def cut(lengths: Sequence[int], text: object) -> tuple[int | range, ...]:
    """Return what a slice leaves of each dimension.

    Parameters
    ----------
    lengths
        Shape of the dataset.
    text
        As numpy's are written, in brackets or without; empty for all.

    Raises
    ------
    TypeError, ValueError, IndexError
        It is no slice, or none of such a dataset.
    """
    if not isinstance(text, str):
        raise TypeError("it is no text")
    wanted = _per_dimension(_parsed(text), len(lengths))
    key: list[int | range] = [range(n)[w] for n, w in zip(lengths, wanted, strict=True)]
    if any(isinstance(each, range) and each.step < 0 for each in key):
        raise ValueError("its step is negative")
    return tuple(key)


def squeezed(key: tuple[int | range, ...], rank: int) -> tuple[int | range, ...]:
    """Return a selection without dimensions of one element, but for that of a single row."""
    shown = {axis: len(each) for axis, each in enumerate(key) if isinstance(each, range)}
    kept = {axis for axis, length in shown.items() if length != 1}
    if len(kept) < rank:
        kept.update([*shown][:1])
    return tuple(
        each[0] if isinstance(each, range) and axis not in kept else each
        for axis, each in enumerate(key)
    )


def _parsed(text: str) -> list[int | slice | EllipsisType]:
    """Return a slice that is written as numpy's are, in brackets or without."""
    found: list[int | slice | EllipsisType] = []
    for part in text.strip("[]()").replace(" ", "").split(",") if text else ():
        if part == "...":
            found.append(...)
        elif _SLICE.fullmatch(part):
            found.append(slice(*(int(number) if number else None for number in part.split(":"))))
        else:
            found.append(int(part))
    return found


def _per_dimension(wanted: list[int | slice | EllipsisType], rank: int) -> list[int | slice]:
    """Return what is wanted of each dimension; ``...`` are those of which nothing is said."""
    parts = wanted if ... in wanted else [*wanted, ...]
    missing = rank - len(parts) + 1
    if missing < 0 or parts.count(...) > 1:
        raise ValueError(f"it has {len(wanted)} parts")
    found: list[int | slice] = []
    for part in parts:
        if isinstance(part, EllipsisType):
            found += [slice(None)] * missing
        else:
            found.append(part)
    return found
