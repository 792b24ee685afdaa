"""Documents whose every value can be written.

A value that no format can hold, or whose own code raises when it is looked at, costs itself and
nothing beside it: a text that says what it was stands in its place. That is done once, on the
writer's thread, before a document reaches a format, and no format meets a value that raises.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date, time
from enum import Enum
from typing import Any

import numpy as np

from .plain_values import PLAIN, is_plain, is_short

__all__ = ["Unwritable", "text_of", "writable"]

MOST_LEVELS = 200
"""Levels of nested values. JSON of more is not read everywhere, Python's own module included."""

_MOST_CONTAINERS = 300_000
"""Lists and dictionaries in one document, counted each time that they stand somewhere."""

_MOST_COUNTED = 100_000
"""Digits up to which they are counted exactly."""

_LONGEST = 200
"""Characters of what an error says, in a text that stands in a value's place."""


@dataclass(frozen=True, slots=True)
class Unwritable:
    """A value that cannot be written."""

    path: tuple[str, ...]
    """Keys and indices that lead to it from its document."""
    cause: str
    """What it is: ``list that contains itself``."""

    @property
    def text(self) -> str:
        """What stands in its place."""
        return text_of(self.cause)


def text_of(cause: str) -> str:
    """Return what stands in the place of a value that cannot be written."""
    return f"<unwritable: {cause}>"


def writable(doc: Any) -> tuple[Any, list[Unwritable]]:
    """Return a document that every format can write, and what was replaced for that.

    Values that need nothing are the same objects. Subclasses of Python's types become those types,
    keys become text, and objects that are no data become what Python prints, or a text that says
    why it cannot: whatever their code does, nothing is raised. What is no document comes back.
    """
    try:
        if is_plain(doc) or not issubclass(type(doc), Mapping):
            return doc, []
        walk = _Walk()
        return walk.value(doc), walk.found
    except BaseException as error:
        return None, [Unwritable((), f"document {_raised(error)}")]


class _Walk:
    """Goes through a document, and copies what it goes through."""

    def __init__(self) -> None:
        self.found: list[Unwritable] = []
        self._path: list[str] = []
        self._above: set[int] = set()
        """Containers that the walk is inside of, by id."""
        self._containers = 0

    def value(self, value: Any) -> Any:
        """Return a value as it can be written; nothing that it does is raised."""
        kind, level = type(value), len(self._path)
        if kind in PLAIN:
            return value
        try:
            return self._of_kind(value, kind)
        except BaseException as error:  # SystemExit too: it would end the writer's thread
            del self._path[level:]
            return self._replaced(f"{_name(kind)} {_raised(error)}")

    def _of_kind(self, value: Any, kind: type) -> Any:
        if issubclass(kind, np.ndarray):
            return self._array(value)
        if issubclass(kind, Enum):
            return self.value(value.value)
        if kind is np.void and value.dtype.hasobject:
            return self.value(value.item())
        if issubclass(kind, Mapping | list | tuple | Set):
            return self._container(value, kind)
        return self._single(value, kind)

    def _replaced(self, cause: str) -> str:
        self.found.append(Unwritable(tuple(self._path), cause))
        return text_of(cause)

    def _container(self, value: Any, kind: type) -> Any:
        cause = self._refusal(value, kind)
        if cause:
            return self._replaced(cause)
        self._containers += 1
        self._above.add(id(value))
        try:
            if issubclass(kind, Mapping):
                return self._mapping(_items(value, kind))
            return self._sequence(_elements(value, kind))
        finally:
            self._above.discard(id(value))

    def _refusal(self, value: Any, kind: type) -> str:
        """Return why a container cannot be gone into; nothing if it can."""
        if id(value) in self._above:
            return f"{_name(kind)} that contains itself"
        if len(self._above) >= MOST_LEVELS:
            return f"values nested more than {MOST_LEVELS} levels deep"
        if self._containers >= _MOST_CONTAINERS:
            return f"{_name(kind)} beyond {_MOST_CONTAINERS} others in one document"
        return ""

    def _mapping(self, items: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
        pairs = [(key, self._key(key), item) for key, item in items]
        taken = {key for key, _, _ in pairs if type(key) is str}
        mapping: dict[str, Any] = {}
        for key, text, item in pairs:
            name = text if type(key) is str else _free(text, key, taken)
            taken.add(name)
            self._path.append(name)
            mapping[name] = self.value(item)
            self._path.pop()
        return mapping

    def _key(self, key: Any) -> str:
        text = self._single(key, type(key)) if type(key) is not str else key
        return text if type(text) is str else str(text)

    def _sequence(self, values: list[Any]) -> list[Any]:
        if is_plain(values, 1):
            return values
        result = []
        for index, item in enumerate(values):
            self._path.append(str(index))
            result.append(self.value(item))
            self._path.pop()
        return result

    def _array(self, value: Any) -> Any:
        """Return an array without a class of its own, and without objects that raise."""
        array = np.ndarray.view(value, np.ndarray)
        if issubclass(type(value), np.ma.MaskedArray) and np.any(mask := np.ma.getmask(value)):
            array = array.astype(object)
            array[mask] = None
        if not array.dtype.hasobject:
            return array
        if array.dtype.kind != "O" or array.ndim == 0:  # records
            return self.value(array.tolist())
        flat = np.empty(array.size, object)
        for index, item in enumerate(self._container(array.ravel().tolist(), list)):
            flat[index] = item
        return flat.reshape(array.shape)

    def _single(self, value: Any, kind: type) -> Any:
        """Return what is no container: as a type of Python's or numpy's, or else as text."""
        try:
            value = _own_type(value, kind)
            if type(value) is int and not is_short(value):
                return self._replaced(f"integer of {_digits(value)} digits")
            return value if type(value) in _SINGLE else _printed(value)
        except BaseException as error:
            return self._replaced(f"{_name(kind)} {_raised(error)}")


_SINGLE = PLAIN | {int, bytearray, np.void}


_OF_BUILT_IN: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (int, int.__int__),
    (float, float.__float__),
    (complex, complex.__complex__),
    (str, str.__str__),
    (bytes, lambda value: bytes.__getitem__(value, slice(None))),
    (bytearray, lambda value: bytearray.__getitem__(value, slice(None))),
    (np.generic, np.generic.item),
)


