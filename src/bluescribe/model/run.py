"""What the documents of one run have declared so far: Run, Stream, Descriptor, Field, Page.

Formats ask these for everything but the values; the values come in pages, a column a field.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DocumentError, shown
from ..files import Claims
from ..log_once import LogOnce
from .times import local_time, seconds_of

__all__ = [
    "COUNT_TIMES",
    "Descriptor",
    "Document",
    "Field",
    "Page",
    "Run",
    "Stream",
    "stream_name",
    "working_directory",
]

logger = logging.getLogger(__name__)

Document = Mapping[str, Any]

COUNT_TIMES = ("preset_time", "count_time", "acquire_time", "exposure_time", "preset_real_time")
"""Endings of the keys of configuration and metadata that say for how long a point is counted."""

_told = LogOnce()
"""Runs whose times were told of."""

_AT_ONCE = 5.0
"""Seconds that documents may be on their way."""

_NO_SCAN_ID = 10**100
"""From here on a number counts no scans; Python puts none of over 4,300 digits into words."""


def working_directory() -> Path:
    """Return the working directory; a relative path that leads nowhere if it was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path()


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a stream, as its data_key declares it. Values may say otherwise."""

    name: str
    dtype: str = ""
    """``number``, ``integer``, ``string``, ``boolean`` or ``array``; empty when undeclared."""
    dtype_numpy: np.dtype[Any] | None = None
    shape: tuple[int | None, ...] = ()
    units: str = ""
    precision: int | None = None
    limits: Mapping[str, Any] | None = None
    """As event-model has it: ``{"control": {"low": ..., "high": ...}, ...}``."""
    source: str = ""
    enum_strs: tuple[str, ...] = ()
    external: bool = False
    """The values are in a file of their own; events hold a datum_id or nothing."""
    object_name: str = ""

    @property
    def numpy_type(self) -> Any:
        """What numpy calls the type: text, or a list of the fields of a structure."""
        if self.dtype_numpy is None:
            return ""
        return self.dtype_numpy.descr if self.dtype_numpy.names else self.dtype_numpy.str

    @classmethod
    def from_data_key(cls, name: str, data_key: Document) -> Field:
        """Read a descriptor's data_key; what is missing or malformed there is left out."""
        choices = [_sequence(data_key.get(key)) for key in ("enum_strs", "choices")]
        limits = data_key.get("limits")
        return cls(
            name=name,
            dtype=_text(data_key.get("dtype")),
            dtype_numpy=_dtype(data_key.get("dtype_numpy")),
            shape=tuple(map(_int, _sequence(data_key.get("shape")))),
            units=_text(data_key.get("units")) or _text(data_key.get("egu")),
            precision=_int(data_key.get("precision")),
            limits=limits if isinstance(limits, Mapping) else _ophyd_limits(data_key),
            source=_text(data_key.get("source")),
            enum_strs=tuple(map(str, choices[0] if len(choices[0]) else choices[1])),
            external=bool(_text(data_key.get("external"))),
            object_name=_text(data_key.get("object_name")),
        )


@dataclass(frozen=True, eq=False)  # with a __dict__, in which what was computed is kept
class Descriptor:
    """One event descriptor: the fields of a stream and the devices' configuration from then on."""

    uid: str
    doc: Document
    fields: Mapping[str, Field]

    @cached_property
    def object_keys(self) -> Mapping[str, Sequence[str]]:
        """Field names of each device."""
        devices = _mapping(self.doc.get("object_keys"))
        return {name: _names(keys) for name, keys in devices.items()}

    @cached_property
    def hints(self) -> Mapping[str, Sequence[str]]:
        """Field names that each device hints at; a device without hints is left out."""
        hints = _mapping(self.doc.get("hints"))
        return {
            name: [f for f in _names(_mapping(hint).get("fields")) if f in self.fields]
            for name, hint in hints.items()
        }

    @cached_property
    def configuration(self) -> Mapping[str, Document]:
        """Configuration of each device: ``data``, ``timestamps``, ``data_keys``."""
        devices = _mapping(self.doc.get("configuration"))
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

    def page_of(self, descriptor: Descriptor, doc: Document) -> Page:
        """Return an event_page as it came, after a look at its columns' lengths.

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
        return Page(descriptor, doc["seq_num"], doc["time"], data, stamps)

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
    where an event has no value for a field.
    """

    descriptor: Descriptor
    seq_num: Sequence[int]
    time: Sequence[float]
    """Epoch seconds."""
    data: Mapping[str, Sequence[Any]]
    timestamps: Mapping[str, Sequence[float | None]]
    """Epoch seconds at which each value was read."""

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.seq_num)


