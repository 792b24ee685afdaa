"""What grows in the parts of a run, column by column: which rows of the run each part has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import h5py
from h5py import h5o

from ...files import Place
from ..columns.datasets import MISSING
from ..columns.layout import layout_in

__all__ = ["Piece", "Pieces", "Where", "address_of", "columns_of", "grows", "path_of"]

_BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class Where:
    """Where a format has what grows."""

    streams: str
    """Absolute path of the group of all streams."""
    stamps: str
    """Pattern of the paths of columns with the times at which values were read."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The rows of a column that one part has."""

    dataset: h5py.Dataset
    part: Place
    start: int
    """The number that its first row has in the run."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The rows of a column that the parts have, in their order."""

    all: Sequence[Piece]
    rows: int
    """How many the column has in the run."""

    @property
    def are_simple(self) -> bool:
        """Whether a virtual dataset shows what one file would have."""
        stop = 0
        for piece in self.all:
            if piece.start != stop:
                return False
            stop += len(piece.dataset)
        return stop == self.rows and len({layout_in(piece.dataset) for piece in self.all}) == 1


def columns_of(
    sources: Sequence[h5py.File], parts: Sequence[Place], streams: str
) -> Iterator[tuple[str, Pieces]]:
    """Yield what grows in any part, by its path, with the rows of each part that has it."""
    found: dict[str, list[Piece]] = {}
    starts: dict[str, int] = {}
    """How many rows came in earlier parts: of streams by the paths of their groups."""
    for source, part in zip(sources, parts, strict=True):
        rows: dict[str, int] = {}
        for path, dataset in _growing(source):
            owner = _owner(path, streams)
            found.setdefault(path, []).append(Piece(dataset, part, starts.get(owner, 0)))
            if not path.endswith(MISSING):
                rows[owner] = max(rows.get(owner, 0), len(dataset))
        for owner, number in rows.items():
            starts[owner] = starts.get(owner, 0) + number
    for path, pieces in found.items():
        owner = _owner(path, streams)
        if owner == f"{streams}/{_BASELINE}":  # each part has all of it
            last = replace(pieces[-1], start=0)
            yield path, Pieces([last], len(last.dataset))
        else:
            yield path, Pieces(pieces, starts.get(owner, 0))


def _growing(source: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield what grows in a file, once each, by the first of its names."""
    seen: set[int] = set()
    waiting = [source["/"]]
    while waiting:
        for item in _hard_linked(waiting.pop(0)):
            if (address := address_of(item)) in seen:
                continue
            seen.add(address)
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif grows(item):
                yield (path := path_of(item)), source[path]


def _hard_linked(group: h5py.Group) -> Iterator[h5py.HLObject]:
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.HardLink):
            yield group[name]


def address_of(item: h5py.HLObject) -> int:
    """Return where an object is in its file."""
    return int(h5o.get_info(item.id).addr)


def path_of(item: h5py.Dataset) -> str:
    """Return the first name of what may have several, which it tells then."""
    return str(item.attrs.get("target", item.name))


def _owner(path: str, streams: str) -> str:
    """Return what has the same rows as a column: its stream, or itself."""
    if not path.startswith(f"{streams}/"):
        return path
    return "/".join(path.split("/")[: streams.count("/") + 2])


def grows(item: h5py.Dataset) -> bool:
    """Tell whether a dataset can get more rows."""
    return bool(item.maxshape) and item.maxshape[0] is None
