"""A run of which not all fields are written: its file sees nothing of the others."""

from __future__ import annotations

import logging
from typing import Any

from ..errors import shown
from ..model.run import Descriptor, Document
from ..model.selection import LEFT_OUT, Selection
from ..spool.event_rows import EventRows
from .recording import Recording

__all__ = ["SelectedRecording"]

logger = logging.getLogger(__name__)

_WHY = "FIELDS and EXCLUDE of the settings leave it out"


class SelectedRecording(Recording):
    """A recording with the documents as `Selection` leaves them; of all fields without one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._selection: Selection | None = self._file.settings.selection
        self._dropped: set[str] = set()
        """Uids of external files whose fields are not written."""

    def add_descriptor(self, doc: Document) -> Descriptor:
        """Declare a stream without the fields that are left out; its report names them."""
        if self._selection is None:
            return super().add_descriptor(doc)
        descriptor = super().add_descriptor(self._selection.descriptor(doc))
        stream, _ = self.descriptors[descriptor.uid]
        for name in descriptor.doc.get(LEFT_OUT, ()):
            self._file.leave_out(stream.name, name, _WHY)
        return descriptor

    def add_event(self, doc: Document) -> None:
        """Keep an event without the fields that are left out."""
        super().add_event(doc if self._selection is None else self._selection.event(doc))

    def add_rows(self, rows: EventRows) -> bool:
        """Add events that are alike in one step, unless a journal is to have less of each."""
        takes_all = self._selection is None or self._file.takes_pages
        return takes_all and super().add_rows(rows)

    def add_event_page(self, doc: Document, *, is_sent: bool = True) -> None:
        """Write a page without the fields that are left out."""
        kept = doc if self._selection is None else self._selection.event(doc)
        super().add_event_page(kept, is_sent=is_sent)

    def add_resource(self, name: str, doc: Document) -> None:
        """Learn of an external file, unless it has the values of a field that is left out."""
        field = doc.get("data_key") if name == "stream_resource" else None
        if self._selection is None or field is None or self._selection.keeps(str(field)):
            return super().add_resource(name, doc)
        self._dropped.add(doc["uid"])
        self.resources[doc["uid"]] = doc
        return None

    def add_stream_datum(self, doc: Document) -> None:
        """Learn which frames belong to which events, unless their field is left out."""
        if doc.get("stream_resource") not in self._dropped:
            super().add_stream_datum(doc)

    def finish(self, stop: Document | None) -> None:
        """Finish the file, and tell of patterns that no field of this session was called by."""
        super().finish(stop)
        patterns = {} if self._selection is None else self._selection.patterns()
        unknown = [name for name, is_known in patterns.items() if self._is_news(name, is_known)]
        if unknown and self.descriptors:
            logger.warning(
                "%s: no field is called %s, as FIELDS or EXCLUDE have it. The fields are: %s",
                self.run.label,
                " or ".join(map(repr, unknown)),
                self._known_fields(),
            )

    def _is_news(self, pattern: str, is_known: bool) -> bool:
        """Tell whether a pattern has matched nothing, now for the first time."""
        is_new = bool(self.descriptors) and self._account.told.is_new(("pattern", pattern))
        return is_new and not is_known

    def _known_fields(self) -> str:
        names = [name for stream in self.run.streams.values() for name in stream.fields]
        left_out = [name for _, name in self._file.left_out if name is not None]
        return ", ".join(sorted(map(shown, {*names, *left_out})))