@dataclass(slots=True, eq=False)
class Run:
    """One run: its start document and what has been declared since."""

    start: Document
    streams: dict[str, Stream] = field(default_factory=dict)
    received: float = field(default_factory=time.time)
    """Epoch seconds at which the start document was taken in."""
    cwd: Path = field(default_factory=working_directory)
    """Working directory of the session at the start document: relative folders are inside it."""

    is_replayed: bool = False
    """Whether an export has it from a source of runs that were taken before."""
    claims: Claims = field(default_factory=Claims)
    """Tells of the files that are made for it."""
    named_by: dict[str, Any] = field(default_factory=dict)
    """What a name of its files takes from descriptors and events, under ``config`` and ``event``:
    known when the files are made."""
    _since: float = field(default_factory=time.monotonic)

    @property
    def uid(self) -> str:
        """The run's uid."""
        return str(self.start["uid"])

    @property
    def for_names(self) -> Document:
        """What fills the templates of names."""
        return {**self.start, "config": {}, "event": {}, **self.named_by}

    @property
    def time(self) -> float:
        """Start of the run in epoch seconds; when it was received if the document has no number."""
        began = seconds_of(self.start.get("time"))
        return began if math.isfinite(began) else self.received

    @property
    def date(self) -> datetime:
        """Start of the run by the calendar; when it was received if the document has no date."""
        began = local_time(seconds_of(self.start.get("time")))
        return began or datetime.fromtimestamp(self.received).astimezone()

    def is_live(self, stop: Document | None) -> bool:
        """Tell whether the run ends now: its documents took to come what they say that it took.

        Their times are compared with each other only, never with this machine's clock, which may
        not be that of the machine that took the run.
        """
        if self.is_replayed:
            return False
        took = seconds_of((stop or {}).get("time")) - seconds_of(self.start.get("time"))
        return math.isnan(took) or abs(took - (time.monotonic() - self._since)) < _AT_ONCE

    def check_time(self) -> None:
        """Tell once, whatever the number of formats, that the start document has no date."""
        began = local_time(seconds_of(self.start.get("time")))
        if began is None and _told.is_new(self.uid):
            logger.warning(
                "%s: its start has the time %s, which is no date in seconds since 1970; files "
                "have the date on which it was received, %s",
                self.label,
                shown(self.start.get("time")),
                self.date.isoformat(" ", "seconds"),
            )

    @property
    def scan_id(self) -> int | str:
        """The scan number; 0 when the RunEngine gave none."""
        value = self.start.get("scan_id")
        if isinstance(value, int | np.integer):
            return int(value) if abs(int(value)) < _NO_SCAN_ID else 0
        return value if isinstance(value, str) else 0

    @property
    def plan_name(self) -> str:
        """Name of the plan, empty when there is none."""
        return _text(self.start.get("plan_name"))

    @property
    def label(self) -> str:
        """What messages call this run."""
        return f"run {self.uid[:7]} (scan {self.scan_id})"

    @property
    def title(self) -> str:
        """The title in the metadata, else scan number, plan and uid, as apstools has them."""
        number = f"{self.scan_id:04d}" if isinstance(self.scan_id, int) else self.scan_id
        title = _text(self.start.get("title"))
        return title or f"S{number}-{self.plan_name or 'run'}-{self.uid[:7]}"

    @property
    def primary(self) -> Stream | None:
        """The main stream: ``primary``, else the first that is not the baseline or a label."""
        if "primary" in self.streams:
            return self.streams["primary"]
        others = [s for s in self.streams.values() if not s.is_baseline and "label" not in s.name]
        return others[0] if others else None

    def add_descriptor(self, doc: Document) -> tuple[Stream, Descriptor]:
        """Take in a descriptor document.

        Raises
        ------
        DocumentError
            It has no uid or no data_keys.
        """
        keys = doc.get("data_keys")
        if not isinstance(keys, Mapping) or not isinstance(doc.get("uid"), str):
            raise DocumentError(f"descriptor without uid or data_keys: it has {sorted(doc)}")
        fields = {str(k): Field.from_data_key(str(k), _mapping(v)) for k, v in keys.items()}
        descriptor = Descriptor(doc["uid"], doc, fields)
        name = stream_name(doc.get("name"))
        stream = self.streams.setdefault(name, Stream(name))
        stream.descriptors.append(descriptor)
        for key, declared in fields.items():
            stream.fields.setdefault(key, declared)
        return stream, descriptor

    def noted(self) -> dict[str, Any]:
        """Return what was declared, for `from_note` in another process."""
        streams = [
            [s.name, [dict(d.doc) for d in s.descriptors], list(s.fields), s.events]
            for s in self.streams.values()
        ]
        return {"start": dict(self.start), "received": self.received, "streams": streams}

    @classmethod
    def from_note(cls, noted: Mapping[str, Any]) -> Run:
        """Return a run as it was when `noted` told of it."""
        run = cls(noted["start"], received=noted["received"])
        for name, descriptors, fields, events in noted["streams"]:
            for doc in descriptors:
                run.add_descriptor(doc)
            stream = run.streams[name]
            stream.fields = {key: stream.fields.get(key, Field(key)) for key in fields}
            stream.events = events
        return run


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


