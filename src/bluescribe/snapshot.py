"""Copies of what a document's producer may use again: the arrays and containers inside it."""

from __future__ import annotations

from collections.abc import Mapping, ValuesView
from types import NoneType
from typing import Any, TypeAlias

import numpy as np

__all__ = ["are_fixed", "snapshot"]

_FIXED: frozenset[type] = frozenset(
    {bool, int, float, complex, str, bytes, NoneType, np.bool_}
    | {np.dtype(code).type for code in "bBhHiIlLqQefdg"}
)
"""Types whose values nobody can change: they are kept as they are."""

_MANY = 32
"""Values from which on a set of their types is made sooner than a loop is gone through."""

_POINTER = 8
"""Bytes that an item of a list takes at the least."""

_LEVELS = 4
"""Levels of nested lists that are looked into for their size."""

_Copies: TypeAlias = dict[int, tuple[Any, Any]]
"""What was copied, kept alive so that its id stays its own, and its copy; by id."""


def snapshot(name: str, doc: Any) -> tuple[Any, int]:
    """Return `doc` so that its producer may go on using what it put in.

    Parameters
    ----------
    name
        The document's name, as the RunEngine gives it.
    doc
        The document. An event of plain numbers and strings is returned itself, which costs a
        microsecond; of any other event the arrays and lists are copied, of other documents
        everything. A damaged document comes back as far as it could be copied: the router
        reports it, off the RunEngine's thread.

    Returns
    -------
    tuple
        The document and about how many bytes its arrays and lists of values take.
    """
    try:
        if name == "event":
            data = doc["data"]
            if are_fixed(data.values()):
                return doc, 0
            values = {k: v if type(v) in _FIXED else _copy(v, {}) for k, v in data.items()}
            return {**doc, "data": values}, sum(map(_bytes, values.values()))
        copy = _copy(doc, {})
        return copy, sum(map(_bytes, copy["data"].values())) if name == "event_page" else 0
    except Exception:  # whatever it is, the scan goes on
        return doc, 0


def are_fixed(values: ValuesView[Any]) -> bool:
    """Tell whether nobody can change any of the values."""
    if len(values) > _MANY:
        return _FIXED.issuperset({*map(type, values)})
    for value in values:  # with cold caches quicker than a set and map
        kind = type(value)
        if kind is not float and kind not in _FIXED:
            return False
    return True


def _copy(value: Any, copies: _Copies) -> Any:
    """Copy containers and arrays down to what cannot change, each once: a cycle has an end."""
    if type(value) in _FIXED:
        return value
    if id(value) in copies:
        return copies[id(value)][1]
    if isinstance(value, np.ndarray):
        array = _unmasked(value) if type(value) is not np.ndarray else value.copy()
        copies[id(value)] = value, array
        return array
    if isinstance(value, Mapping | list | tuple):
        return _copy_container(value, copies)
    return value.copy() if isinstance(value, set | bytearray) else value


def _unmasked(value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a copy in which None stands where a mask says that nothing was measured."""
    if not isinstance(value, np.ma.MaskedArray):
        return value.copy()
    mask = np.ma.getmaskarray(value)
    if not mask.any():
        return np.array(value.data)
    array: np.ndarray[Any, Any] = np.array(value.data, object)
    array[mask] = None
    return array


def _copy_container(value: Any, copies: _Copies) -> Any:
    if isinstance(value, Mapping):
        mapping: dict[Any, Any] = {}
        copies[id(value)] = value, mapping
        mapping.update((key, _copy(item, copies)) for key, item in value.items())
        return mapping
    if _FIXED.issuperset(map(type, value)):
        return list(value)
    items: list[Any] = []
    copies[id(value)] = value, items
    items.extend(_copy(item, copies) for item in value)
    return items


def _bytes(value: Any) -> int:
    """Return about how much memory an array, or a column of them, takes."""
    items = 0
    for _ in range(_LEVELS):
        if isinstance(value, np.ndarray):
            return max(items, 1) * value.nbytes
        if not isinstance(value, list) or not value:
            break
        items = max(items, 1) * len(value)
        value = value[0]
    return items * _POINTER
