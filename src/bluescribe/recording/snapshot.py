"""Documents as they were received: nobody can change what a snapshot holds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import hypot
from typing import Any, TypeAlias

import numpy as np

from ..log_once import LogOnce
from ..model.copies import FIXED, Copies, is_interrupt

__all__ = ["Snapshots"]

logger = logging.getLogger(__name__)

_POINTER = 8
"""Bytes that an item of a list takes at the least."""

_OBJECT = 40
"""Bytes of a number of its own in a list, about."""

_LEVELS = 4
"""Levels of nested lists that are looked into for their size."""

_Document: TypeAlias = dict[str, Any]

_are_fixed = FIXED.issuperset
"""Tells whether nobody can change any value of these types."""

_told = LogOnce()
"""Fields that were told of, each with its descriptor, or with its run."""

_STREAMS_KEPT = 1_000


class Snapshots:
    """Takes documents as they are now: nothing that is done to them afterwards shows.

    An instance serves one producer, and goes by what it has seen of its events.
    """

    def __init__(self) -> None:
        self._are_floats = False
        """Whether the values of events are expected to be Python's floats."""
        self._streams: dict[str, str] = {}
        """Names of streams, by descriptor, for messages."""

    def __call__(self, name: str, doc: Any) -> tuple[Any, int]:
        """Return a document that nobody else can change.

        Parameters
        ----------
        name
            The document's name, as the RunEngine gives it.
        doc
            The document. Dicts, lists, arrays and buffers in it are copied. What cannot be kept,
            such as an object whose own code raises, becomes a text that says what it was, and is
            told in the log, once a field. A damaged document comes back as far as it could be
            copied: the router reports it, off the RunEngine's thread.

        Returns
        -------
        tuple
            The document and about how many bytes its arrays and lists of values take.
        """
        if name == "event":
            plain = self.plain_event(doc)
            if plain is not None:
                return plain, 0
        elif name == "descriptor":
            self._are_floats = _are_numbers(doc)
        copies = Copies()
        try:
            copy = self._copy_fields(name, doc, copies)
        except BaseException as error:  # whatever its code does, the scan goes on
            if is_interrupt(error):
                raise
            copy = {"left_out": copies.of(doc)}
        if name == "descriptor" and isinstance(copy, dict):
            self._remember(copy)
        return copy, _size(name, copy)

    def plain_event(self, doc: Any) -> _Document | None:
        """Return a copy of an event of plain numbers and texts; None if there is more in it.

        Nearly all documents are such events, and each point of a scan pays for what stands here:
        a microsecond. That a sum is a float is known sooner than the type of each of its parts.
        An array that contains itself ends the process that adds something to it.
        """
        try:
            data, stamps = doc["data"], doc["timestamps"]
            hypot(doc["time"], *stamps.values())  # raises where there is what is no single number
            if self._are_floats:
                hypot(*data.values())
                total = sum(stamps.values(), sum(data.values(), doc["time"]))
                is_plain = type(total) is float
            else:
                total = sum(stamps.values(), doc["time"])
                is_plain = type(total) is float and _are_fixed(map(type, data.values()))
            if is_plain:
                copy: _Document = doc.copy()
                copy["data"], copy["timestamps"] = data.copy(), stamps.copy()
                if copy.get("filled"):
                    copy["filled"] = copy["filled"].copy()
                return copy
        except BaseException as error:  # of a value's own code
            if is_interrupt(error):
                raise
        self._are_floats = False
        return None

    def _remember(self, descriptor: _Document) -> None:
        uid, stream = descriptor.get("uid"), descriptor.get("name")
        if type(uid) is str and type(stream) is str:
            self._streams[uid] = stream
            while len(self._streams) > _STREAMS_KEPT:
                self._streams.pop(next(iter(self._streams)))

    def _copy_fields(self, name: str, doc: Any, copies: Copies) -> Any:
        """Copy a document, and tell in which of its fields something was left out."""
        if not isinstance(doc, Mapping):
            return copies.of(doc)
        copy: _Document = {}
        for key, part in [*doc.items()]:
            if name in ("event", "event_page") and isinstance(part, Mapping):
                copy[key] = {
                    f: self._kept(f, value, name, doc, copies) for f, value in [*part.items()]
                }
            else:
                copy[key] = self._kept(key, part, name, doc, copies)
        return copy

    def _kept(self, field: Any, value: Any, name: str, doc: Any, copies: Copies) -> Any:
        if type(value) in FIXED:
            return value
        before = len(copies.lost)
        copy = copies.of(value)
        for text in copies.lost[before:]:
            self._tell(name, doc, str(field), text)
        return copy

    def _tell(self, name: str, doc: Any, field: str, text: str) -> None:
        """Tell once what was left out of a field of a run, whatever the number of formats."""
        descriptor = str(doc.get("descriptor", ""))
        of_run = descriptor or str(doc.get("run_start") or doc.get("uid", ""))
        if not _told.is_new((of_run, field)):
            return
        logger.warning(
            "%s %s%s: the value of %r cannot be written, and files have the text %s in its place. "
            "Everything else is written. It is told once for this field and run.",
            name,
            doc.get("seq_num", doc.get("uid", "")),
            f" of stream {self._streams[descriptor]!r}" if descriptor in self._streams else "",
            field,
            text,
        )


def _are_numbers(descriptor: Any) -> bool:
    """Tell whether a descriptor declares numbers only, which may be Python's floats."""
    try:
        keys = descriptor["data_keys"].values()
        return all(type(key["dtype"]) is str and key["dtype"] == "number" for key in keys)
    except BaseException as error:
        if is_interrupt(error):
            raise
        return False


def _size(name: str, copy: Any) -> int:
    if name not in ("event", "event_page") or not isinstance(copy, dict):
        return 0
    parts = [copy.get("data"), copy.get("timestamps")]
    values = [
        v
        for part in parts[: 1 + (name == "event_page")]
        if isinstance(part, dict)
        for v in part.values()
    ]
    if name == "event":
        return sum(map(_bytes, values))
    own = (copy.get(key) for key in ("uid", "seq_num", "time"))
    return sum(map(_column_bytes, [*values, *own]))


def _column_bytes(column: Any) -> int:
    """Return about how much memory a column of a page takes."""
    if isinstance(column, list) and column and not isinstance(column[0], list | np.ndarray):
        return len(column) * _OBJECT
    return _bytes(column)


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
