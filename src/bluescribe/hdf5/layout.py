"""How a column of measured values is laid out in an HDF5 dataset, and when it no longer fits.

The first values decide. A column is numbers (or booleans, or arrays of one shape), or text, or,
where no HDF5 type holds all of its values exactly, the JSON text of each.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import NoneType
from typing import Any

import numpy as np

from ..jsontext import dumps
from ..run import Field
from ..values import Array, as_array, as_dtype

__all__ = ["Block", "Layout", "decode", "encode", "join", "json_layout", "layout_of", "stacked"]

_SPARE_WIDTH = 8
"""Bytes that a text column gets beyond its first texts, so that it need not grow at once."""

_MOST_DIMENSIONS = 32
"""Of a dataset, its rows included: HDF5 has no more."""

_LARGE_BYTES = 4096
"""Arrays from here on are not stacked."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The type of one row of a column."""

    dtype: np.dtype[Any]
    """``S`` of a width in bytes for text."""
    shape: tuple[int, ...] = ()
    """Of one row; of the largest one in a ragged column."""
    is_json: bool = False
    is_ragged: bool = False

    @property
    def is_text(self) -> bool:
        """Whether rows are text, be it measured or JSON."""
        return self.dtype.kind == "S"


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a column, encoded."""

    array: Array | list[Array]
    """A list of large arrays, all of one shape and type: stacking them would copy them all."""
    shapes: Array | None = None
    """The shape of each row of a ragged column."""
    missing: tuple[int, ...] = ()
    """Rows, counted in this block, for which no value was given; they hold NaN or nothing."""


def layout_of(values: Sequence[Any] | Array, declared: Field) -> Layout:
    """Return the layout of a column's first values.

    Parameters
    ----------
    values
        A row each; None where there is none.
    declared
        What the descriptor says: its ``dtype_numpy`` is taken where it holds the values exactly.
    """
    alike = _alike(values)
    if alike is not None and alike.ndim > _MOST_DIMENSIONS:
        return _json_layout(values)
    if alike is not None and alike.dtype == (declared.dtype_numpy or alike.dtype):
        return Layout(alike.dtype, alike.shape)
    present = _present(values)
    array = as_array(present)
    if array is not None and array.ndim > _MOST_DIMENSIONS:
        return _json_layout(values)
    if array is None:
        return _ragged_layout(present) or _json_layout(values)
    if array.dtype.kind == "U":
        layout = Layout(np.dtype(f"S{_width(array) + _SPARE_WIDTH}"), array.shape[1:])
    else:
        narrowed = _narrowed(array, declared)
        layout = Layout(narrowed.dtype.newbyteorder("="), array.shape[1:])
    if len(present) == len(values) or _takes_missing(layout):
        return layout
    return _widened_for_missing(layout, array) or _json_layout(values)


def stacked(values: Sequence[Any] | Array) -> Sequence[Any] | Array:
    """Return rows as they are quickest to look at more than once: as one array, where it can be."""
    array = None if _alike(values) is not None else as_array(values)
    return values if array is None or not len(values) else array


def encode(values: Sequence[Any] | Array, layout: Layout) -> Block | None:
    """Return rows in a layout, or None where one of them does not fit it exactly."""
    if layout.is_json:
        return _text_block([dumps(value) for value in values], layout)
    alike = _alike(values)
    if alike is not None and layout == Layout(alike.dtype, alike.shape):
        return Block(list(values))
    if layout.is_ragged:
        return _ragged_block(values, layout, _missing_rows(values))
    array = as_array(values) if len(values) else None
    if array is not None:  # most columns have all values: only others are searched for gaps
        cast = _cast(array, layout)
        return None if cast is None else Block(cast)
    return _gappy_block(values, layout)


def _gappy_block(values: Sequence[Any] | Array, layout: Layout) -> Block | None:
    missing = _missing_rows(values)
    if missing and not _takes_missing(layout):
        return None
    present = _present(values)
    array = as_array(present) if len(present) else np.empty((0, *layout.shape), layout.dtype)
    cast = None if array is None else _cast(array, layout)
    if cast is None:
        return None
    return Block(_spread(cast, missing, len(values), layout) if missing else cast, missing=missing)


def _cast(array: Array, layout: Layout) -> Array | None:
    if array.shape[1:] != layout.shape or (layout.is_text and array.dtype.kind not in "US"):
        return None
    return _utf8(array, layout) if array.dtype.kind == "U" else as_dtype(array, layout.dtype)


def decode(array: Array, shapes: Array | None, missing: set[int], layout: Layout) -> list[Any]:
    """Return rows that were encoded as the values that they were.

    Parameters
    ----------
    array, shapes
        The rows.
    missing
        Rows, counted in `array`, that have no value.
    layout
        How they were encoded.
    """
    if layout.is_json:
        return [json.loads(text) for text in array.tolist()]
    if layout.is_text:
        array = np.char.decode(array, "utf-8")
    rows: list[Any] = list(array) if array.ndim > 1 else array.tolist()
    if shapes is not None:
        rows = [
            row[tuple(slice(0, n) for n in shape)] for row, shape in zip(rows, shapes, strict=True)
        ]
    return [None if i in missing else row for i, row in enumerate(rows)]


def join(old: Layout, values: Sequence[Any] | Array, declared: Field) -> Layout:
    """Return a layout for a column that also has to take `values`.

    It need not hold what is in the column already: whoever converts finds out, and takes JSON
    text then.
    """
    new = layout_of(values, declared) if len(_present(values)) else old
    if not _takes_missing(new) and _has_gaps(values):
        new = (
            replace(new, dtype=np.dtype(np.float64)) if new.dtype.kind in "iu" else json_layout(64)
        )
    if old.is_json or new.is_json or old.is_text != new.is_text:
        return _json_join(old, new)
    if old.is_text:
        width = max(2 * old.dtype.itemsize, new.dtype.itemsize)
        grown = replace(old, dtype=np.dtype(f"S{width}"))
        return grown if old.shape == new.shape else _json_join(old, new)
    if len(old.shape) != len(new.shape):
        return _json_join(old, new)
    dtype = _common(old.dtype, new.dtype)
    if old.shape == new.shape and not (old.is_ragged or new.is_ragged):
        return Layout(dtype, old.shape)
    shape = tuple(max(a, b) for a, b in zip(old.shape, new.shape, strict=True))
    return Layout(dtype, shape, is_ragged=True)


def _common(one: np.dtype[Any], other: np.dtype[Any]) -> np.dtype[Any]:
    """Return a type for the values of two; integers never become numbers of another kind."""
    common = one if one == other else np.result_type(one, other)
    is_mixed = common.kind == "f" and {one.kind, other.kind} == {"i", "u"}
    return np.dtype(np.uint64) if is_mixed else common


def json_layout(width: int) -> Layout:
    """Return the layout of JSON text of up to `width` bytes a row."""
    return Layout(np.dtype(f"S{max(1, width)}"), is_json=True)


def _json_join(old: Layout, new: Layout) -> Layout:
    grown = 2 * old.dtype.itemsize if old.is_json else 0
    return json_layout(max(grown, new.dtype.itemsize if new.is_json else 64))


def _json_layout(values: Sequence[Any] | Array) -> Layout:
    width = max((len(dumps(value)) for value in values), default=1)
    return json_layout(width + _SPARE_WIDTH)


def _alike(values: Sequence[Any] | Array) -> Array | None:
    """Return the first of several large arrays of one shape and native type, or None."""
    first = values[0] if isinstance(values, list) and values else None
    if not isinstance(first, np.ndarray) or first.nbytes < _LARGE_BYTES:
        return None
    shape, dtype = first.shape, first.dtype
    is_number = dtype.isnative and dtype.kind in "biufc"
    are_alike = is_number and all(
        isinstance(value, np.ndarray) and value.shape == shape and value.dtype == dtype
        for value in values
    )
    return first if are_alike else None


def _present(values: Sequence[Any] | Array) -> Sequence[Any] | Array:
    return [value for value in values if value is not None] if _has_gaps(values) else values


def _has_gaps(values: Sequence[Any] | Array) -> bool:
    if isinstance(values, np.ndarray) and values.dtype != object:
        return False
    return NoneType in set(map(type, values))


def _missing_rows(values: Sequence[Any] | Array) -> tuple[int, ...]:
    if not _has_gaps(values):
        return ()
    return tuple(row for row, value in enumerate(values) if value is None)


def _takes_missing(layout: Layout) -> bool:
    """Tell whether a row without a value can be told from a measured one."""
    return layout.dtype.kind in "fcS" or layout.is_ragged


def _widened_for_missing(layout: Layout, array: Array) -> Layout | None:
    """Return floats for integers with gaps, where floats hold them exactly."""
    exact = layout.dtype.kind in "iu" and as_dtype(array, np.dtype(np.float64)) is not None
    return replace(layout, dtype=np.dtype(np.float64)) if exact else None


def _narrowed(array: Array, declared: Field) -> Array:
    dtype = declared.dtype_numpy
    if dtype is None or dtype.kind not in "biufc":
        return array
    if array.dtype.kind in "iu" and dtype.kind in "fc":
        return array  # what came as integers stays so
    cast = as_dtype(array, dtype)
    return array if cast is None else cast


def _ragged_layout(values: Sequence[Any] | Array) -> Layout | None:
    """Return the layout of numeric arrays of several shapes, or None if they are not that."""
    arrays = [as_array([value]) for value in values]
    rows = [array[0] for array in arrays if array is not None and array.dtype.kind in "biufc"]
    if len(rows) != len(values) or not rows or len({row.ndim for row in rows}) != 1:
        return None
    if rows[0].ndim == 0:
        return None
    shape = tuple(int(n) for n in np.max([row.shape for row in rows], axis=0))
    filled = {row.dtype for row in rows if row.size} or {rows[0].dtype}
    return Layout(np.result_type(*filled), shape, is_ragged=True)


def _ragged_block(
    values: Sequence[Any] | Array, layout: Layout, missing: tuple[int, ...]
) -> Block | None:
    """Pad rows to the layout's shape; `Block.shapes` tells what was measured."""
    array = np.full((len(values), *layout.shape), _fill(layout.dtype))
    shapes = np.zeros((len(values), len(layout.shape)), np.int64)
    for number, value in enumerate(values):
        if number in missing:
            continue
        row = as_array([value])
        if (
            row is None
            or row.ndim != len(layout.shape) + 1
            or np.any(np.greater(row.shape[1:], layout.shape))
        ):
            return None
        cast = as_dtype(row[0], layout.dtype) if row.size else row[0].astype(layout.dtype)
        if cast is None:
            return None
        corner = tuple(slice(0, n) for n in cast.shape)
        array[number][corner] = cast
        shapes[number] = cast.shape
    return Block(array, shapes, missing)


def _spread(cast: Array, missing: tuple[int, ...], rows: int, layout: Layout) -> Array:
    """Put rows with values where they belong, among rows without."""
    array = np.full((rows, *layout.shape), _fill(layout.dtype), layout.dtype)
    array[np.setdiff1d(np.arange(rows), missing)] = cast
    return array


def _fill(dtype: np.dtype[Any]) -> Any:
    return np.array(np.nan if dtype.kind in "fc" else 0).astype(dtype)


def _width(array: Array) -> int:
    """Return the bytes of the longest text."""
    return max((len(text.encode("utf-8", "surrogatepass")) for text in array.flat), default=1)


def _utf8(array: Array, layout: Layout) -> Array | None:
    if not layout.is_text or any("\0" in text for text in array.flat):
        return None  # HDF5 ends text at a NUL
    try:
        encoded = np.char.encode(array, "utf-8")
    except UnicodeEncodeError:
        return None
    return encoded if encoded.dtype.itemsize <= layout.dtype.itemsize else None


def _text_block(texts: list[bytes], layout: Layout) -> Block | None:
    if max(map(len, texts), default=0) > layout.dtype.itemsize:
        return None
    return Block(np.array(texts, layout.dtype))