def _own_type(value: Any, kind: type) -> Any:
    """Return an instance of a subclass as one of the class, whatever its methods say."""
    if kind not in _SINGLE:
        for built_in, made in _OF_BUILT_IN:
            if issubclass(kind, built_in):
                return made(value)
    return value


def _printed(value: Any) -> str:
    """Return what Python prints; a time in ISO 8601."""
    text = value.isoformat() if issubclass(type(value), date | time) else str(value)
    return str.__str__(text)


def _items(value: Any, kind: type) -> Iterable[tuple[Any, Any]]:
    """Return the items of a mapping; those of a dictionary as they are, whatever it says."""
    if issubclass(kind, OrderedDict):
        return list(OrderedDict.items(value))
    if issubclass(kind, dict):
        return list(dict.items(value))
    return [(key, value[key]) for key in value]


def _elements(value: Any, kind: type) -> list[Any]:
    for builtin in (list, tuple, set, frozenset):
        if issubclass(kind, builtin):
            elements: Iterator[Any] = builtin.__iter__(value)
            return list(elements)
    return list(value)


def _free(text: str, key: Any, taken: Set[str]) -> str:
    """Return the text of a key that was none, with its type where another key has this text."""
    if text not in taken:
        return text
    name = plain = f"{text} ({_name(type(key))})"
    number = 1
    while name in taken:
        number += 1
        name = f"{plain} {number}"
    return name


def _digits(value: int) -> int:
    """Return the number of digits; for one that nobody can print it would be slow to count them."""
    digits = math.floor((abs(value).bit_length() - 1) * math.log10(2)) + 1
    return digits + (digits < _MOST_COUNTED and abs(value) >= 10**digits)


def _name(kind: type) -> str:
    """Return the name of a type, whatever its metaclass says."""
    return str(type.__dict__["__name__"].__get__(kind))


def _raised(error: BaseException) -> str:
    """Return what went wrong; an error that cannot be printed is named by its type."""
    try:
        said = " ".join(str(error).split())[:_LONGEST]
    except BaseException:
        said = ""
    return f"that raises {_name(type(error))}" + (f": {said}" if said else "")
