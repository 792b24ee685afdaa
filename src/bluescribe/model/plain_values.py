"""Tells whether values are such as every format can write, as nearly all are: by their types."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from types import NoneType
from typing import Any

import numpy as np

from .run import Page

__all__ = ["PLAIN", "is_number", "is_plain", "is_plain_event", "is_plain_page", "is_short"]

_MOST_DIGITS = min(4_300, sys.get_int_max_str_digits() or 4_300)
"""Of an integer: Python prints and reads no more unless it is told to."""

_NUMPY = frozenset(np.dtype(code).type for code in "?bBhHiIlLqQefdgFDGMm")
PLAIN: frozenset[type] = frozenset({float, str, bool, NoneType, complex, bytes, *_NUMPY})
"""Types whose every value can be written; integers are too, up to a length."""

_NUMBERS = PLAIN - {str, bytes}
_TEXT = frozenset({str})
_TOO_LARGE: int = 10**_MOST_DIGITS

_FEW_LEVELS = 6
_MANY = 32
"""Values from which on a set of their types is made sooner than a loop is gone through."""


def is_plain_event(doc: Mapping[str, Any]) -> bool:
    """Tell whether the values of an event, and their times, are plain; its keys are not looked at.

    It is asked of each event of a format that takes no pages.
    """
    data, stamps = doc["data"].values(), doc["timestamps"].values()
    return (PLAIN.issuperset(map(type, data)) or _are_plain(data, _FEW_LEVELS)) and (
        PLAIN.issuperset(map(type, stamps)) or _are_plain(stamps, _FEW_LEVELS)
    )


def is_plain_page(page: Page) -> bool:
    """Tell whether all values of a page are plain; it is asked of each."""
    columns = (page.seq_num, page.time, *page.data.values(), *page.timestamps.values())
    return _TEXT.issuperset(map(type, chain(page.data, page.timestamps))) and _are_plain(
        columns, _FEW_LEVELS
    )


def is_number(value: Any) -> bool:
    """Tell whether a value is one plain number, or nothing."""
    kind = type(value)
    return kind in _NUMBERS or (kind is int and is_short(value))


def is_plain(value: Any, levels: int = _FEW_LEVELS) -> bool:
    """Tell whether a value holds nothing but what all formats can write, as nearly all do."""
    return _are_plain((value,), levels)


def _are_plain(values: Iterable[Any], levels: int) -> bool:
    for value in values:
        kind = type(value)
        if kind is float or kind in PLAIN:
            continue
        if kind is dict:
            if not (levels and _has_plain_keys(value) and _are_plain(value.values(), levels - 1)):
                return False
        elif kind is list or kind is tuple:
            if not (levels and (_is_flat(value) or _are_plain(value, levels - 1))):
                return False
        elif not _is_plain_other(value, kind):
            return False
    return True


def _is_plain_other(value: Any, kind: type) -> bool:
    if kind is int:
        return is_short(value)
    return kind is array or (kind is np.ndarray and not bool(value.dtype.hasobject))


def _has_plain_keys(mapping: dict[Any, Any]) -> bool:
    return _TEXT.issuperset(map(type, mapping))


def _is_flat(values: Sequence[Any]) -> bool:
    """Tell whether many values are plain, sooner than by a look at each."""
    if len(values) <= _MANY:
        return False
    kinds = {*map(type, values)}
    return kinds <= PLAIN or (kinds == {int} and is_short(min(values)) and is_short(max(values)))


def is_short(value: int) -> bool:
    """Tell whether Python prints and reads an integer."""
    return -_TOO_LARGE < value < _TOO_LARGE
