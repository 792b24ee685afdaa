"""Feeds a TiledWriter in batches, so that a fast scan costs the server one request a batch.

TiledWriter writes each event by itself, or so many together; it has no way to say "now". Between
its normaliser and the part that sends, events and stream datums wait here until the batch is over.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bluesky_tiled_plugins.writing.tiled_writer import (
    RunNormalizer,
    TiledWriter,
    concatenate_stream_datums,
)
from event_model import DocumentNames

from ...model.run import Document

__all__ = ["BatchWriter"]

_ALL = 10**9
"""More events than any batch has."""


class _Batches(RunNormalizer):  # type: ignore[misc]  # bluesky-tiled-plugins has no annotations
    """A normaliser that holds back what comes in numbers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._sender: Any = None
        self._stream_of: dict[str, str] = {}
        self._events: dict[str, list[Document]] = defaultdict(list)
        """By stream."""
        self._datums: dict[str, list[Document]] = defaultdict(list)
        """By stream resource."""

    def subscribe(self, func: Callable[..., Any], name: str = "all") -> Any:
        """Keep what sends: its batch size is the only handle that it has."""
        self._sender = func
        return super().subscribe(func, name)

    def emit(self, name: Any, doc: Document) -> None:
        """Hold back events and stream datums; pass on all else."""
        if name is DocumentNames.event:
            self._events[self._stream_of[doc["descriptor"]]].append(doc)
        elif name is DocumentNames.stream_datum:
            self._datums[doc["stream_resource"]].append(doc)
        else:
            if name is DocumentNames.descriptor:
                self._stream_of[doc["uid"]] = doc["name"]
            if name is DocumentNames.stop:
                self.flush()
            super().emit(name, doc)

    def flush(self) -> None:
        """Send what waits: one request for the table of each stream, one for each array."""
        events, self._events = self._events, defaultdict(list)
        for waiting in events.values():
            *earlier, last = waiting
            self._sender._batch_size = _ALL
            for doc in earlier:
                super().emit(DocumentNames.event, doc)
            self._sender._batch_size = 1
            super().emit(DocumentNames.event, last)
        self._sender._batch_size = 1
        datums, self._datums = self._datums, defaultdict(list)
        for parts in datums.values():
            for doc in _joined(parts):
                super().emit(DocumentNames.stream_datum, doc)


class BatchWriter:
    """A TiledWriter for one run.

    Parameters
    ----------
    catalog
        Client of the catalog that takes the run.
    patches
        As TiledWriter has them: what is put right in a document before it is sent, by its name.
    """

    def __init__(self, catalog: Any, patches: Mapping[str, Callable[[Document], Document]]) -> None:
        self._batches: _Batches | None = None
        # Arrays of any size become arrays with their own dtype; in tables they come back as text
        self._writer = TiledWriter(
            catalog,
            normalizer=self._normalizer,
            patches=dict(patches),
            batch_size=1,
            max_array_size=0,
        )

    def write(self, documents: Iterable[tuple[str, Document]], notes: Iterable[str] = ()) -> None:
        """Send documents, and with the stop document what is to be noted about the run.

        Raises
        ------
        Exception
            Whatever went wrong: the run on the server is then of no use.
        """
        for name, doc in documents:
            if name == "stop" and self._batches is not None:
                self._batches.notes.extend(notes)
            self._writer(name, doc)
            time.sleep(0)  # let the RunEngine's thread go on, which may wait for the interpreter
        if self._batches is not None:
            self._batches.flush()

    def _normalizer(self, **options: Any) -> _Batches:
        self._batches = _Batches(**options)
        return self._batches


def _joined(datums: list[Document]) -> list[Document]:
    """Return stream datums of one resource as one, where their frames follow each other."""
    try:
        return [concatenate_stream_datums(*datums)]
    except ValueError:
        return datums
