"""Copies of what a document's producer may use again: the arrays and containers inside it."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

import numpy as np

__all__ = ["snapshot"]

_FIXED: frozenset[type] = frozenset(
    {bool, int, float, complex, str, bytes, NoneType, np.bool_}
    | {np.dtype(code).type for code in "bBhHiIlLqQefdg"}
)
"""Types whose values nobody can change: they are kept as they are."""


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
        The document and the bytes of the arrays that now exist twice.
    """
    try:
        if name == "event":
            data = doc["data"]
            if _FIXED.issuperset(map(type, data.values())):
                return doc, 0
            values = {k: v if type(v) in _FIXED else _copy(v, {}) for k, v in data.items()}
            return {**doc, "data": values}, _array_bytes(values)
        copy = _copy(doc, {})
        return copy, _array_bytes(copy["data"]) if name == "event_page" else 0
    except (TypeError, KeyError, AttributeError, RecursionError):
        return doc, 0


def _copy(value: Any, copies: dict[int, Any]) -> Any:
    """Copy containers and arrays down to what cannot change; `copies` ends a cycle."""
    if type(value) in _FIXED:
        return value
    if isinstance(value, np.ndarray):
        return value.copy()
    if id(value) in copies:
        return copies[id(value)]
    if isinstance(value, Mapping | list | tuple):
        return _copy_container(value, copies)
    return value


def _copy_container(value: Any, copies: dict[int, Any]) -> Any:
    if isinstance(value, Mapping):
        mapping: dict[Any, Any] = {}
        copies[id(value)] = mapping
        mapping.update((key, _copy(item, copies)) for key, item in value.items())
        return mapping
    if _FIXED.issuperset(map(type, value)):
        return list(value)
    items: list[Any] = []
    copies[id(value)] = items
    items.extend(_copy(item, copies) for item in value)
    return items


def _array_bytes(columns: Mapping[str, Any]) -> int:
    return sum(c.nbytes if isinstance(c, np.ndarray) else 0 for c in columns.values())
