"""AssetBook: which events have which frames of which asset, as the documents of a run say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DocumentError
from ..model.run import Document, Page, Stream
from ..model.told import mapping_of
from .asset import Asset, Frames

__all__ = ["AssetBook", "datum_rows"]

_MOST_DATUMS = 50_000
"""Datum documents that are remembered: the events that refer to them follow soon."""

_PLACES = ("point_number", "index", "frame")
"""Keys of a datum that may hold its number in its resource."""


class AssetBook:
    """The external data that one run's documents have announced.

    Parameters
    ----------
    locate
        Returns the path on this machine of a file that its producer names by another path.
    """

    def __init__(self, locate: Callable[[str], Path] = Path) -> None:
        self._locate = locate
        self._assets: dict[str, Asset] = {}
        self._fields: dict[str, str] = {}
        self._datums: dict[str, tuple[str, int | None]] = {}
        """Resource and index of each datum."""
        self._has_forgotten = False

    def add_resource(self, doc: Document) -> None:
        """Take in a resource document."""
        asset = Asset.from_doc(doc, self._locate)
        self._assets[asset.uid] = asset

    def add_stream_resource(self, doc: Document) -> None:
        """Take in a stream_resource document."""
        asset = Asset.from_doc(doc, self._locate)
        self._assets[asset.uid] = asset
        self._fields[asset.uid] = str(doc.get("data_key") or "")

    def add_datum(self, datum_id: str, resource: str, parameters: Any = None) -> None:
        """Remember which part of which resource a datum is, until many more have come."""
        told = mapping_of(parameters)
        self._datums[datum_id] = resource, _index(told)
        others = tuple(str(key) for key in told if key not in _PLACES)
        if others and resource in self._assets and not self._assets[resource].ignored:
            self._assets[resource] = replace(self._assets[resource], ignored=others)
        if len(self._datums) > _MOST_DATUMS:
            self._datums.pop(next(iter(self._datums)))
            self._has_forgotten = True

    def knows(self, datum_id: str) -> bool:
        """Return whether a datum has come, or may have come and been forgotten since."""
        return datum_id in self._datums or self._has_forgotten

    def of_page(self, page: Page) -> Iterator[tuple[str, Asset, Frames | None]]:
        """Yield the assets, in the order of the events, of each field whose values are datum ids.

        Consecutive frames come together; they are None when the datums do not say their numbers.
        """
        for name, declared in page.descriptor.fields.items():
            if declared.external and name in page.data:
                for uid, frames in _joined(page.seq_num, map(self._datum, page.data[name])):
                    if uid in self._assets:
                        yield name, replace(self._assets[uid], shape=declared.shape), frames

    def of_stream_datum(self, doc: Document, stream: Stream) -> tuple[str, Asset, Frames]:
        """Return the field, the asset and the frames that a stream_datum document tells of.

        Parameters
        ----------
        doc
            The document.
        stream
            Of its descriptor.

        Raises
        ------
        DocumentError
            Its stream_resource is unknown or its ranges are missing.
        """
        uid = doc.get("stream_resource")
        if uid not in self._fields:
            raise DocumentError(f"stream_datum of an unknown stream_resource {uid!r}")
        name = self._fields[uid]
        return name, self._assets[uid].of(stream, name), Frames.from_stream_datum(doc)

    def _datum(self, datum_id: Any) -> tuple[str, int | None]:
        """Return a datum's resource and index; ids begin with the resource's uid by convention."""
        if not isinstance(datum_id, str):
            return "", None
        return self._datums.get(datum_id) or (datum_id.rpartition("/")[0], None)


def datum_rows(kwargs: Any, count: int) -> list[Document]:
    """Return the ``datum_kwargs`` of each datum of a page; what is malformed is left out."""
    columns = {
        key: column
        for key, column in mapping_of(kwargs).items()
        if isinstance(column, list | tuple) and len(column) == count
    }
    return [{key: column[row] for key, column in columns.items()} for row in range(count)]


def _index(parameters: Document) -> int | None:
    """Return the number of a datum in its resource."""
    for key in _PLACES:
        number = parameters.get(key)
        if isinstance(number, int | np.integer) and number >= 0:
            return int(number)
    return None


def _joined(
    seq_nums: Iterable[int], datums: Iterable[tuple[str, int | None]]
) -> Iterator[tuple[str, Frames | None]]:
    """Yield the resources of consecutive datums with the frames that follow on each other."""
    uid = ""
    frames: Frames | None = None
    for seq_num, (resource, index) in zip(seq_nums, datums, strict=True):
        seq = int(seq_num)
        new = None if index is None else Frames(seq, seq + 1, index, index + 1)
        longer = frames.followed_by(new) if frames and new and resource == uid else None
        if not longer and uid and (resource, new) != (uid, frames):
            yield uid, frames
        uid, frames = resource, longer or new
    if uid:
        yield uid, frames
