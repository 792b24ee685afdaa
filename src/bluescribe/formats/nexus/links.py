"""External data of a run: links to HDF5 files, and words for every other kind of file."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np

from ...assets import Asset, Frames
from ...jsontext import dumps
from ...run import Stream
from .tree import Dataset, External, Node

__all__ = ["AssetLinks"]


class AssetLinks:
    """The external files of a run, by stream and field.

    Parameters
    ----------
    folder
        Where the NeXus file is: links are relative to it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._assets: dict[tuple[str, str], list[Asset]] = {}
        self._frames: dict[tuple[str, str, str], list[Frames]] = {}

    def add(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> bool:
        """Take in where a field's frames are; return whether the file is a new one."""
        assets = self._assets.setdefault((stream.name, field), [])
        is_new = asset not in assets
        if is_new:
            assets.append(asset)
        if frames is not None:
            self._add_frames((stream.name, field, asset.uid), frames)
        return is_new

    def link(self, stream: Stream, field: str) -> External | None:
        """Return the link to all of a field's frames, None unless one HDF5 file holds them."""
        assets = self._assets.get((stream.name, field), [])
        return self._external(assets[0]) if len(assets) == 1 and assets[0].is_hdf5 else None

    def nodes(self, stream: Stream, field: str) -> dict[str, Node]:
        """Return what a field's group says of its external files.

        One HDF5 file is linked as ``value``, each of several as ``value_1``, ``value_2``...; of
        every file there is the path, with what the documents tell, as ``asset_1``...
        """
        assets = self._assets.get((stream.name, field), [])
        nodes: dict[str, Node] = {}
        for number, asset in enumerate(assets, 1):
            if asset.is_hdf5:
                nodes["value" if len(assets) == 1 else f"value_{number}"] = self._external(asset)
            nodes[f"asset_{number}"] = _description(asset)
        return nodes

    def frame_nodes(self) -> list[tuple[str, str, str, Dataset]]:
        """Return for each asset of stream_datums which events and frames belong together."""
        found = []
        for (stream, field), assets in self._assets.items():
            for number, asset in enumerate(assets, 1):
                ranges = self._frames.get((stream, field, asset.uid))
                if ranges:
                    found.append((stream, field, f"frames_{number}", _ranges(ranges)))
        return found

    def is_there(self, stream: Stream, field: str) -> bool:
        """Tell whether what a field's link leads to can be opened by now."""
        return self._rank_found(self.link(stream, field)) is not None

    def rank(self, stream: Stream, field: str) -> int | None:
        """Return the dimensions of a field's external data, None if nobody can tell yet.

        A file that its producer holds open tells nothing; then the document may.
        """
        found = self._rank_found(self.link(stream, field))
        assets = self._assets.get((stream.name, field), [])
        chunk_shape = assets[0].parameters.get("chunk_shape") if assets else None
        return found or (len(chunk_shape) if isinstance(chunk_shape, list | tuple) else None)

    def missing(self) -> list[Path]:
        """Return the files that are not there."""
        assets = [asset for assets in self._assets.values() for asset in assets]
        paths = dict.fromkeys(asset.path for asset in assets if asset.is_hdf5)
        return [path for path in paths if not (self._folder / path).exists()]

    def _external(self, asset: Asset) -> External:
        path = asset.path
        file = os.path.relpath(path, self._folder) if path.is_absolute() else str(path)
        return External(file, asset.dataset or "/")

    def _rank_found(self, link: External | None) -> int | None:
        if link is None:
            return None
        try:
            with h5py.File(self._folder / link.file, "r", locking=False) as file:
                return len(file[link.path].shape)
        except (OSError, KeyError, AttributeError):
            return None

    def _add_frames(self, key: tuple[str, str, str], new: Frames) -> None:
        """Add frames; those that follow on the last ones make one longer range."""
        ranges = self._frames.setdefault(key, [])
        last = ranges[-1] if ranges else None
        if last and (last.seq_stop, last.index_stop) == (new.seq_start, new.index_start):
            ranges[-1] = Frames(last.seq_start, new.seq_stop, last.index_start, new.index_stop)
        elif last != new:
            ranges.append(new)


def _description(asset: Asset) -> Dataset:
    attrs = {"uid": asset.uid, "spec": asset.spec, "parameters": dumps(asset.parameters).decode()}
    if asset.dataset:
        attrs["dataset"] = asset.dataset
    return Dataset(str(asset.path), attrs)


def _ranges(ranges: list[Frames]) -> Dataset:
    rows = [(f.seq_start, f.seq_stop, f.index_start, f.index_stop) for f in ranges]
    columns = ["seq_num start", "seq_num stop", "frame start", "frame stop"]
    return Dataset(np.array(rows, np.int64), {"columns": columns, "ranges": "half-open"})
