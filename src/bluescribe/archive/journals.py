"""Journals, with which the other files of a run are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from ..contract.recovery import Documents, Found, Recovery
from ..errors import DocumentError
from ..model.grammar import check_event
from ..model.run import Document
from ..model.selection import LEFT_OUT

__all__ = ["Journal", "events_of", "is_better", "is_poor"]


@dataclass(frozen=True, slots=True)
class Journal:
    """The documents of a run."""

    found: Found
    recovery: Recovery
    is_held: bool

    def read(self) -> Iterator[tuple[str, Document]]:
        """Yield the documents of this run alone."""
        yield from self.recovery.documents(self.found.path) or ()

    @property
    def start(self) -> Document:
        """The first document."""
        return next((doc for name, doc in self.read() if name == "start"), {})


def is_poor(recovery: Recovery, found: Found, journal: Journal | None) -> bool:
    """Return whether a file is damaged, or lacks events or an end that its journal has."""
    if found.problem or journal is None:
        return bool(found.problem)
    if found.doubt:
        return True
    if found.has_stop:
        return False
    if journal.found.has_stop:
        return True
    streams = events_of(journal.read())
    if not recovery.holds_all_streams:
        streams = {name: number for name, number in streams.items() if name in found.events}
    return any(number > found.events.get(name, 0) for name, number in streams.items())


def is_better(found: Found, journal: Journal) -> bool:
    """Return whether a journal has all events that a file has, and all of their fields."""
    if found.is_readable and _lacks_fields(journal):
        return False
    if not any(found.events.values()) or journal.found.has_stop:
        return True
    streams = events_of(journal.read())
    return all(streams.get(name, 0) >= number for name, number in found.events.items())


def _lacks_fields(journal: Journal) -> bool:
    """Return whether a journal was written without fields, which other files may have."""
    return any(name == "descriptor" and LEFT_OUT in doc for name, doc in journal.read())


def events_of(documents: Documents) -> Mapping[str, int]:
    """Return the number of events of each stream, without damaged ones, which no file has."""
    streams: dict[str, str] = {}
    events: Counter[str] = Counter()
    for name, doc in documents:
        if name == "descriptor":
            streams[str(doc.get("uid"))] = str(doc.get("name", "primary"))
        elif name == "event" and doc.get("descriptor") in streams:
            with suppress(DocumentError):
                check_event(doc)
                events[streams[doc["descriptor"]]] += 1
        elif name == "event_page" and doc.get("descriptor") in streams:
            events[streams[doc["descriptor"]]] += len(doc.get("seq_num", ()))
    return events
