"""External data: resource and stream_resource documents -> file, dataset; ranges of frames."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import unquote

import numpy as np

from ..errors import DocumentError
from ..model.run import Document, Field, Stream
from ..model.told import mapping_of
from .kinds import HDF5, Kind, dataset_of, kind_of

__all__ = ["Asset", "Frames", "uri_path"]

_ENCODED = re.compile(r"([\w/.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*", re.ASCII)
"""A path in which everything that a URI has to encode is encoded."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One external file, or sequence of files, that holds frames of a field."""

    uid: str
    """Of the resource or stream_resource document."""
    spec: str
    """The resource's spec or the stream_resource's mimetype."""
    path: Path
    """Of the file, or of the stem of a sequence's files, as the document names it."""
    dataset: str | None
    """Absolute path of the dataset inside an HDF5 file; None for any other kind of file."""
    parameters: Document = field(default_factory=dict)
    doc: Document = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    """Keys of its datums, beside their number, that are not used."""
    shape: tuple[int | None, ...] = field(default=(), compare=False)
    """Of what one event has, as the descriptor declares it; known of an asset that has frames."""

    @classmethod
    def from_doc(cls, doc: Document, locate: Callable[[str], Path]) -> Asset:
        """Return the asset of a resource or stream_resource document.

        Before event-model 1.23 both were alike.

        Raises
        ------
        DocumentError
            It does not name a file.
        """
        make = _from_stream_resource if "uri" in doc else _from_resource
        return make(doc, locate)

    @property
    def kind(self) -> Kind | None:
        """The kind of its files; None if it is not known, so that they cannot be read."""
        return kind_of(self.spec, self.dataset)

    @property
    def is_hdf5(self) -> bool:
        """Whether the frames can be linked from another HDF5 file."""
        return self.kind is HDF5

    @property
    def is_stream(self) -> bool:
        """Whether stream_datums tell of its frames."""
        return "data_key" in self.doc

    @property
    def is_sequence(self) -> bool:
        """Whether each datum has an HDF5 file of its own, or some."""
        return self.is_hdf5 and isinstance(self.parameters.get("template"), str)

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        """Shape of the chunks that the documents tell of; of a sequence that of a file."""
        chunk = self.parameters.get("chunk_shape")
        return tuple(chunk) if isinstance(chunk, list | tuple) else ()

    @property
    def not_heeded(self) -> list[str]:
        """Parameters in the documents that are not used when its frames are read."""
        kind = self.kind
        return [*kind.ignored(self.parameters), *self.ignored] if kind else []

    def of(self, stream: Stream, name: str) -> Asset:
        """Return it with the shape that a field of a stream is declared to have."""
        return replace(self, shape=stream.fields.get(name, Field(name)).shape)

    def number(self, key: str) -> int:
        """Return a parameter that is a number of something; 0 where there is none."""
        number = self.parameters.get(key)
        return int(number) if isinstance(number, int | np.integer) and number > 0 else 0

    @property
    def place(self) -> str:
        """Where the data are, for messages: path, with the dataset where there is one."""
        return f"{self.path}:{self.dataset}" if self.dataset else str(self.path)


@dataclass(frozen=True, slots=True)
class Frames:
    """Which events of a stream which frames of an asset belong to; ranges are half-open.

    Indices count as the documents do: an index is all that one event has, be it several frames.
    """

    seq_start: int
    seq_stop: int
    index_start: int
    index_stop: int

    def followed_by(self, other: Frames) -> Frames | None:
        """Return the range of both if the other one begins where this one ends."""
        if (self.seq_stop, self.index_stop) != (other.seq_start, other.index_start):
            return None
        return Frames(self.seq_start, other.seq_stop, self.index_start, other.index_stop)

    @classmethod
    def from_stream_datum(cls, doc: Document) -> Frames:
        """Read the ranges of a stream_datum document.

        Raises
        ------
        DocumentError
            A range is missing or not of whole numbers.
        """
        try:
            seq, index = doc["seq_nums"], doc["indices"]
            return cls(int(seq["start"]), int(seq["stop"]), int(index["start"]), int(index["stop"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DocumentError(f"stream_datum without seq_nums and indices: {error!r}") from None


def _from_resource(doc: Document, locate: Callable[[str], Path]) -> Asset:
    """Return the asset of a resource document.

    Raises
    ------
    DocumentError
        It has no uid or no resource_path.
    """
    uid, resource_path = doc.get("uid"), doc.get("resource_path")
    if not isinstance(uid, str) or not isinstance(resource_path, str):
        raise DocumentError(f"resource without uid or resource_path: it has {sorted(doc)}")
    spec = str(doc.get("spec") or "")
    kwargs = mapping_of(doc.get("resource_kwargs"))
    path: PurePath = PurePosixPath(resource_path)
    if root := doc.get("root"):
        kind = PureWindowsPath if doc.get("path_semantics") == "windows" else PurePosixPath
        path = kind(str(root), resource_path.lstrip("/\\" if kind is PureWindowsPath else "/"))
    dataset = dataset_of(spec, kwargs, is_stream=False)
    return Asset(uid, spec, locate(str(path)), dataset, kwargs, doc)


def _from_stream_resource(doc: Document, locate: Callable[[str], Path]) -> Asset:
    """Return the asset of a stream_resource document since event-model 1.23.

    Raises
    ------
    DocumentError
        It has no uid.
    """
    uid, uri = doc.get("uid"), doc["uri"]
    if not isinstance(uid, str) or not isinstance(uri, str):
        raise DocumentError(f"stream_resource without uid or uri: it has {sorted(doc)}")
    mimetype = str(doc.get("mimetype") or "")
    parameters = mapping_of(doc.get("parameters"))
    dataset = dataset_of(mimetype, parameters, is_stream=True)
    return Asset(uid, mimetype, locate(uri_path(uri)), dataset, parameters, doc)


def uri_path(uri: str) -> str:
    """Return the path of a file URI, which some producers leave unencoded."""
    scheme, separator, rest = uri.partition("://")
    raw = "/" + rest.partition("/")[2] if separator else scheme.removeprefix("file:")
    return unquote(raw) if _ENCODED.fullmatch(raw) else raw
