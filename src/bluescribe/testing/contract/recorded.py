"""What a run consists of: as its documents tell it, and as a file gives it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ...model.times import seconds_of

__all__ = ["RecordedRun", "received"]

Document = Mapping[str, Any]
Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class RecordedRun:
    """One run, with every value as a reader finds it.

    The contract makes one of the documents and wants the same from your reader. What your format
    has no place for stays at its default and is not compared: `start`, `descriptors`, `times`,
    `timestamps`. Events and external files have to be there, or named in `left_out`.
    """

    uid: str
    start: Document | None = None
    stop: Document | None = None
    """Compared when there is a `start`."""
    descriptors: Sequence[Document] | None = None
    seq_num: dict[str, list[int]] = field(default_factory=dict)
    """By stream. A stream without events has an empty list."""
    times: dict[str, list[float]] = field(default_factory=dict)
    """Epoch seconds of the events, by stream."""
    events: dict[str, Columns] = field(default_factory=dict)
    """By stream and field: the values in the order of the rows. None where there is none."""
    timestamps: dict[str, Columns] = field(default_factory=dict)
    """By stream and field: epoch seconds. None where there is none."""
    places: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """By stream and field: where external values are, one text a file."""
    left_out: dict[tuple[str, str | None], str] = field(default_factory=dict)
    """What the file says of values that are not in it, by stream and field; of a whole stream
    under None."""


def received(documents: Iterable[tuple[str, Document]]) -> list[RecordedRun]:
    """Return what documents tell, a run each, in the order in which the runs began.

    Parameters
    ----------
    documents : iterable of (str, dict)
        Valid documents of any number of runs.
    """
    account = _Account()
    for name, doc in documents:
        account.take(name, doc)
    return list(account.runs.values())


class _Account:
    """Enters documents into the runs that they belong to."""

    def __init__(self) -> None:
        self.runs: dict[str, RecordedRun] = {}
        self._streams: dict[str, tuple[RecordedRun, str]] = {}
        self._external: dict[str, list[str]] = {}
        self._files: dict[str, str] = {}
        self._data_keys: dict[str, str] = {}
        self._resource_of: dict[str, str] = {}

    def take(self, name: str, doc: Document) -> None:
        getattr(self, f"_{name}")(doc)

    def _start(self, doc: Document) -> None:
        self.runs[doc["uid"]] = RecordedRun(doc["uid"], doc, descriptors=[])

    def _stop(self, doc: Document) -> None:
        run = self.runs[doc["run_start"]]
        object.__setattr__(run, "stop", doc)  # frozen for its readers, not while it is made

    def _descriptor(self, doc: Document) -> None:
        run, stream = self.runs[doc["run_start"]], str(doc.get("name") or "primary")
        self._streams[doc["uid"]] = run, stream
        keys = doc["data_keys"].items()
        self._external[doc["uid"]] = [
            key for key, said in keys if isinstance(said, Mapping) and said.get("external")
        ]
        assert isinstance(run.descriptors, list)
        run.descriptors.append(doc)
        run.seq_num.setdefault(stream, [])
        run.times.setdefault(stream, [])
        run.events.setdefault(stream, {})
        run.timestamps.setdefault(stream, {})

    def _event(self, doc: Document) -> None:
        run, stream = self._streams[doc["descriptor"]]
        row = len(run.seq_num[stream])
        run.seq_num[stream].append(int(doc["seq_num"]))
        run.times[stream].append(seconds_of(doc["time"]))
        _put(run.events[stream], row, doc["data"])
        _put(run.timestamps[stream], row, {k: doc["timestamps"].get(k) for k in doc["data"]})
        for key in self._external[doc["descriptor"]]:
            uid = self._resource_of.get(str(doc["data"].get(key)))
            if uid is not None:
                self._place(run, stream, key, uid)

    def _event_page(self, doc: Document) -> None:
        for event in _unpacked(doc):
            self._event(event)

    def _resource(self, doc: Document) -> None:
        self._files[doc["uid"]] = PurePosixPath(doc["resource_path"]).name

    def _datum(self, doc: Document) -> None:
        self._resource_of[doc["datum_id"]] = doc["resource"]

    def _datum_page(self, doc: Document) -> None:
        self._resource_of.update(dict.fromkeys(doc["datum_id"], doc["resource"]))

    def _stream_resource(self, doc: Document) -> None:
        self._files[doc["uid"]] = PurePosixPath(unquote(urlsplit(doc["uri"]).path)).name
        self._data_keys[doc["uid"]] = doc["data_key"]

    def _stream_datum(self, doc: Document) -> None:
        run, stream = self._streams[doc["descriptor"]]
        uid = doc["stream_resource"]
        self._place(run, stream, self._data_keys[uid], uid)

    def _place(self, run: RecordedRun, stream: str, key: str, uid: str) -> None:
        places = run.places.setdefault((stream, key), [])
        if self._files[uid] not in places:
            places.append(self._files[uid])


def _put(columns: Columns, row: int, values: Document) -> None:
    """Add a row to the columns, with None where a column has no value in it."""
    for key in values:
        columns.setdefault(key, [None] * row)
    for key, column in columns.items():
        column.append(values.get(key))


def _unpacked(page: Document) -> Iterator[dict[str, Any]]:
    for row, seq_num in enumerate(page["seq_num"]):
        yield {
            "descriptor": page["descriptor"],
            "seq_num": seq_num,
            "time": page["time"][row],
            "data": {key: column[row] for key, column in page["data"].items()},
            "timestamps": {
                key: column[row] for key, column in page["timestamps"].items() if len(column)
            },
        }
