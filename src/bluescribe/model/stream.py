"""Descriptor, Stream, Page: what was declared of a stream, and its events as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

from ..errors import DocumentError
from .field import Field
from .told import Document, mapping_of, names_of

__all__ = ["Descriptor", "Page", "Stream", "stream_name"]


@dataclass(frozen=True, eq=False)  # with a __dict__, in which what was computed is kept
class Descriptor:
    """One event descriptor: the fields of a stream and the devices' configuration from then on."""

    uid: str
    doc: Document
    fields: Mapping[str, Field]

    @cached_property
    def object_keys(self) -> Mapping[str, Sequence[str]]:
        """Field names of each device."""
        devices = mapping_of(self.doc.get("object_keys"))
        return {name: names_of(keys) for name, keys in devices.items()}

    @cached_property
    def hints(self) -> Mapping[str, Sequence[str]]:
        """Field names that each device hints at; a device without hints is left out."""
        hints = mapping_of(self.doc.get("hints"))
        return {
            name: [f for f in names_of(mapping_of(hint).get("fields")) if f in self.fields]
            for name, hint in hints.items()
        }

    @cached_property
    def configuration(self) -> Mapping[str, Document]:
        """Configuration of each device: ``data``, ``timestamps``, ``data_keys``."""
        devices = mapping_of(self.doc.get("configuration"))
        return {name: entry for name, entry in devices.items() if isinstance(entry, Mapping)}

    def device_fields(self, name: str) -> list[str]:
        """Return the fields that stand for a device: those it hints at, else its first one.

        Parameters
        ----------
        name
            Name of a device, or of a field, as plans put either into ``motors``.
        """
        if self.hints.get(name):
            return list(self.hints[name])
        keys = [k for k in self.object_keys.get(name, ()) if k in self.fields]
        if name in keys or (not keys and name in self.fields):
            return [name]
        return keys[:1]

    def says(self, doc: Document) -> bool:
        """Tell whether a document says the same as this one's; of arrays nobody can tell."""
        try:
            return bool(doc == self.doc)
        except (ValueError, RecursionError):  # arrays have no single answer
            return False


@dataclass(slots=True, eq=False)
class Stream:
    """One stream of a run: its descriptors so far and the union of their fields, in order."""

    name: str
    descriptors: list[Descriptor] = field(default_factory=list)
    fields: dict[str, Field] = field(default_factory=dict)
    events: int = 0
    """Events that have been written."""

    @property
    def is_baseline(self) -> bool:
        """Whether the stream holds readings before and after the run."""
        return self.name == "baseline"

    def page(self, descriptor: Descriptor, events: Sequence[Document]) -> Page:
        """Return events of one descriptor as columns.

        Fields that only some events have are None in the others. A field that the descriptor
        does not declare is added to the stream: it was measured.
        """
        rows = [event["data"] for event in events]
        keys = list(rows[0])
        data = _equal_columns(rows, keys)
        if data is None:
            keys = list(dict.fromkeys(chain.from_iterable(rows)))
            data = _gappy_columns(rows, keys)
        self._add_undeclared(keys)
        stamps = [event["timestamps"] for event in events]
        return Page(
            descriptor,
            [event["seq_num"] for event in events],
            [event["time"] for event in events],
            data,
            _equal_columns(stamps, keys) or _gappy_columns(stamps, keys),
        )

    def page_of(self, descriptor: Descriptor, doc: Document, *, is_sent: bool = True) -> Page:
        """Return an event_page as it came, after a look at its columns' lengths.

        Parameters
        ----------
        descriptor, doc
            The page, and its descriptor.
        is_sent
            Whether the producer sent it, and not single events.

        Raises
        ------
        DocumentError
            A column has not one value for each seq_num.
        """
        rows = len(doc["seq_num"])
        columns = {part: self._columns(part, doc[part], rows) for part in ("data", "timestamps")}
        data, times = columns["data"], columns["timestamps"]
        self._add_undeclared(data)
        stamps = {key: times.get(key, [None] * rows) for key in data}
        sent = rows if is_sent else 0
        return Page(descriptor, doc["seq_num"], doc["time"], data, stamps, sent)

    def _columns(self, part: str, columns: Document, rows: int) -> dict[str, Any]:
        """Return columns of a page; one that could not be written is the same text in each row."""
        found = {key: [c] * rows if isinstance(c, str) else c for key, c in columns.items()}
        for key, column in found.items():
            if len(column) != rows:
                raise DocumentError(
                    f"event_page of stream {self.name!r}: {part} of {key!r} has "
                    f"{len(column)} rows where seq_num has {rows}"
                )
        return found

    def _add_undeclared(self, keys: Iterable[str]) -> None:
        for key in keys:
            if key not in self.fields:
                self.fields[key] = Field(key)


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive events of one descriptor, a column a field.

    Columns are lists, or arrays where the producer sent an event_page of arrays. None stands
    where an event has no value for a field. A format that says that it `takes_typed_columns` gets
    numbers of one type of Python's as an `array.array`.
    """

    descriptor: Descriptor
    seq_num: Sequence[int]
    time: Sequence[float]
    """Epoch seconds."""
    data: Mapping[str, Sequence[Any]]
    timestamps: Mapping[str, Sequence[float | None]]
    """Epoch seconds at which each value was read."""
    sent: int = 0
    """Rows of the event_page that the producer sent; 0 where events came one by one."""

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.seq_num)


def stream_name(value: Any) -> str:
    """Return what a stream is called; one without a name is the primary one."""
    return str(value or "primary")


def _equal_columns(rows: Sequence[Document], keys: list[str]) -> dict[str, list[Any]] | None:
    """Return a column for each key if every row has just these keys, in this order.

    Ten times faster than looking each key up: without a step of Python a row.
    """
    if not all(map(keys.__eq__, map(list, rows))):
        return None
    columns = zip(*(row.values() for row in rows), strict=True)
    return dict(zip(keys, map(list, columns), strict=True))


def _gappy_columns(rows: Sequence[Document], keys: list[str]) -> dict[str, list[Any]]:
    """Return a column for each key; None stands where a row does not have it."""
    return {key: [row.get(key) for row in rows] for key in keys}
