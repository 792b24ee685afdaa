"""The frames of runs that lie in HDF5 files of their own, read without the files of bluescribe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import h5py
import numpy as np

Documents = Iterable[tuple[str, Any]]


def frames(documents: Documents) -> dict[tuple[str, str], Any]:
    """Return the frames of each run and field, by the run's uid and the field's name."""
    found: dict[tuple[str, str], list[Any]] = {}
    reader = _Reader()
    for name, doc in documents:
        for key, part in reader.take(name, doc):
            found.setdefault(key, []).append(part)
    return {key: np.concatenate(parts) for key, parts in found.items()}


class _Reader:
    """Follows documents to the frames that they announce."""

    def __init__(self) -> None:
        self._files: dict[str, Mapping[str, Any]] = {}
        self._data: dict[str, Mapping[str, Any]] = {}
        self._descriptors: dict[str, Mapping[str, Any]] = {}

    def take(self, name: str, doc: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
        """Yield frames, with the run and the field that they belong to."""
        if name in ("resource", "stream_resource"):
            self._files[doc["uid"]] = doc
        elif name == "descriptor":
            self._descriptors[doc["uid"]] = doc
        elif name == "datum":
            self._data[doc["datum_id"]] = {"resource": doc["resource"], **doc["datum_kwargs"]}
        elif name == "datum_page":
            for number, datum_id in enumerate(doc["datum_id"]):
                kwargs = {key: column[number] for key, column in doc["datum_kwargs"].items()}
                self._data[datum_id] = {"resource": doc["resource"], **kwargs}
        elif name == "event":
            yield from self._of_event(doc)
        elif name == "stream_datum":
            yield from self._of_stream(doc)

    def _of_event(self, doc: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
        for field, value in doc["data"].items():
            datum = self._data.get(value) if isinstance(value, str) else None
            if datum is None or "point_number" not in datum:
                continue
            file = self._files[datum["resource"]]
            count = file["resource_kwargs"].get("frame_per_point", 1)
            first = datum["point_number"] * count
            path = Path(file["root"], file["resource_path"])
            if path.suffix == ".h5" and path.exists():
                with h5py.File(path, "r") as opened:
                    yield self._key(doc, field), opened["entry/data/data"][first : first + count]

    def _of_stream(self, doc: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
        told = self._files[doc["stream_resource"]]
        path, field = _path(told["uri"]), told["data_key"]
        if path.suffix == ".h5" and path.exists():
            shape = self._descriptors[doc["descriptor"]]["data_keys"][field]["shape"]
            with h5py.File(path, "r") as opened:
                dataset = opened[told["parameters"]["dataset"]]
                each = shape[0] if len(shape) == dataset.ndim else 1  # frames an event
                start, stop = (doc["indices"][end] * each for end in ("start", "stop"))
                yield self._key(doc, field), dataset[start:stop]

    def _key(self, doc: Mapping[str, Any], field: str) -> tuple[str, str]:
        return self._descriptors[doc["descriptor"]]["run_start"], field


def _path(uri: str) -> Path:
    """Return the path in a URI; some devices do not quote what is in it."""
    unquoted = Path(uri.removeprefix("file://localhost"))
    return unquoted if unquoted.exists() else Path(unquote(urlsplit(uri).path))
