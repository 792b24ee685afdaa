"""External data of a run: links to HDF5 files, and words for every other kind of file."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..assets.asset import Asset, Frames
from ..assets.datums import ignored_parameters, is_whole_dataset
from ..files.json_text import dumps
from ..log_once import LogOnce
from ..model.run import Field, Stream
from .images import Images, Part, opened_unlocked
from .names import label
from .tree import Dataset, External, HardLink, Node

__all__ = ["AssetLinks"]

logger = logging.getLogger(__name__)

_NO_FIELD = Field("")

_told = LogOnce()
"""Parameters of files of which it was told that nobody here knows them."""


class AssetLinks:
    """The external files of a run, by stream and field.

    Parameters
    ----------
    folder
        Where the file is: links are relative to it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._streams: dict[str, Stream] = {}
        self._assets: dict[tuple[str, str], list[Asset]] = {}
        self._frames: dict[tuple[str, str], list[tuple[Asset, Frames]]] = {}
        """Frames of each field in the order of its events."""
        self._here: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {}
        """Fields whose frames this file shows as one dataset: its path and shape."""
        self.may_open = False
        """Whether external files may be opened by now. Until the run is over their producer opens
        and closes them, and one that runs in this process would find them open already."""

    @property
    def has_files(self) -> bool:
        """Whether there are external files at all."""
        return bool(self._assets)

    def add(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> bool:
        """Take in where a field's frames are; return whether the file is a new one."""
        self._streams[stream.name] = stream
        assets = self._assets.setdefault((stream.name, field), [])
        is_new = asset not in assets
        if is_new:
            assets.append(asset)
            _tell_of_ignored(asset, stream.name, field)
        if frames is not None:
            self._add_frames(stream.name, field, asset, frames)
        return is_new

    def set_here(self, images: Images, shape: tuple[int, ...]) -> None:
        """Note that ``value`` of a field is a dataset of this file now, of some shape."""
        self._here[images.stream, images.field] = f"{images.group}/value", shape

    def link(self, stream: Stream, field: str) -> External | HardLink | None:
        """Return the link to all of a field's frames, None unless they are in one dataset."""
        if here := self._here.get((stream.name, field)):
            return HardLink(here[0])
        assets = self._assets.get((stream.name, field), [])
        return self.external(assets[0]) if _is_link(assets) else None

    def is_linked(self, images: Images) -> bool:
        """Tell whether ``value`` of a field is a link to its one file."""
        return _is_link(self._assets[images.stream, images.field])

    def nodes(self, stream: Stream, field: str) -> dict[str, Node]:
        """Return what a field's group says of its external files.

        One HDF5 file is linked as ``value``, each of several as ``value_1``, ``value_2``..., and so
        is one of which only a part is meant; of every file, or sequence of files, there is the
        path, with what the documents tell, as ``asset_1``...
        """
        assets = self._assets.get((stream.name, field), [])
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
        found = self.shape(stream, field)
        assets = self._assets.get((stream.name, field), [])
        chunk_shape = assets[0].parameters.get("chunk_shape") if assets else None
        shape = found or chunk_shape
        return len(shape) if isinstance(shape, list | tuple) else None

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

    def images(self, group_of: Callable[[str, str], str]) -> list[Images]:
        """Return the frames of each field that has external files.

        Parameters
        ----------
        group_of
            Returns the absolute path of the group of a stream's field.
        """
        return [
            Images(
                stream,
                field,
                group_of(stream, field),
                self._streams[stream].fields.get(field, _NO_FIELD).shape,
                self._parts(stream, field),
                self._attrs(stream, field),
            )
            for stream, field in self._assets
        ]

    def told(self, stream: str, field: str) -> tuple[list[tuple[Asset, Frames]], list[Asset]]:
        """Return which frames belong to which events, and the files of which nothing tells."""
        told = self._frames.get((stream, field), [])
        uids = {asset.uid for asset, _ in told}
        assets = self._assets.get((stream, field), [])
        # of a stream nothing but what is told belongs to the run
        return told, [a for a in assets if a.uid not in uids and "data_key" not in a.doc]

    def file_name(self, asset: Asset) -> str:
        """Return the name of an asset's file, relative to this file where that is possible."""
        return self.external(asset).file

    def noted(self) -> dict[str, Any]:
        """Return all files and frames, for `take_in` in another process."""
        assets = {a.uid: a for of_field in self._assets.values() for a in of_field}
        return {
            "resources": [[dict(a.doc), str(a.path)] for a in assets.values()],
            "fields": [[*key, [a.uid for a in owned]] for key, owned in self._assets.items()],
            "frames": [
                [*key, asset.uid, *astuple(frames)]
                for key, ranges in self._frames.items()
                for asset, frames in ranges
            ],
        }

    def take_in(
        self, noted: Mapping[str, Any], streams: Mapping[str, Stream], locate: Callable[[str], Path]
    ) -> None:
        """Take in what `noted` returned.

        Parameters
        ----------
        noted
            What that was.
        streams
            Of the run.
        locate
            Returns where a file is by now that was not there: folders may be mapped since.
        """
        assets = {}
        for doc, path in noted["resources"]:
            asset = Asset.from_doc(doc, locate)
            was_found = os.path.exists(self.folder / path)  # noqa: PTH110  # it never raises
            assets[asset.uid] = replace(asset, path=Path(path)) if was_found else asset
        for stream, field, uids in noted["fields"]:
            for uid in uids:
                self.add(streams[stream], field, assets[uid], None)
        for stream, field, uid, *ranges in noted["frames"]:
            self.add(streams[stream], field, assets[uid], Frames(*ranges))

    def _parts(self, stream: str, field: str) -> tuple[Part, ...]:
        """Return what the documents tell of frames; all frames of a file of which they do not."""
        told, untold = self.told(stream, field)
        parts = (Part(asset, frames.index_start, frames.index_stop) for asset, frames in told)
        return (*parts, *map(Part, untold))

    def _attrs(self, stream: str, field: str) -> dict[str, Any]:
        declared = self._streams[stream].fields.get(field, _NO_FIELD)
        return {
            "long_name": label(field, declared.units),
            "units": declared.units,
            "source": declared.source,
        }

    def _add_frames(self, stream: str, field: str, asset: Asset, new: Frames) -> None:
        """Add frames; those that follow on the last ones make one longer range."""
        ranges = self._frames.setdefault((stream, field), [])
        owner, last = ranges[-1] if ranges else (None, None)
        is_same = owner is not None and owner.uid == asset.uid
        longer = last.followed_by(new) if last and is_same else None
        if longer:
            ranges[-1] = asset, longer
        elif not (is_same and last == new) and new.seq_start < new.seq_stop:
            ranges.append((asset, new))


def _is_link(assets: Sequence[Asset]) -> bool:
    """Tell whether a link to a dataset shows all frames of a field as the documents mean them."""
    return len(assets) == 1 and is_whole_dataset(assets[0])


def _tell_of_ignored(asset: Asset, stream: str, field: str) -> None:
    """Tell once in a session of what a detector says of its files and nobody here heeds."""
    for key in ignored_parameters(asset):
        if _told.is_new((field, key)):
            logger.warning(
                "the files of %r (stream %s) are announced with the parameter %r, which bluescribe "
                "does not know: their frames are read as if it were not there. Compare them with "
                "%s; the parameter is kept in the documents. If they differ, use what wrote the "
                "file to read it, and ask for support of this parameter.",
                field,
                stream,
                key,
                asset.place,
            )


def _description(asset: Asset) -> Dataset:
    attrs = {"uid": asset.uid, "spec": asset.spec, "parameters": dumps(asset.parameters).decode()}
    if asset.dataset:
        attrs["dataset"] = asset.dataset
    return Dataset(str(asset.path), attrs)


def _ranges(ranges: list[Frames]) -> Dataset:
    rows = [(f.seq_start, f.seq_stop, f.index_start, f.index_stop) for f in ranges]
    columns = ["seq_num start", "seq_num stop", "frame start", "frame stop"]
    return Dataset(np.array(rows, np.int64), {"columns": columns, "ranges": "half-open"})
