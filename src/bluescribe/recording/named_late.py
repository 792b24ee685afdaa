"""A run whose files are called by what comes after its start: a configuration, a value of an event.

What comes before that is kept, and goes into the file as soon as its name is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..contract.runfile import RunFile
from ..files.run_paths import late_keys
from ..model.plain_values import is_plain
from ..model.run import Descriptor, Document, Run
from ..model.told import mapping_of
from ..model.writable import writable
from ..spool.event_rows import EventRows
from .recording import Recording
from .selected import SelectedRecording

__all__ = ["LateNamedRecording", "recording_of"]

logger = logging.getLogger(__name__)

_MOST_DOCUMENTS = 5_000
_MOST_BYTES = 64 << 20
"""What is kept at the most: memory does not grow with a run in which the name never comes."""


def recording_of(run: Run, file: RunFile[Any], **about: Any) -> Recording:
    """Return the recording that a run needs; most need nothing but a `Recording`."""
    settings = file.settings
    is_asked = type(file).file_name is not RunFile.file_name  # by a subclass, for each run
    if is_asked or late_keys(str(settings.directory)) or late_keys(settings.file_name):
        return LateNamedRecording(run, file, **about)
    if settings.selection is not None:
        return SelectedRecording(run, file, **about)
    return Recording(run, file, **about)


class LateNamedRecording(SelectedRecording):
    """A recording that opens its file when the name is known, and at the stop at the latest."""

    _kept: list[tuple[str, Callable[..., object], tuple[Any, ...]]] | None = None
    """Documents that wait for the file: their names, and what takes them."""
    _bytes_kept = 0
    _lacking: set[tuple[str, ...]]
    """Keys of the name whose values have not come."""

    def open(self) -> None:
        """Make the file, unless its name takes what is still to come."""
        self._lacking = set(self._file.late_keys(self.run)) if self._is_accepted() else set()
        if self._lacking:
            self._kept = []
        else:
            super().open()

    def add_descriptor(self, doc: Document) -> Descriptor:
        """Declare a stream; a configuration in it may be a part of the name."""
        if self._kept is None:
            return super().add_descriptor(doc)
        _, descriptor = Run(self.run.start).add_descriptor(doc)  # raises for one that is damaged
        self._keep("descriptor", super().add_descriptor, doc)
        for device, told in descriptor.configuration.items():
            self._learn(("config", device), _data(told))
        self._open_if_known()
        return descriptor

    def add_event(self, doc: Document) -> None:
        """Keep an event; a value in it may be a part of the name."""
        if self._kept is None:
            return super().add_event(doc)
        if not is_plain(doc):
            doc, found = writable(doc)
            self.log_replaced("event", doc, found)
        self._keep("event", super().add_event, doc)
        self._learn(("event",), _data(doc))
        return self._open_if_known()

    def add_rows(self, rows: EventRows) -> bool:
        """Add events that are alike in one step, unless each is looked at for the name."""
        return self._kept is None and super().add_rows(rows)

    def add_event_page(self, doc: Document, *, is_sent: bool = True) -> None:
        """Write a page; the first value of a column may be a part of the name."""
        if self._kept is None:
            return super().add_event_page(doc, is_sent=is_sent)
        self._keep("event_page", super().add_event_page, doc)
        first = {key: column[0] for key, column in _data(doc).items() if len(column)}
        self._learn(("event",), first)
        return self._open_if_known()

    def add_resource(self, name: str, doc: Document) -> None:
        """Learn of an external file."""
        self._take(name, super().add_resource, name, doc)

    def add_datums(self, name: str, doc: Document, datum_ids: Sequence[str]) -> None:
        """Learn of parts of an external file."""
        self._take(name, super().add_datums, name, doc, datum_ids)

    def add_stream_datum(self, doc: Document) -> None:
        """Learn which frames belong to which events."""
        self._take("stream_datum", super().add_stream_datum, doc)

    def control(self, doc: Document) -> None:
        """Hand over a control record, behind the events that came before it."""
        self._take("control", super().control, doc)

    def sync(self) -> None:
        """Bring to disk what came since the last time, if there is a file."""
        if self._kept is None:
            super().sync()

    def finish(self, stop: Document | None) -> None:
        """Finish the file; where its name is not known by now, it gets the default one."""
        self._open_with_what_is_known()
        super().finish(stop)

    def _take(self, name: str, take: Callable[..., object], *told: Any) -> None:
        if self._kept is None:
            take(*told)
        else:
            self._keep(name, take, *told)
            self._open_if_known()

    def _keep(self, name: str, take: Callable[..., object], *told: Any) -> None:
        assert self._kept is not None  # the file waits
        self._kept.append((name, take, told))
        values = _data(told[0]).values() if name.startswith("event") else ()
        self._bytes_kept += sum(v.nbytes for v in values if isinstance(v, np.ndarray))

    def _learn(self, place: tuple[str, ...], values: Document) -> None:
        """Note the values that the name takes from one place."""
        for key in [key for key in self._lacking if key[: len(place)] == place]:
            if values.get(key[-1]) is not None:
                inside = self.run.named_by
                for step in place:
                    inside = inside.setdefault(step, {})
                inside[key[-1]] = values[key[-1]]
                self._lacking.discard(key)

    def _open_if_known(self) -> None:
        assert self._kept is not None  # the file waits
        is_much = len(self._kept) >= _MOST_DOCUMENTS or self._bytes_kept >= _MOST_BYTES
        if is_much and self._lacking:
            logger.warning(
                "%s: its file waits for its name no longer: %d documents came without %s",
                self.run.label,
                len(self._kept),
                " and ".join(sorted(map(_written, self._lacking))),
            )
        if is_much or not self._lacking:
            self._open_with_what_is_known()

    def _open_with_what_is_known(self) -> None:
        """Make the file, and put into it what was kept."""
        kept, self._kept = self._kept, None
        if kept is None:
            return
        super().open()
        for name, take, told in kept:
            try:
                take(*told)
            except BaseException as error:  # as a router takes what is raised by a document
                self._account.refuse(name, error)


def _data(doc: Document) -> Document:
    return mapping_of(doc.get("data"))


def _written(key: tuple[str, ...]) -> str:
    """Return a key as a template has it."""
    root, *names = key
    return root + "".join(f"[{name}]" for name in names)