def _dtype(told: Any) -> np.dtype[Any] | None:
    """Return a type that is told as numpy's text, or as a list of the fields of a structure."""
    try:
        if isinstance(told, list | tuple):
            return np.dtype([_field_of(part) for part in told]) if told else None
        return np.dtype(told) if isinstance(told, str) else None
    except (TypeError, ValueError, SyntaxError, RecursionError):  # numpy parses texts as Python
        return None


def _field_of(part: Any) -> tuple[Any, ...]:
    """Return name, type and shape, as numpy wants them; JSON has lists for tuples."""
    name, told, *shape = part
    kind = np.dtype([_field_of(inner) for inner in told]) if isinstance(told, list) else told
    return (name, kind, *(tuple(n) if isinstance(n, list) else n for n in shape))


def _ophyd_limits(data_key: Document) -> Mapping[str, Any] | None:
    low, high = data_key.get("lower_ctrl_limit"), data_key.get("upper_ctrl_limit")
    if isinstance(low, Real) and isinstance(high, Real) and low < high:
        return {"control": {"low": low, "high": high}}
    return None


def _int(value: Any) -> int | None:
    return int(value) if isinstance(value, int | np.integer) else None


def _names(value: Any) -> list[str]:
    return [name for name in _sequence(value) if isinstance(name, str)]


def _text(value: Any) -> str:
    """Return what was to be text, or a number; nothing for anything else, such as an array."""
    try:
        return str(value) if isinstance(value, str | int | float) else ""
    except ValueError:  # an integer of more than 4,300 digits
        return ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: Any) -> Sequence[Any]:
    is_one = isinstance(value, np.ndarray) and value.ndim == 0
    return list(value) if isinstance(value, list | tuple | np.ndarray) and not is_one else ()
