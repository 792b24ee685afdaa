"""How a column of measured values is laid out in an HDF5 dataset, and what it becomes.

`ColumnType` has the rule. HDF5's own are three: text has a width in bytes, a row without a value
is NaN, which integers are floats for, and where no HDF5 type holds all of the values exactly, a
column is the JSON text of each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import h5py
import numpy as np

from ...model.column_type import ColumnType
from ...model.run import Field
from ...model.text_width import room_for, widest
from ...model.values import as_array
from .records import as_records

__all__ = ["Layout", "json_layout", "layout_in", "layout_of", "widened"]

_MOST_DIMENSIONS = 32
"""Of a dataset, its rows included: HDF5 has no more."""


_DOUBLES = (None, np.dtype(np.float64))
"""Declared types of which a float is a double, as nearly all are."""


@dataclass(frozen=True, slots=True)
class Layout(ColumnType):
    """The type of one row of a column: ``S`` of a width in bytes for text."""

    is_json: bool = False
    is_open: bool = False
    """Whether no row has a value yet: the first one decides."""

    @property
    def is_text(self) -> bool:
        """Whether rows are text, be it measured or JSON."""
        return self.dtype.kind == "S"

    @property
    def takes_missing(self) -> bool:
        """Whether a row without a value can be told from a measured one."""
        return self.kind in ("real", "complex", "text", "record") or self.is_ragged

    @property
    def stored(self) -> Layout:
        """What of it the dataset has: two layouts that are equal in that need no other dataset."""
        return replace(self, is_open=False, is_hollow=False)


_DOUBLE = Layout(np.dtype(np.float64))


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
    if isinstance(value, float) and declared.dtype_numpy in _DOUBLES:
        return _DOUBLE
    array = as_records([value])
    array = as_array([value]) if array is None else array
    if array is None or array.ndim > _MOST_DIMENSIONS:
        return None
    layout = Layout.of_rows(array, declared.dtype_numpy)
    if layout.kind != "text":
        return layout
    return replace(layout, dtype=np.dtype(f"S{room_for(widest(array))}"))


def layout_in(dataset: h5py.Dataset) -> Layout:
    """Return the layout of a column that a file has."""
    return Layout(
        dataset.dtype,
        dataset.shape[1:],
        is_ragged="ragged" in dataset.attrs,
        is_json="encoding" in dataset.attrs,
    )


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
    return old.joined(new)


def json_layout(width: int) -> Layout:
    """Return the layout of JSON text of up to `width` bytes a row."""
    return Layout(np.dtype(f"S{room_for(width)}"), is_json=True)


def _with_gaps(layout: Layout) -> Layout | None:
    """Return a layout in which a row may have no value: floats for integers."""
    if layout.takes_missing:
        return layout
    return replace(layout, dtype=np.dtype(np.float64)) if layout.kind == "integer" else None
