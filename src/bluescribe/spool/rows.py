"""Events as packed rows: keys and types once, then as many bytes an event as its numbers need.

This runs at each point of a scan. An event becomes a row when its keys, and the types of its
values, are those of a known form; a form is written once, before its first row. Events that no row
holds (texts, arrays, integers beyond 64 bits) are written as documents: see `values`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from .problems import BrokenSpoolError

__all__ = ["Form", "Packer", "Unpacker"]

_BY_SIZE = {"i": " bh i   q", "u": " BH I   Q", "f": "  e f   d", "b": " ?"}
"""Codes of `struct`, by the kind of a numpy type and its bytes."""
_CODES: dict[type, str] = {
    float: "d",
    int: "q",
    bool: "?",
    **{(t := np.dtype(code)).type: _BY_SIZE[t.kind][t.itemsize] for code in "?bBhHiIlLqQefd"},
}
"""How `struct` writes a value of a type, to the bit."""
_NAMES = {kind: f"{kind.__module__}.{kind.__name__}" for kind in _CODES}
_TYPES = {name: kind for kind, name in _NAMES.items()}
_UID_LENGTH = 36
_MOST_FORMS = 64
"""Forms a descriptor may have; events with yet other types are written as documents."""

_MOST_DESCRIPTORS = 1_000

_Keys = tuple[str, ...]


class Form:
    """The keys of events and the types of their values.

    Parameters
    ----------
    descriptor
        The descriptor's uid.
    keys
        Of the event, in its order.
    data, timestamps
        Their keys, in their order.
    types
        Of the values, the timestamps, the sequence number and the time.
    """

    def __init__(
        self,
        descriptor: str,
        keys: _Keys,
        data: _Keys,
        timestamps: _Keys,
        types: tuple[type, ...],
    ) -> None:
        self.descriptor = descriptor
        self.keys, self.data, self.timestamps, self.types = keys, data, timestamps, types
        self.codes = "".join(_CODES[kind] for kind in types)
        self.struct = struct.Struct(f"<{_UID_LENGTH}s{self.codes}")
        self._casts = [None if kind in (float, int, bool) else kind for kind in types]

    @cached_property
    def fits_page(self) -> bool:
        """Whether the events may stand in an event_page: their numbers and times are such."""
        number, moment = self.types[-2:]
        return moment is float and (number is int or issubclass(number, np.integer))

    def columns(self, rows: bytes | memoryview) -> Iterator[list[Any]]:
        """Yield the values of packed rows by columns: uids as bytes, then those of `types`."""
        table = np.frombuffer(rows, self._dtype)
        for name, kind in zip(table.dtype.names or (), (bytes, *self.types), strict=True):
            column = table[name]
            yield list(column) if issubclass(kind, np.generic) else column.tolist()

    @cached_property
    def _dtype(self) -> np.dtype[Any]:
        """What `struct` packs, for numpy."""
        kinds = [f"S{_UID_LENGTH}", *(np.dtype(kind).newbyteorder("<") for kind in self.types)]
        return np.dtype([(str(number), kind) for number, kind in enumerate(kinds)])

    def described(self) -> dict[str, Any]:
        """Return the form for a record; `made` is its inverse."""
        return {
            "descriptor": self.descriptor,
            "keys": self.keys,
            "data": self.data,
            "timestamps": self.timestamps,
            "types": [_NAMES[kind] for kind in self.types],
        }

    @classmethod
    def made(cls, described: Mapping[str, Any]) -> Form:
        """Return the form that a record describes.

        Raises
        ------
        BrokenSpoolError
            It is none.
        """
        try:
            types = tuple(_TYPES[name] for name in described["types"])
            keys, data, stamps = (tuple(described[p]) for p in ("keys", "data", "timestamps"))
            return cls(described["descriptor"], keys, data, stamps, types)
        except (KeyError, TypeError) as error:
            raise BrokenSpoolError(f"a form of events cannot be read: {error!r}") from None

    def events(self, rows: bytes | memoryview) -> Iterator[dict[str, Any]]:
        """Yield the events of packed rows, as they were packed."""
        for uid, *values in self.struct.iter_unpack(rows):
            exact = [
                value if cast is None else cast(value)
                for value, cast in zip(values, self._casts, strict=True)
            ]
            yield self._event(uid, exact)

    def _event(self, uid: bytes, values: list[Any]) -> dict[str, Any]:
        width = len(self.data)
        parts: dict[str, Any] = {
            "uid": uid.decode("ascii"),
            "descriptor": self.descriptor,
            "seq_num": values[-2],
            "time": values[-1],
            "data": dict(zip(self.data, values[:width], strict=True)),
            "timestamps": dict(zip(self.timestamps, values[width:-2], strict=True)),
            "filled": {},
        }
        return {key: parts[key] for key in self.keys}


_NOTHING: dict[str, Any] = {}
_USUAL = {"uid", "descriptor", "seq_num", "time", "data", "timestamps", "filled"}


class Packer:
    """Turns the events of one session into rows."""

    def __init__(self) -> None:
        self._forms: dict[str, dict[Any, Form]] = {}
        """The forms of each descriptor, by keys and types."""
        self._last: Form | None = None

    def pack(self, event: Any) -> tuple[Form, bytes] | None:
        """Return the row of an event and its form, which may be new; None if no row holds it."""
        try:
            data, stamps = event["data"], event["timestamps"]
            values = (*data.values(), *stamps.values(), event["seq_num"], event["time"])
            form = self._last
            if (
                form is None
                or form.types != tuple(map(type, values))
                or form.data != tuple(data)
                or form.timestamps != tuple(stamps)
                or form.keys != tuple(event)
                or form.descriptor != event["descriptor"]
            ):
                form = self._form(event)
                if form is None:
                    return None
                self._last = form
            if event.get("filled", _NOTHING) != _NOTHING:
                return None
            uid = event["uid"].encode("ascii")
            return (form, form.struct.pack(uid, *values)) if len(uid) == _UID_LENGTH else None
        except Exception:  # a hostile event, or an integer that is too large: another way is exact
            return None

    def _form(self, event: dict[str, Any]) -> Form | None:
        """Return the form of an event, a new one if there was none; None if it can have none."""
        data, stamps, descriptor = event["data"], event["timestamps"], event["descriptor"]
        values = (*data.values(), *stamps.values(), event["seq_num"], event["time"])
        keys = tuple(event), tuple(data), tuple(stamps)
        types = tuple(map(type, values))
        kinds = {type(event), type(data), type(stamps), type(event.get("filled", {}))}
        is_text = all(type(key) is str for part in keys for key in part) and type(descriptor) is str
        if kinds != {dict} or not is_text or set(keys[0]) - _USUAL or type(event["uid"]) is not str:
            return None
        if not _CODES.keys() >= set(types):
            return None
        forms = self._forms.setdefault(descriptor, {})
        if len(self._forms) > _MOST_DESCRIPTORS:
            del self._forms[next(iter(self._forms))]
        told = (keys, types)
        if told not in forms:
            if len(forms) >= _MOST_FORMS:
                return None
            forms[told] = Form(descriptor, *keys, types)
        return forms[told]


class Unpacker:
    """Turns rows into events."""

    def __init__(self) -> None:
        self._forms: dict[int, Form] = {}

    def learn(self, number: int, described: Mapping[str, Any]) -> None:
        """Learn a form and its number, by which rows refer to it."""
        self._forms[number] = Form.made(described)

    def form(self, number: int, rows: bytes | memoryview) -> Form:
        """Return the form of rows.

        Raises
        ------
        BrokenSpoolError
            It did not come, or they are not of it.
        """
        if number not in self._forms:
            raise BrokenSpoolError(f"rows of form {number}, which was not written before them")
        form = self._forms[number]
        if len(rows) % form.struct.size:
            raise BrokenSpoolError("rows of events end within an event")
        return form
