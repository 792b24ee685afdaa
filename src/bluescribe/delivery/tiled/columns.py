"""What the columns of a run hold, learned from its journal, and documents that fit them.

A column on the server has one type, that of the first batch, and refuses or bends what comes
later. Here it is known what comes later, as far as the journal goes: integers are sent as floats
where floats follow, arrays with a type that holds them all, and what has no common type as JSON
text, of which the run's notes tell.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...model.run import Document

__all__ = ["Column", "Columns"]

_EXACT = 2**53
"""Integers up to here are floats without loss."""


@dataclass
class Column:
    """One field of a stream: the one type in which all of its values are sent."""

    kind: str = "none"
    """none, bool, int, float, str, array, or text: what has no type of its own."""
    dtype: np.dtype[Any] | None = None
    shape: tuple[int, ...] = ()
    """Of each value of an array."""
    is_sent: bool = False
    """Whether the server has a column for it."""
    _has_none: bool = field(default=False, repr=False)
    _largest: int = field(default=0, repr=False)
    """Absolute value of the integers."""

    def learn(self, value: Any) -> bool:
        """Make room for a value; return whether the column was another one until now."""
        before = (self.kind, self.dtype, self.shape)
        if self.kind != "text":
            if isinstance(value, list):
                self._learn_array(value)
            else:
                self._learn_scalar(value)
        return before != (self.kind, self.dtype, self.shape)

    def fit(self, value: Any) -> Any:
        """Return a value as it is sent."""
        if self.kind == "float":
            return float("nan") if value is None else float(value)
        if self.kind == "text" and value is not None:
            return json.dumps(value)
        return value

    def declare(self, key: Document) -> Document:
        """Return the data key as it is to be declared to the server."""
        if self.kind == "array":
            dtype = str(self.dtype.str) if self.dtype is not None else None
            return {**key, "dtype": "array", "shape": list(self.shape), "dtype_numpy": dtype}
        if key.get("dtype") == "array" and self.kind != "none":
            plain = {k: v for k, v in key.items() if not k.startswith("dtype_")}
            return {**plain, "dtype": _DTYPES[self.kind], "shape": []}
        return key

    def _learn_scalar(self, value: Any) -> None:
        kind = _kind(value)
        self._has_none |= kind == "none"
        if self.kind == "array":
            self._become_text()
            return
        if kind == "int":
            self._largest = max(self._largest, abs(value))
        self.kind = _join(self.kind, kind)
        if self.kind == "text" or (self.kind == "float" and self._largest > _EXACT):
            self._become_text()

    def _learn_array(self, value: list[Any]) -> None:
        array = _array(value)
        is_first = self.kind == "none"
        if (
            array is None
            or self._has_none
            or not (is_first or (self.kind == "array" and array.shape == self.shape))
        ):
            self._become_text()
            return
        self.kind, self.shape = "array", array.shape
        self.dtype = _holding(self.dtype, array)
        if array.dtype.kind in "iu":
            self._largest = max(self._largest, int(array.max()), -int(array.min()))
        if self.dtype is None or (self.dtype.kind == "f" and self._largest > _EXACT):
            self._become_text()

    def _become_text(self) -> None:
        self.kind, self.dtype, self.shape = "text", None, ()


class Columns:
    """The columns of all streams of a run."""

    def __init__(self) -> None:
        self._columns: dict[str, dict[str, Column]] = {}
        """By stream and field."""
        self._of_descriptor: dict[str, dict[str, Column]] = {}
        self._stream_of: dict[str, str] = {}

    def learn(self, documents: list[tuple[str, Document]]) -> bool:
        """Learn from documents; return whether what was sent before does not hold any more."""
        is_outdated = False
        for name, doc in documents:
            if name == "descriptor":
                self._learn_descriptor(doc)
            for key, value in _values(name, doc):
                column = self._of_descriptor.get(doc["descriptor"], {}).get(key)
                if column is not None:
                    is_outdated |= column.learn(value) and column.is_sent
        return is_outdated

    def forget_sent(self) -> None:
        """Know that the server has nothing."""
        for columns in self._columns.values():
            for column in columns.values():
                column.is_sent = False

    def fit_descriptor(self, doc: Document) -> Document:
        """Return a descriptor that declares what is sent."""
        columns = self._columns.get(doc["name"], {})
        keys = {
            key: columns[key].declare(said) if key in columns else said
            for key, said in doc["data_keys"].items()
        }
        for key, said in keys.items():
            if key in columns and said.get("dtype") == "array":
                columns[key].is_sent = True
        return {**doc, "data_keys": keys}

    def fit_event(self, doc: Document) -> Document:
        """Return an event whose values fit their columns."""
        columns = self._of_descriptor.get(doc["descriptor"], {})
        data = {k: columns[k].fit(v) if k in columns else v for k, v in doc["data"].items()}
        for key in data:
            if key in columns:
                columns[key].is_sent = True
        return {**doc, "data": data}

    def notes(self) -> Iterator[str]:
        """Tell what is sent in another form than it was measured in."""
        for stream, columns in self._columns.items():
            for key, column in columns.items():
                if column.kind == "text":
                    yield (
                        f"Values of '{key}' in stream '{stream}' have no common type: "
                        "they are kept as JSON text."
                    )

    def _learn_descriptor(self, doc: Document) -> None:
        columns = self._columns.setdefault(str(doc["name"]), {})
        for key, said in doc["data_keys"].items():
            if "external" not in said:
                columns.setdefault(key, Column(dtype=_declared(said)))
        self._of_descriptor[doc["uid"]] = columns


_TYPES: dict[str, set[type]] = {"b": {bool}, "U": {str}}
"""What lists hold that become arrays, by the kind of the array; numbers are the rest."""

_ROOM = 16
"""Characters."""

_DTYPES = {"bool": "boolean", "int": "integer", "float": "number", "str": "string"}
_DTYPES["text"] = "string"

_WIDER = {("int", "float"): "float", ("float", "int"): "float"}


def _kind(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "text"
    kind = type(value).__name__
    return kind if kind in _DTYPES else "text"


def _join(one: str, other: str) -> str:
    if other in (one, "none"):
        return one
    return other if one == "none" else _WIDER.get((one, other), "text")


def _array(value: list[Any]) -> np.ndarray[Any, Any] | None:
    """Return a list as an array of numbers or text; None when it is none that can be stored."""
    try:
        array = np.array(value)
        if array.dtype.kind == "f" and set(map(type, _items(value, array.ndim))) == {int}:
            array = np.array(value, np.uint64)  # numpy made floats of them
    except (ValueError, OverflowError):  # ragged, or beyond 64 bits
        return None
    # numpy makes text of numbers beside text, and numbers of truth values beside numbers
    types = set(map(type, _items(value, array.ndim)))
    is_plain = array.dtype.kind in "biufU" and types <= _TYPES.get(array.dtype.kind, {int, float})
    return array if is_plain and array.size else None


def _items(value: list[Any], rank: int) -> Iterable[Any]:
    items: Iterable[Any] = value
    for _ in range(rank - 1):
        items = itertools.chain.from_iterable(items)
    return items


def _holding(dtype: np.dtype[Any] | None, array: np.ndarray[Any, Any]) -> np.dtype[Any] | None:
    """Return a type that holds what `dtype` holds and an array too; None when there is none."""
    if array.dtype.kind == "U":
        return _text_type(dtype, array)
    if dtype is None or _holds(dtype, array):
        return array.dtype if dtype is None else dtype
    if (dtype.kind in "bU" or array.dtype.kind == "b") and dtype.kind != array.dtype.kind:
        return None
    wider = np.result_type(dtype, array.dtype)
    return wider if _holds(wider, array) else None


def _text_type(dtype: np.dtype[Any] | None, array: np.ndarray[Any, Any]) -> np.dtype[Any] | None:
    """Return a type for text with room for more, as longer text makes all be sent again."""
    if dtype is not None and dtype.kind != "U":
        return None
    longest = max(array.dtype.itemsize, 0 if dtype is None else dtype.itemsize) // 4
    return np.dtype(f"<U{max(_ROOM, 1 << (longest - 1).bit_length())}")


def _holds(dtype: np.dtype[Any], array: np.ndarray[Any, Any]) -> bool:
    if (dtype.kind in "bU" or array.dtype.kind == "b") and dtype.kind != array.dtype.kind:
        return False
    if dtype.kind in "iu" and array.dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return bool(limits.min <= int(array.min()) and int(array.max()) <= limits.max)
    with np.errstate(all="ignore"):
        back = array.astype(dtype).astype(array.dtype)
    return np.array_equal(back, array, equal_nan=array.dtype.kind == "f")


def _declared(key: Document) -> np.dtype[Any] | None:
    """Return the type of an array's items that a descriptor declares, if it is one."""
    try:
        dtype = np.dtype(key["dtype_numpy"]) if key.get("dtype") == "array" else None
    except (KeyError, TypeError, ValueError):
        return None
    return dtype if dtype is not None and dtype.kind in "biuf" else None


def _values(name: str, doc: Document) -> Iterator[tuple[str, Any]]:
    if name == "event":
        yield from doc["data"].items()
    elif name == "event_page":
        for key, column in doc["data"].items():
            for value in column:
                yield key, value
