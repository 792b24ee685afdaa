"""External data of a run: links to HDF5 files, and words for every other kind of file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...assets.announced import Announced
from ...assets.asset import Asset, Frames
from ...assets.datums import is_whole_dataset
from ...assets.hdf5.reader import opened_unlocked
from ...assets.images import Images
from ...files.json_text import dumps
from ...model.run import Field, Stream
from ..names import label
from ..tree import Dataset, External, HardLink, Node

__all__ = ["AssetLinks"]

_NO_FIELD = Field("")


class AssetLinks(Announced):
    """The external files of a run, as an HDF5 file links them.

    Parameters
    ----------
    folder
        Where the file is: links are relative to it.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._here: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {}
        """Fields whose frames this file shows as one dataset: its path and shape."""
        self.may_open = False
        """Whether external files may be opened by now. Until the run is over their producer opens
        and closes them, and one that runs in this process would find them open already."""

    def set_here(self, images: Images, shape: tuple[int, ...]) -> None:
        """Note that ``value`` of a field is a dataset of this file now, of some shape."""
        self._here[images.stream, images.field] = f"{images.group}/value", shape

    def link(self, stream: Stream, field: str) -> External | HardLink | None:
        """Return the link to all of a field's frames, None unless they are in one dataset."""
        if here := self._here.get((stream.name, field)):
            return HardLink(here[0])
        assets = self.assets(stream.name, field)
        return self.external(assets[0]) if _is_link(assets) else None

    def is_linked(self, images: Images) -> bool:
        """Tell whether ``value`` of a field is a link to its one file."""
        return _is_link(self.assets(images.stream, images.field))

    def nodes(self, stream: Stream, field: str) -> dict[str, Node]:
        """Return what a field's group says of its external files.

        One HDF5 file is linked as ``value``, each of several as ``value_1``, ``value_2``..., and so
        is one of which only a part is meant; of every file, or sequence of files, there is the
        path, with what the documents tell, as ``asset_1``...
        """
        assets = self.assets(stream.name, field)
        nodes: dict[str, Node] = {}
        for number, asset in enumerate(assets, 1):
            if asset.is_hdf5 and not asset.is_sequence:
                nodes["value" if _is_link(assets) else f"value_{number}"] = self.external(asset)
            nodes[f"asset_{number}"] = _description(asset)
        return nodes

    def frame_nodes(self) -> list[tuple[str, str, str, Dataset]]:
        """Return for each asset of stream_datums which events and frames belong together."""
        found = []
        for (stream, field), assets in self._assets.items():
            for number, asset in enumerate(assets, 1):
                of_field = self._frames.get((stream, field), [])
                if ranges := [frames for owner, frames in of_field if owner.uid == asset.uid]:
                    found.append((stream, field, f"frames_{number}", _ranges(ranges)))
        return found

    def is_there(self, stream: Stream, field: str) -> bool:
        """Tell whether what a field's link leads to can be opened by now."""
        return self.shape(stream, field) is not None

    def rank(self, stream: Stream, field: str) -> int | None:
        """Return the dimensions of a field's external data, None if nobody can tell yet.

        A file that its producer, another process, holds open tells nothing; then the document may.
        """
        assets = self.assets(stream.name, field)
        shape = self.shape(stream, field) or (assets[0].chunk_shape if assets else None)
        return len(shape) if shape else None

    def shape(self, stream: Stream, field: str) -> tuple[int, ...] | None:
        """Return the shape of a field's external data, None if they cannot be opened by now."""
        if here := self._here.get((stream.name, field)):
            return here[1]
        link = self.link(stream, field)
        if not isinstance(link, External) or not self.may_open:
            return None
        try:
            with opened_unlocked(self.folder / link.file, link.path) as file:
                return tuple(file[link.path].shape)
        except (OSError, KeyError, AttributeError):
            return None

    def missing(self) -> list[Path]:
        """Return the files that are not there."""
        assets = [asset for assets in self._assets.values() for asset in assets]
        paths = dict.fromkeys(a.path for a in assets if a.is_hdf5 and not a.is_sequence)
        return [path for path in paths if not os.path.exists(self.folder / path)]  # noqa: PTH110  # it never raises

    def external(self, asset: Asset) -> External:
        """Return the link to an HDF5 file."""
        path = asset.path
        file = os.path.relpath(path, self.folder) if path.is_absolute() else str(path)
        return External(file, asset.dataset or "/")

    def file_name(self, asset: Asset) -> str:
        """Return the name of an asset's file, relative to this file where that is possible."""
        return self.external(asset).file

    def images(self, group_of: Callable[[str, str], str]) -> list[Images]:
        """Return the frames of each field that has external files.

        Parameters
        ----------
        group_of
            Returns the absolute path of the group of a stream's field.
        """
        return [
            replace(i, group=group_of(i.stream, i.field), attrs=self._attrs(i.stream, i.field))
            for i in self.of_fields()
        ]

    def _attrs(self, stream: str, field: str) -> dict[str, Any]:
        declared = self._streams[stream].fields.get(field, _NO_FIELD)
        return {
            "long_name": label(field, declared.units),
            "units": declared.units,
            "source": declared.source,
        }


def _is_link(assets: Sequence[Asset]) -> bool:
    """Tell whether a link to a dataset shows all frames of a field as the documents mean them."""
    return len(assets) == 1 and is_whole_dataset(assets[0])


def _description(asset: Asset) -> Dataset:
    attrs = {"uid": asset.uid, "spec": asset.spec, "parameters": dumps(asset.parameters).decode()}
    if asset.dataset:
        attrs["dataset"] = asset.dataset
    return Dataset(str(asset.path), attrs)


def _ranges(ranges: list[Frames]) -> Dataset:
    rows = [(f.seq_start, f.seq_stop, f.index_start, f.index_stop) for f in ranges]
    columns = ["seq_num start", "seq_num stop", "frame start", "frame stop"]
    return Dataset(np.array(rows, np.int64), {"columns": columns, "ranges": "half-open"})
