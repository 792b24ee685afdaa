"""What the columns of a run hold, learned from its journal, and documents that fit them.

A column on the server has one type, that of the first batch, and refuses or bends what comes
later. Here it is known what comes later, as far as the journal goes: integers are sent as floats
where floats follow, arrays with a type that holds them all, and what has no common type as JSON
text, of which the run's notes tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...model.column_type import ColumnType, Kind
from ...model.field import Field
from ...model.run import Document
from ...model.text_width import room_for
from ...model.values import elements, has_truth

__all__ = ["Column", "Columns"]

_DTYPES: dict[Kind, str] = {
    "boolean": "boolean",
    "integer": "integer",
    "real": "number",
    "text": "string",
}
"""What event-model calls a column of single values; there is none of other kinds."""


@dataclass
class Column:
    """One field of a stream: the one type in which all of its values are sent.

    `ColumnType` has the rule. A table of the server has a word for a value that is missing, an
    array has none; neither takes a truth value for a number, nor rows of several shapes.
    """

    declared: np.dtype[Any] | None = None
    """What the descriptor says of the elements of an array."""
    type: ColumnType | None = None
    """None while no value came."""
    is_text: bool = False
    """Whether the values have no type together: each is sent as JSON text."""
    is_sent: bool = False
    """Whether the server has a column for it."""
    _has_none: bool = field(default=False, repr=False)
    _integers: tuple[int, int] = field(default=(0, 0), repr=False)
    """The least and the largest of them, and 0."""

    @property
    def dtype(self) -> str:
        """What event-model calls the type; nothing while there is none."""
        if self.is_text or self.type is None:
            return "string" if self.is_text else ""
        return "array" if self.type.shape else _DTYPES[self.type.kind]

    def learn(self, value: Any) -> bool:
        """Make room for a value; return whether the column was another one until now."""
        before = self._sent_as
        if value is None:
            self._has_none = True
        elif not self.is_text:
            self.type = self._widened(value)
            self.is_text = self.type is None
        self.is_text |= self._has_none and self.dtype == "array"
        return before != self._sent_as

    def fit(self, value: Any) -> Any:
        """Return a value as it is sent."""
        if self.dtype == "number":
            return float("nan") if value is None else float(value)
        return json.dumps(value) if self.is_text and value is not None else value

    def declare(self, key: Document) -> Document:
        """Return the data key as it is to be declared to the server."""
        if self.dtype == "array" and self.type is not None:
            kind, shape = self.type.dtype.str, list(self.type.shape)
            return {**key, "dtype": "array", "shape": shape, "dtype_numpy": kind}
        if key.get("dtype") == "array" and self.dtype:
            plain = {k: v for k, v in key.items() if not k.startswith("dtype_")}
            return {**plain, "dtype": self.dtype, "shape": []}
        return key

    @property
    def _sent_as(self) -> tuple[Any, ...]:
        if self.dtype != "array" or self.type is None:
            return (self.dtype, self.is_text)
        return (self.dtype, self.type.dtype, self.type.shape)

    def _widened(self, value: Any) -> ColumnType | None:
        """Return the type of all values so far and one more; None where they have none."""
        new = ColumnType.of(value, self.declared if isinstance(value, list) else None)
        if new is None or not self._is_taken(new, value):
            return None
        if new.kind == "integer":
            integers = [*self._integers, *elements(value, len(new.shape))]
            self._integers = min(integers), max(integers)
        if self.type is not None and self.type.is_told_apart(new):
            return None
        joined = new if self.type is None else self.type.joined(new)
        return None if joined is None or not self._holds(joined) else _with_room(joined)

    def _is_taken(self, new: ColumnType, value: Any) -> bool:
        """Tell whether the server has a type for a value, among others of its kind."""
        if new.is_hollow or new.kind not in _DTYPES or (not new.shape and new.dtype == np.uint64):
            return False
        return new.kind != "integer" or not has_truth(value, len(new.shape))

    def _holds(self, joined: ColumnType) -> bool:
        """Tell whether all values so far are exact in the type of all of them."""
        return not joined.is_ragged and joined.holds_integers(*self._integers)


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
                if column.is_text:
                    yield (
                        f"Values of '{key}' in stream '{stream}' have no common type: "
                        "they are kept as JSON text."
                    )

    def _learn_descriptor(self, doc: Document) -> None:
        columns = self._columns.setdefault(str(doc["name"]), {})
        for key, said in doc["data_keys"].items():
            if "external" not in said:
                columns.setdefault(key, Column(_declared(said)))
        self._of_descriptor[doc["uid"]] = columns


def _with_room(held: ColumnType) -> ColumnType:
    """Return a type for text with room for more, as longer text makes all be sent again."""
    if held.kind != "text":
        return held
    return replace(held, dtype=np.dtype(f"<U{room_for(held.dtype.itemsize // 4)}"))


def _values(name: str, doc: Document) -> Iterator[tuple[str, Any]]:
    if name == "event":
        yield from doc["data"].items()
    elif name == "event_page":
        for key, column in doc["data"].items():
            for value in column:
                yield key, value


def _declared(key: Document) -> np.dtype[Any] | None:
    """Return the type of an array's elements that a descriptor declares, if it is one."""
    declared = Field.from_data_key("", key)
    return declared.dtype_numpy if declared.dtype == "array" else None
