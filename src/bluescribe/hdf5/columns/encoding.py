"""Rows of a column as its dataset holds them, and back."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np

from ...files.json_text import dumps
from ...model.numbers import has_nan, is_integer, is_number
from ...model.values import Array, as_array, as_dtype, hides_truth
from .layout import Layout
from .records import as_records

__all__ = ["Block", "decode", "encode"]

_LARGE_BYTES = 4096
"""Arrays from here on are not stacked."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a column, encoded."""

    array: Array | list[Array]
    """A list of large arrays, all of one shape and type: stacking them would copy them all."""
    shapes: Array | None = None
    """The shape of each row of a ragged column."""
    missing: tuple[int, ...] = ()
    """Rows, counted in this block, for which no value was given; they hold NaN or nothing."""
    measured: tuple[tuple[int, np.dtype[Any]], ...] = ()
    """Types that rows of this block had before one made the column wider: up to which row."""


def encode(values: Sequence[Any] | Array, layout: Layout) -> Block | None:
    """Return rows in a layout, or None where one of them does not fit it exactly.

    Of several values, what comes back is what each alone would have become.
    """
    block = _at_once(values, layout)
    if block is not None or len(values) < 2:
        return block
    half = len(values) // 2
    first = encode(values[:half], layout)  # those that no array holds together may fit alone
    second = None if first is None else encode(values[half:], layout)
    return None if first is None or second is None else _joined(first, second)


def decode(block: Block, layout: Layout) -> list[Any]:
    """Return rows that were encoded as the values that they were."""
    array = np.asarray(block.array)
    if layout.is_json:
        return [json.loads(text) for text in array.tolist()]
    if layout.is_text:
        array = np.char.decode(array, "utf-8")
    are_rows = array.ndim > 1 or array.dtype.names
    rows: list[Any] = list(array) if are_rows else array.tolist()
    if block.shapes is not None:
        shapes = block.shapes.tolist()
        rows = [row[tuple(map(slice, shape))] for row, shape in zip(rows, shapes, strict=True)]
    for row in block.missing:
        rows[row] = None
    return rows


def _at_once(values: Sequence[Any] | Array, layout: Layout) -> Block | None:
    if layout.is_json:
        return _text_block([dumps(value) for value in values], layout)
    if layout.is_open:
        return _nothing(len(values)) if _has_nothing(values) else None
    if layout.is_ragged:
        return _ragged_block(values, layout, _missing_rows(values))
    rows = _as_they_are(values, layout)
    if rows is not None:
        return Block(rows)
    array = _as_array(values, layout) if len(values) else None
    if array is not None:  # most columns have all values: only others are searched for gaps
        cast = _cast(values, array, layout)
        return None if cast is None else Block(cast)
    return _gappy_block(values, layout)


def _as_they_are(values: Sequence[Any] | Array, layout: Layout) -> Array | list[Array] | None:
    """Return rows that are in the type of the layout already, as all times are; else None."""
    if isinstance(values, np.ndarray):
        is_one = values.dtype == layout.dtype and values.shape[1:] == layout.shape
        return values if is_one else None
    first = _alike(values)
    if first is None or first.dtype != layout.dtype or first.shape != layout.shape:
        return None
    return list(values)


def _joined(first: Block, second: Block) -> Block:
    """Return the rows of two blocks as one."""
    rows = len(first.array)
    shapes = None
    if first.shapes is not None and second.shapes is not None:
        shapes = np.concatenate([first.shapes, second.shapes])
    missing = (*first.missing, *(rows + row for row in second.missing))
    return Block(np.concatenate([first.array, second.array]), shapes, missing)


def _nothing(rows: int) -> Block:
    return Block(np.full(rows, np.nan), missing=tuple(range(rows)))


def _has_nothing(values: Sequence[Any] | Array) -> bool:
    return all(value is None for value in values)


def _gappy_block(values: Sequence[Any] | Array, layout: Layout) -> Block | None:
    missing = _missing_rows(values)
    if missing and not layout.takes_missing:
        return None
    present = [value for value in values if value is not None] if missing else values
    array = (
        _as_array(present, layout) if len(present) else np.empty((0, *layout.shape), layout.dtype)
    )
    cast = None if array is None else _cast(present, array, layout)
    if cast is None:
        return None
    return Block(_spread(cast, missing, len(values), layout) if missing else cast, missing=missing)


def _as_array(values: Sequence[Any] | Array, layout: Layout) -> Array | None:
    if layout.dtype.names:
        return as_records(values)
    return as_array(values)


def _cast(values: Sequence[Any] | Array, array: Array, layout: Layout) -> Array | None:
    """Return values, and the array that they are together, in the type of the layout."""
    if array.shape[1:] != layout.shape or (layout.is_text and array.dtype.kind not in "US"):
        return None
    if array.dtype == layout.dtype:
        return array
    if is_integer(array.dtype) and layout.kind != "integer" and hides_truth(values, array):
        return None
    return _utf8(array, layout) if array.dtype.kind == "U" else as_dtype(array, layout.dtype)


def _alike(values: Sequence[Any] | Array) -> Array | None:
    """Return the first of several large arrays of one shape and native type, or None."""
    first = values[0] if isinstance(values, list) and values else None
    if not isinstance(first, np.ndarray) or first.nbytes < _LARGE_BYTES:
        return None
    shape, dtype = first.shape, first.dtype
    are_alike = (
        dtype.isnative
        and is_number(dtype)
        and all(
            isinstance(value, np.ndarray) and value.shape == shape and value.dtype == dtype
            for value in values
        )
    )
    return first if are_alike else None


def _missing_rows(values: Sequence[Any] | Array) -> tuple[int, ...]:
    if type(values) is array or (isinstance(values, np.ndarray) and values.dtype != object):
        return ()
    if NoneType not in set(map(type, values)):
        return ()
    return tuple(row for row, value in enumerate(values) if value is None)


def _ragged_block(
    values: Sequence[Any] | Array, layout: Layout, missing: tuple[int, ...]
) -> Block | None:
    """Pad rows to the layout's shape; `Block.shapes` tells what was measured."""
    array = np.full((len(values), *layout.shape), _fill(layout.dtype))
    shapes = np.zeros((len(values), len(layout.shape)), np.int64)
    for number, value in enumerate(values):
        if value is None:
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
        array[number][tuple(map(slice, cast.shape))] = cast
        shapes[number] = cast.shape
    return Block(array, shapes, missing)


def _spread(cast: Array, missing: tuple[int, ...], rows: int, layout: Layout) -> Array:
    """Put rows with values where they belong, among rows without."""
    array = np.full((rows, *layout.shape), _fill(layout.dtype), layout.dtype)
    array[np.setdiff1d(np.arange(rows), missing)] = cast
    return array


def _fill(dtype: np.dtype[Any]) -> Any:
    if dtype.names:
        return np.zeros((), dtype)
    return np.array(np.nan if has_nan(dtype) else 0).astype(dtype)


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
