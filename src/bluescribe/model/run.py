"""Run: what the documents of one run have declared so far.

Formats ask it, its streams and their fields for everything but the values; the values come in
pages, a column a field.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DocumentError, shown
from ..files import Claims
from ..files.working_directory import working_directory
from ..log_once import LogOnce
from .field import Field
from .stream import Descriptor, Page, Stream, stream_name
from .times import local_time, seconds_of
from .told import Document, mapping_of, text_of

__all__ = [
    "COUNT_TIMES",
    "Descriptor",
    "Document",
    "Field",
    "Page",
    "Run",
    "Stream",
    "stream_name",
]

logger = logging.getLogger(__name__)

COUNT_TIMES = ("preset_time", "count_time", "acquire_time", "exposure_time", "preset_real_time")
"""Endings of the keys of configuration and metadata that say for how long a point is counted."""

_told = LogOnce()
"""Runs whose times were told of."""

_AT_ONCE = 5.0
"""Seconds that documents may be on their way."""

_NO_SCAN_ID = 10**100
"""From here on a number counts no scans; Python puts none of over 4,300 digits into words."""


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
    number: int | None = None
    """What ``{#}`` in names stands for; None if nothing was counted."""
    claims: Claims = field(default_factory=Claims)
    """Tells of the files that are made for it."""
    promised: dict[str, int] = field(default_factory=dict)
    """How many events of each stream the stop document tells of, if it has come already."""
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
        return {**self.start, "#": self.number, "config": {}, "event": {}, **self.named_by}

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
        return text_of(self.start.get("plan_name"))

    @property
    def label(self) -> str:
        """What messages call this run."""
        return f"run {self.uid[:7]} (scan {self.scan_id})"

    @property
    def title(self) -> str:
        """The title in the metadata, else scan number, plan and uid, as apstools has them."""
        number = f"{self.scan_id:04d}" if isinstance(self.scan_id, int) else self.scan_id
        title = text_of(self.start.get("title"))
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
        fields = {str(k): Field.from_data_key(str(k), mapping_of(v)) for k, v in keys.items()}
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
