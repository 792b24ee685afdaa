"""Columns of measured values as arrays that hold every one of them exactly, or not at all."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Array", "as_array", "as_dtype", "elements", "has_truth", "hides_truth"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_KINDS = "biufcU"
"""Kinds of arrays that are taken as they are: not times, bytes or structures."""

_SCALARS: dict[frozenset[type], str] = {
    frozenset({float}): "float",
    frozenset({bool}): "bool",
    frozenset({int}): "int",
    frozenset({bool, int}): "int",
    frozenset({int, float}): "mixed",
    frozenset({bool, float}): "none",
    frozenset({bool, int, float}): "none",
    frozenset({complex}): "complex",
    frozenset({complex, float}): "complex",
    frozenset({str}): "text",
}


def as_array(values: Sequence[Any] | Array) -> Array | None:
    """Return a column as one array, or None where no dtype holds all of it exactly.

    Parameters
    ----------
    values
        One value a row: numbers, booleans, text, arrays or nested lists.

    Returns
    -------
    ndarray or None
        Rows first. Its dtype is boolean, integer, floating, complex or text (``<U``). None for
        ragged or mixed rows, for None among the rows, for integers beyond 64 bits, and where an
        integer would have to go through a float that cannot hold it.
    """
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "O":
            return as_array(values.tolist())
        return values if values.dtype.kind in _KINDS else None
    if type(values) is array or not len(values):
        return np.asarray(values)  # of Python's floats or integers: a view
    types = frozenset(map(type, values))
    kind = _SCALARS.get(types)
    if kind is not None:
        return _scalars(values, kind)
    if types <= {list, tuple, np.ndarray}:
        return _stacked([_array(value) for value in values])
    return _numpy_scalars(values, types) if any(issubclass(t, np.generic) for t in types) else None


def as_dtype(array: Array, dtype: np.dtype[Any]) -> Array | None:
    """Return `array` in another dtype, or None where a value would not survive it.

    A float that happens to be whole does not become an integer: what was measured as a float
    stays one.
    """
    if array.dtype == dtype:
        return array
    if array.dtype.kind not in _TAKES.get(dtype.kind, ""):
        return None  # numpy would print numbers as text, and take True for 1.0
    if np.can_cast(array.dtype, dtype, "safe") and not _is_int_to_float(array.dtype, dtype):
        return array.astype(dtype)
    if dtype.kind == "U":
        return None
    with np.errstate(all="ignore"):
        cast = array.astype(dtype)
    return cast if _same(cast, array) else None


def hides_truth(values: Sequence[Any] | Array, packed: Array) -> bool:
    """Tell whether a truth value is a number only because it stands among integers.

    True may become 1 among integers, but alone it is no number.

    Parameters
    ----------
    values
        One a row.
    packed
        What `as_array` made of them.
    """
    is_typed = isinstance(values, np.ndarray | array)
    if is_typed or packed.dtype.kind not in "iu":
        return False
    types = set(map(type, values))
    if types & {list, tuple, np.ndarray}:
        return any(map(_is_truth, values))
    return bool(types & {bool, np.bool_})


def has_truth(value: Any, rank: int) -> bool:
    """Tell whether a truth value is among the elements of nested lists, or is the value itself.

    numpy makes numbers of truth values beside numbers.
    """
    return bool in map(type, elements(value, rank))


def elements(value: Any, rank: int) -> Iterable[Any]:
    """Return the elements of lists that are nested so many times, or a single value."""
    items: Iterable[Any] = [value]
    for _ in range(rank):
        items = chain.from_iterable(items)
    return items


def _is_truth(value: Any) -> bool:
    """Tell whether a row is an array of truth values."""
    first = value
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if not isinstance(first, bool | np.bool_ | np.ndarray):
        return False
    row = value if isinstance(value, np.ndarray) else as_array([value])
    return row is not None and row.dtype.kind == "b"


_TAKES = {"b": "b", "i": "biu", "u": "biu", "f": "iuf", "c": "iufc", "U": "U"}
"""Kinds of values that each kind may take in, value by value."""

_MOST_DIMENSIONS = 32
"""Levels of nested lists that become an array."""


def _is_int_to_float(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    return source.kind in "iu" and target.kind in "fc"


def _same(cast: Array, array: Array) -> bool:
    """Tell whether a cast kept every value, comparing in the type that was cast from."""
    with np.errstate(all="ignore"):
        if array.dtype.kind in "iu" and cast.dtype.kind in "fc":
            return _holds_integers(cast, array)
        if array.dtype.kind == "i" and cast.dtype.kind == "u" and (array < 0).any():
            return False
        if array.dtype.kind == "u" and cast.dtype.kind == "i" and (cast < 0).any():
            return False
        back = (cast if array.dtype.kind == "c" else cast.real).astype(array.dtype)
    return bool(np.array_equal(back, array, equal_nan=array.dtype.kind in "fc"))


def _holds_integers(cast: Array, array: Array) -> bool:
    """Tell whether floats are the integers that they were made of."""
    largest = max(abs(int(array.min())), abs(int(array.max()))) if array.size else 0
    if largest <= 2 ** (np.finfo(cast.dtype).nmant + 1):
        return True
    floats = cast.real
    if not np.isfinite(floats).all():
        return False
    return all(int(f) == int(i) for f, i in zip(floats.flat, array.flat, strict=True))


def _scalars(values: Sequence[Any], kind: str) -> Array | None:
    dtype = _TYPES.get(kind)
    if dtype is not None:
        return np.array(values, dtype)
    match kind:
        case "int":
            return _integers(values)
        case "mixed":
            return np.array(values, np.float64) if _fit_float(values) else None
        case "text":
            return _text(values)
    return None


_TYPES: dict[str, type] = {"float": np.float64, "complex": np.complex128, "bool": np.bool_}


def _fit_float(values: Iterable[Any]) -> bool:
    """Tell whether all integers among `values` are also doubles, and of 64 bits as alone."""
    return all(-(2**53) <= v <= 2**53 or _is_double(v) for v in values if type(v) is int)


def _is_double(value: int) -> bool:
    return -(2**63) <= value < 2**64 and int(float(value)) == value


def _integers(values: Sequence[Any]) -> Array | None:
    for dtype in (np.int64, np.uint64):
        try:
            return np.array([int(v) for v in values] if dtype is np.uint64 else values, dtype)
        except OverflowError:
            continue
    return None


def _text(values: Sequence[str]) -> Array | None:
    """Keep text that a fixed-width array can hold: it loses NULs at the end."""
    if any(value.endswith("\0") for value in values):
        return None
    return np.array(values, np.str_)


def _numpy_scalars(values: Sequence[Any], types: frozenset[type]) -> Array | None:
    """Keep the dtype that all share; pack scalars of several types by their Python values."""
    if len(types) == 1 and np.dtype(next(iter(types))).kind in "biufc":
        return np.array(values)
    if any(issubclass(t, np.datetime64 | np.timedelta64) for t in types):
        return None  # item() says integers for some of them
    items = [v.item() if isinstance(v, np.generic) else v for v in values]
    kind = _SCALARS.get(frozenset(map(type, items)))
    return None if kind is None else _scalars(items, kind)


def _array(value: Any) -> Array | None:
    """Return one row's array, exactly; None for ragged or mixed nesting."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "O":
            return _array(value.tolist())
        return value if value.dtype.kind in _KINDS else None
    if not isinstance(value, list | tuple):
        return None
    shape, leaves = _flatten(value)
    if shape is None:
        return None
    flat = as_array(leaves)
    return None if flat is None or flat.ndim != 1 else flat.reshape(shape)


