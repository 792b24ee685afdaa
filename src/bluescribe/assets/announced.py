"""The external files of a run, by stream and field, as its documents announce them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from ..log_once import LogOnce
from ..model.run import Stream
from .asset import Asset, Frames
from .images import Images, Part

__all__ = ["Announced"]

logger = logging.getLogger(__name__)

_told = LogOnce()
"""Unknown parameters of files that were logged already."""


class Announced:
    """The external files of a run, and which frames in them belong to which events.

    Parameters
    ----------
    folder
        Where the run's own file is: paths may be relative to it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._streams: dict[str, Stream] = {}
        self._assets: dict[tuple[str, str], list[Asset]] = {}
        self._frames: dict[tuple[str, str], list[tuple[Asset, Frames]]] = {}
        """Frames of each field in the order of its events."""

    @property
    def has_files(self) -> bool:
        """Whether there are external files at all."""
        return bool(self._assets)

    def add(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> bool:
        """Add the frames of a field; return whether their file is a new one."""
        self._streams[stream.name] = stream
        assets = self._assets.setdefault((stream.name, field), [])
        is_new = asset not in assets
        if is_new:
            assets.append(asset)
            _tell_of_ignored(asset, stream.name, field)
        if frames is not None:
            self._add_frames(stream.name, field, asset, frames)
        return is_new

    def assets(self, stream: str, field: str) -> list[Asset]:
        """Return the files of a field."""
        return self._assets.get((stream, field), [])

    def fields(self, stream: str) -> list[str]:
        """Return the fields of a stream that have files."""
        return [field for owner, field in self._assets if owner == stream]

    def of_fields(self) -> list[Images]:
        """Return the frames of each field; all frames of a file where the documents say none."""
        return [Images(*key, self._parts(*key)) for key in self._assets]

    def told(self, stream: str, field: str) -> tuple[list[tuple[Asset, Frames]], list[Asset]]:
        """Return the frames of each event, and the files whose frames no document says."""
        told = self._frames.get((stream, field), [])
        uids = {asset.uid for asset, _ in told}
        assets = self.assets(stream, field)
        # of a stream nothing but what is told belongs to the run
        return told, [a for a in assets if a.uid not in uids and not a.is_stream]

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
            Returns the present path of a file that was not there: PATH_MAP may have changed.
        """
        assets = {}
        for doc, path in noted["resources"]:
            asset = Asset.from_doc(doc, locate)
            was_found = os.path.exists(self.folder / path)  # noqa: PTH110  # it never raises
            assets[asset.uid] = replace(asset, path=Path(path)) if was_found else asset
        for stream, field, uids in noted["fields"]:
            for uid in uids:
                self.add(streams[stream], field, assets[uid].of(streams[stream], field), None)
        for stream, field, uid, *ranges in noted["frames"]:
            asset = assets[uid].of(streams[stream], field)
            self.add(streams[stream], field, asset, Frames(*ranges))

    def _parts(self, stream: str, field: str) -> tuple[Part, ...]:
        """Return the frames that the documents say; all frames of a file where they say none."""
        told, untold = self.told(stream, field)
        return (*(Part.of(asset, frames) for asset, frames in told), *map(Part, untold))

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


def _tell_of_ignored(asset: Asset, stream: str, field: str) -> None:
    """Log once a session which parameters of a detector's files are not used."""
    for key in asset.not_heeded:
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
