"""Copies of values that may change: what was received is what is written.

Whatever has a buffer or ``__array__`` becomes an array, collections become lists and dicts, and an
object that no file has a word for becomes its text. An object's own code may run in the process,
so nothing that it raises gets out: it costs that value, and a text that says what it was stands
for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, MappingView, Sequence, Set
from datetime import date, time, timedelta, tzinfo
from enum import Enum
from itertools import islice
from numbers import Number
from pathlib import PurePath
from types import NoneType
from typing import Any
from uuid import UUID

import numpy as np

from .writable import text_of

__all__ = ["FIXED", "Copies", "is_interrupt"]

FIXED: frozenset[type] = frozenset(
    {bool, int, float, complex, str, bytes, NoneType, np.bool_}
    | {np.dtype(code).type for code in "bBhHiIlLqQefdg"}
)
"""Types whose values nobody can change: they are kept as they are."""

_SINGLE = (Number, date, time, timedelta, tzinfo, UUID, PurePath)
"""Types of single values, subclasses too, that nobody changes and formats have words for."""

_EXACT: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    complex: complex.__pos__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    bytearray: bytes,  # which have a word in every format
}
"""How the value of a subclass's object is told without a method of the subclass."""

_ARRAY_METHODS = ("__array__", "__array_interface__", "__array_struct__")

_LEVELS = 100
"""Levels of collections that are kept: arrays have 64 at the most, and files no more."""

_REPEATED = 10**7
"""Items of collections that stand in several places, counted in each: from here on it is a bomb."""

_UNDER_WAY = object()
"""Stands for the copy of a collection that is just being copied."""

_LONGEST_RANGE = 10**7
_LONGEST_REASON = 200


class Copies:
    """Copies that belong together: what stands in several places is copied once."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, Any, int]] = {}
        """What was copied, kept alive so that its id stays its own; its copy and its items."""
        self._items = 0
        self._repeated = 0
        self.lost: list[str] = []
        """Texts that stand for values that could not be copied."""

    def of(self, value: Any, level: int = 0) -> Any:
        """Return what `value` is now; nothing that happens afterwards shows in it.

        It is told in `lost` when that is a text because the value cannot be read, contains itself
        or has too many levels. Only Ctrl-C is raised.
        """
        if type(value) in FIXED:
            return value
        known = self._made.get(id(value))
        before = self._items
        try:
            if known is not None:
                return self._again(known)
            self._made[id(value)] = value, _UNDER_WAY, 1
            copy = self._copy(value, level)
        except BaseException as error:
            if is_interrupt(error):
                raise
            copy = _in_words(value, error)
            self.lost.append(copy)
            self._items = before + 1
        self._made[id(value)] = value, copy, self._items - before
        return copy

    def _again(self, known: tuple[Any, Any, int]) -> Any:
        _, copy, items = known
        if copy is _UNDER_WAY:
            raise _LeftOutError("that contains itself")
        self._items += items
        self._repeated += items
        if self._repeated > _REPEATED:
            self._repeated -= items
            raise _LeftOutError("whose parts are repeated too often")
        return copy

    def _copy(self, value: Any, level: int) -> Any:
        self._items += 1
        if isinstance(value, np.ndarray | np.generic):
            return self._numpy(value, level)
        if isinstance(value, Mapping | list | tuple | deque):
            return self._collection(value, level)
        if isinstance(value, Enum):
            return self.of(value.value, level)
        for builtin, exact in _EXACT.items():
            if isinstance(value, builtin):  # a subclass may do anything when it is asked
                return exact(value)
        return value if isinstance(value, _SINGLE) else self._other(value, level)

    def _other(self, value: Any, level: int) -> Any:
        """Return an array of what has one, items of a collection, and the text of the rest."""
        if _has_array(value):
            array = np.array(np.asarray(value), order="C")
            self._fix_objects(array, level)
            return array[()] if not array.ndim else array
        if isinstance(value, range) and len(value) <= _LONGEST_RANGE:
            return list(value)
        if isinstance(value, Sequence | Set | MappingView) and not isinstance(value, range):
            return self._collection(value, level)
        return str.__str__(str(value))

    def _numpy(self, value: Any, level: int) -> Any:
        if isinstance(value, np.generic) and not isinstance(value, np.void):
            return value
        if _is_masked(value) and np.ma.getmaskarray(value).dtype.names:
            return self.of(value.tolist(), level)  # None where a field is masked
        array = np.array(np.asarray(_unmasked(value)), order="C")  # asarray alone may share
        self._fix_objects(array, level)
        return array[()] if isinstance(value, np.void) else array

    def _fix_objects(self, array: np.ndarray[Any, Any], level: int) -> None:
        """Replace the objects in an array, which is a copy already, by copies."""
        for name in array.dtype.names or ():
            self._fix_objects(array[name], level)
        if array.dtype.kind == "O":
            rows = np.atleast_1d(array)  # a view
            _check_level(level)
            for index in np.ndindex(rows.shape):
                rows[index] = self.of(rows[index], level + 1)

    def _collection(self, value: Any, level: int) -> Any:
        _check_level(level)
        if isinstance(value, Mapping):
            pairs = _pairs(value)
            self._items += len(pairs)
            return {
                key: item if type(item) in FIXED else self.of(item, level + 1)
                for key, item in pairs
            }
        items = _items(value)
        self._items += len(items)
        if FIXED.issuperset(map(type, items)):
            return {*items} if isinstance(value, Set) else items
        return [item if type(item) in FIXED else self.of(item, level + 1) for item in items]


class _LeftOutError(Exception):
    """Why a value cannot be kept, in words of ours."""


def is_interrupt(error: BaseException) -> bool:
    """Tell whether somebody pressed Ctrl-C, which Python raises on the main thread only.

    On another thread, such as that of the RunEngine, it is an object's own code that raises it.
    """
    on_main = threading.current_thread() is threading.main_thread()
    return isinstance(error, KeyboardInterrupt) and on_main


def _items(collection: Any) -> list[Any]:
    """Return the items of a collection; of a subclass of Python's own past its methods."""
    for builtin in (list, tuple, deque):
        if isinstance(collection, builtin):
            iterate: Callable[[Any], Iterable[Any]] = builtin.__iter__
            return [*iterate(collection)]
    return _bounded(collection, len(collection))


