"""How a column of measured values is laid out in an HDF5 dataset, and what it becomes.

The first value decides. A column is numbers (or booleans, or arrays of one shape), or text, or,
where no HDF5 type holds all of its values exactly, the JSON text of each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..model.run import Field
from ..model.values import Array, as_array, as_dtype
from .records import as_records
from .widths import room_for, widest

__all__ = ["Layout", "json_layout", "layout_of", "widened"]

_MOST_DIMENSIONS = 32
"""Of a dataset, its rows included: HDF5 has no more."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The type of one row of a column."""

    dtype: np.dtype[Any]
    """``S`` of a width in bytes for text."""
    shape: tuple[int, ...] = ()
    """Of one row; of the largest one in a ragged column."""
    is_json: bool = False
    is_ragged: bool = False
    is_open: bool = False
    """Whether no row has a value yet: the first one decides."""
    is_hollow: bool = False
    """Whether all rows are arrays without an element: the first element decides the type."""

    @property
    def is_text(self) -> bool:
        """Whether rows are text, be it measured or JSON."""
        return self.dtype.kind == "S"

    @property
    def takes_missing(self) -> bool:
        """Whether a row without a value can be told from a measured one."""
        return self.dtype.kind in "fcSV" or self.is_ragged

    @property
    def stored(self) -> Layout:
        """What of it the dataset has: two layouts that are equal in that need no other dataset."""
        return replace(self, is_open=False, is_hollow=False)


def layout_of(value: Any, declared: Field) -> Layout | None:
    """Return the layout of a column whose first value is this; None where it is JSON text.

    Parameters
    ----------
    value
        Of one row; None where there is none.
    declared
        What the descriptor says: its ``dtype_numpy`` is taken where it holds the value exactly.
    """
    if value is None:
        return Layout(np.dtype(np.float64), is_open=True)
    array = as_records([value])
    array = as_array([value]) if array is None else array
    if array is None or array.ndim > _MOST_DIMENSIONS:
        return None
    if array.dtype.kind == "U":
        return Layout(np.dtype(f"S{room_for(widest(array))}"), array.shape[1:])
    dtype = _narrowed(array, declared).dtype.newbyteorder("=")
    return Layout(dtype, array.shape[1:], is_hollow=not array.size)


def widened(old: Layout, value: Any, declared: Field) -> Layout | None:
    """Return the layout of a column that also has to take a value; None where it is JSON text.

    It need not hold what is in the column already, nor the value: whoever converts finds out, and
    takes JSON text then.
    """
    if old.is_json:
        return None
    if value is None:
        return _with_gaps(old)
    new = layout_of(value, declared)
    if old.is_open or new is None:
        return new and _with_gaps(new)
    return _joined(old, new)


def _joined(old: Layout, new: Layout) -> Layout | None:
    """Return the layout of values of two layouts; None where it is JSON text."""
    if len(old.shape) != len(new.shape) or _kind(old) != _kind(new):
        return None
    if old.is_text:
        dtype = max(old.dtype, new.dtype, key=lambda text: text.itemsize)
        return replace(old, dtype=dtype) if old.shape == new.shape else None
    joined = replace(old, dtype=_common(old, new), is_hollow=old.is_hollow and new.is_hollow)
    if old.shape == new.shape:
        return joined
    if old.dtype.names:
        return None
    shape = tuple(max(a, b) for a, b in zip(old.shape, new.shape, strict=True))
    return replace(joined, shape=shape, is_ragged=True)


def json_layout(width: int) -> Layout:
    """Return the layout of JSON text of up to `width` bytes a row."""
    return Layout(np.dtype(f"S{room_for(width)}"), is_json=True)


def _kind(layout: Layout) -> str:
    """Return what values of two layouts must share to have one: text, a structure or numbers."""
    if layout.dtype.names:
        return str(layout.dtype)
    return "text" if layout.is_text else "numbers"


def _with_gaps(layout: Layout) -> Layout | None:
    """Return a layout in which a row may have no value: floats for integers."""
    if layout.takes_missing:
        return layout
    return replace(layout, dtype=np.dtype(np.float64)) if layout.dtype.kind in "iu" else None


def _common(old: Layout, new: Layout) -> np.dtype[Any]:
    """Return a type for the values of two; integers never become numbers of another kind."""
    if old.is_hollow or new.is_hollow:
        return new.dtype if old.is_hollow else old.dtype
    if old.dtype == new.dtype:
        return old.dtype
    common = np.result_type(old.dtype, new.dtype)
    if common.kind == "f" and {old.dtype.kind, new.dtype.kind} == {"i", "u"}:
        return np.dtype(np.int64 if new.dtype.kind == "i" else np.uint64)  # the new one needs it
    return common


def _narrowed(array: Array, declared: Field) -> Array:
    dtype = declared.dtype_numpy
    if dtype is None or dtype.kind not in "biufc":
        return array
    if array.dtype.kind in "iu" and dtype.kind in "fc":
        return array  # what came as integers stays so
    cast = as_dtype(array, dtype)
    return array if cast is None else cast