def _flatten(value: Sequence[Any]) -> tuple[tuple[int, ...] | None, list[Any]]:
    """Return the shape and the leaves of nested lists; the shape is None when they are ragged."""
    shape: tuple[int, ...] = (len(value),)
    leaves: list[Any] = list(value)
    above = {id(value)}
    while leaves and _is_nested(leaves[0]):
        width = len(leaves[0])
        is_endless = id(leaves[0]) in above or len(shape) == _MOST_DIMENSIONS
        if is_endless or any(not _is_nested(v) or len(v) != width for v in leaves):
            return None, []
        above.add(id(leaves[0]))
        shape = (*shape, width)
        leaves = [item for row in leaves for item in row]
    return shape, leaves


def _is_nested(value: Any) -> bool:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _stacked(arrays: Sequence[Array | None]) -> Array | None:
    """Stack rows of one shape in the dtype that holds them all."""
    rows = [a for a in arrays if a is not None]
    if len(rows) != len(arrays) or len({a.shape for a in rows}) != 1:
        return None
    dtypes = {a.dtype for a in rows}
    if len(dtypes) == 1 or {d.kind for d in dtypes} == {"U"}:
        return np.stack(rows)
    target = np.result_type(*dtypes)
    is_mixed_sign = target.kind == "f" and all(d.kind in "biu" for d in dtypes)
    for dtype in (np.int64, np.uint64) if is_mixed_sign else (target,):
        cast = [c for a in rows if (c := as_dtype(a, np.dtype(dtype))) is not None]
        if len(cast) == len(rows):
            return np.stack(cast)
    return None