def _pairs(mapping: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    """Return the keys and items of a mapping; of a subclass of dict past its methods."""
    if isinstance(mapping, dict):
        return [*dict.items(mapping)]
    return _bounded(mapping.items(), len(mapping))


def _bounded(items: Iterable[Any], length: int) -> list[Any]:
    """Return items that code of others gives, which may never come to an end."""
    found = list(islice(items, length + 1))
    if len(found) > length:
        raise _LeftOutError(f"that has more items than its length of {length}")
    return found


def _check_level(level: int) -> None:
    if level >= _LEVELS:
        raise _LeftOutError(f"nested in {level} others, and no file has so many levels")


def _has_array(value: Any) -> bool:
    if any(hasattr(type(value), name) for name in _ARRAY_METHODS):
        return True
    try:
        memoryview(value).release()
    except TypeError:
        return False
    return True


def _is_masked(value: Any) -> bool:
    """Tell whether an array has a mask; asking of a plain one would import numpy.ma in a run."""
    kind = type(value)
    return kind not in (np.ndarray, np.void) and isinstance(value, np.ma.MaskedArray)


def _unmasked(value: Any) -> Any:
    """Return an array with None where a mask says that nothing was measured."""
    if not _is_masked(value):
        return value
    mask = np.ma.getmaskarray(value)
    if not mask.any():
        return value.data
    array: np.ndarray[Any, Any] = np.array(value.data, object)
    array[mask] = None
    return array


def _in_words(value: Any, error: BaseException) -> str:
    """Return a text that says what a value was that cannot be kept, and why."""
    try:
        reason = str.__str__(str(error))[:_LONGEST_REASON]
    except BaseException as another:
        if is_interrupt(another):
            raise
        reason = ""
    if not isinstance(error, _LeftOutError):
        reason = ": ".join(filter(None, (f"that raises {_class_name(error)}", reason)))
    return text_of(f"{_class_name(value)} {reason}")


def _class_name(value: Any) -> str:
    return str(type.__dict__["__qualname__"].__get__(type(value)))  # past its metaclass
