"""Frames in files of their own -> datasets of ``/exchange``, once those files can be read.

Until then the file has a row an event: its seq_num, time and angle. When the frames are there, the
rows become those of the frames, and stay in step with them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias

import h5py
import numpy as np

from ...assets.datums import Datums
from ...assets.frames import reader_of
from ...assets.images import Images, ImagesError, Part
from ...hdf5.images.links import AssetLinks
from ...hdf5.objects import set_attribute
from ...hdf5.removal import remove
from ...model.numbers import is_real, is_real_or_truth
from ...model.run import Field, Run
from ...model.values import Array
from .indices import Indices, places
from .layout import ACQUISITION, AXES, EXCHANGE, NUMBER, take_rows
from .settings import IMAGE_KEYS, ROLES, Role
from .tomogram import Tomogram

__all__ = ["ExternalFrames", "Put", "Task"]

Task: TypeAlias = Role | Literal["theta"]
"""A dataset of ``/exchange`` that comes from other files."""

Put = Callable[[h5py.Group, str, Images], h5py.Dataset]
"""Makes a dataset of frames."""


class _Choice(NamedTuple):
    """The frames of a role."""

    images: Images
    rows: Array | None
    """Of which row of the events each index is; None where the stream has no events."""
    seq_num: Array
    """Of each index."""


class ExternalFrames:
    """The frames of one run that are in files of their own.

    Parameters
    ----------
    run
        The run.
    tomogram
        Says where the images of each role come from.
    links
        The external files.
    """

    def __init__(self, run: Run, tomogram: Tomogram, links: AssetLinks) -> None:
        self._run = run
        self._tomogram = tomogram
        self._links = links
        self.shown: set[Task] = set()
        """What the file has by now."""
        self.without: dict[Role, int] = {}
        """How many events of a role have no frame."""

    def pending(self) -> list[Task]:
        """Return what the run has in files and the file has not, in the order to show it."""
        tasks = [role for role in ROLES if self._has_files(*self.source(role))]
        pending: list[Task] = [task for task in tasks if task not in self.shown]
        if "theta" not in self.shown and self._has_files(*self.source("theta")):
            pending.append("theta")
        return pending

    def source(self, task: Task) -> tuple[str, str]:
        """Return the stream and field that something comes from; empty where there is none."""
        stream = self._tomogram.files_of("data" if task == "theta" else task)
        if stream is None:
            return "", ""
        if task != "theta":
            return stream, self._tomogram.image_of(stream) or ""
        theta = self._tomogram.theta(self._run.streams[stream])
        return stream, theta or ""

    def check(self, task: Task) -> None:
        """Look whether all can be read that something needs.

        Raises
        ------
        NotReadyError, ImagesError
            Not yet; or it never will be.
        """
        reader_of(self._told_images(task)[0]).check()
        stream, _ = self.source(task)
        if (key := self._tomogram.external_key(stream)) is not None:
            reader_of(self._numbers(stream, key)[0]).check()

    def show(self, h5: h5py.File, task: Task, put: Put) -> None:
        """Make a dataset; the file is plain.

        Raises
        ------
        NotReadyError, ImagesError
            What it needs cannot be read, or is no such thing. The file is as it was.
        """
        if task == "theta":
            self._show_theta(h5)
        else:
            self._show_frames(h5, task, put)
        self.shown.add(task)

    def _has_files(self, stream: str, field: str) -> bool:
        return any(self._links.told(stream, field))

    def _show_frames(self, h5: h5py.File, role: Role, put: Put) -> None:
        choice = self._choice(h5, role)
        group = h5.require_group(EXCHANGE)
        try:
            dataset = put(group, role, choice.images)
            each = self._frames_each(dataset, choice)
        except Exception:
            if role in group:
                remove(group, role)
            if not len(group):
                remove(h5, EXCHANGE)
            raise
        set_attribute(dataset, "frames_per_event", each)
        acquisition = h5.require_group(f"{ACQUISITION}/{role}")
        if choice.rows is None:
            numbers = acquisition.create_dataset("seq_num", data=np.repeat(choice.seq_num, each))
            for key, value in NUMBER.items():
                set_attribute(numbers, key, value)
            return
        self.without[role] = len(acquisition["seq_num"]) - len(choice.rows)
        for name in ("seq_num", "time"):
            take_rows(acquisition, name, choice.rows, each)
        if role == "data" and "theta" in group:
            take_rows(group, "theta", choice.rows, each)

    def _frames_each(self, dataset: h5py.Dataset, choice: _Choice) -> int:
        """Return how many frames each index has, after a look at what the frames are."""
        count, *shape = dataset.shape
        if len(shape) != 2 or not is_real_or_truth(dataset.dtype):
            raise ImagesError(f"{dataset.dtype} frames of shape {tuple(shape)} are no images")
        group = dataset.parent
        for other in ROLES:
            if other in group and group[other].shape[1:] != tuple(shape):
                raise ImagesError(
                    f"frames of shape {tuple(shape)} are unlike those of {other}, which have "
                    f"{group[other].shape[1:]}"
                )
        indices = len(choice.seq_num)
        rank, images = len(dataset.shape), choice.images
        declared = {Datums.of(asset).rows_each(rank) for asset in images.assets}
        each, rest = divmod(int(count), indices)
        if rest or len(declared) > 1 or (not images.events and each not in declared):
            raise ImagesError(f"{count} frames do not belong to {indices} events")
        return each

    def _choice(self, h5: h5py.File, role: Role) -> _Choice:
        """Return the frames of a role, in the order of the events."""
        stream, field = self.source(role)
        path = f"{ACQUISITION}/{role}/seq_num"
        numbers = h5[path][()] if path in h5 else None
        images, indices = self._told_images(role)
        if indices is None:
            if numbers is None or (stream, field) != self._only_source():
                raise ImagesError("the documents do not tell which frames belong to which events")
            return _Choice(images, np.arange(len(numbers)), numbers)
        if (key := self._tomogram.external_key(stream)) is not None:
            keys = self._values(stream, key, indices.seq_num)
            is_used = [IMAGE_KEYS.get(int(number)) == role for number in keys[:, 0]]
            indices = indices.chosen(np.array(is_used, bool))
        rows = None
        if numbers is not None:
            found = places(numbers, indices.seq_num)
            rows = np.flatnonzero(found >= 0)
            indices = indices.chosen(found[rows])
        if not len(indices.seq_num):
            raise ImagesError("the documents announce none of them")
        return _Choice(self._images(role, indices), rows, indices.seq_num)

    def _only_source(self) -> tuple[str, str]:
        """Return the one stream and field with frames; none where a stream has several roles."""
        found = [self.source(role) for role in ROLES if self._tomogram.files_of(role)]
        return found[0] if len(found) == 1 else ("", "")

    def _told_images(self, task: Task) -> tuple[Images, Indices | None]:
        """Return all that the documents announce; no indices where they do not tell of events."""
        stream, field = self.source(task)
        told, untold = self._links.told(stream, field)
        if told and untold:
            raise ImagesError("the documents tell of some files what belongs to which event")
        indices = Indices.told(told) if told else None
        return self._images(task, indices), indices

    def _images(self, task: Task, indices: Indices | None) -> Images:
        stream, field = self.source(task)
        declared = self._run.streams[stream].fields.get(field, Field(field))
        about = {"units": declared.units, "axes": AXES, "description": field}
        untold = self._links.told(stream, field)[1]
        parts = tuple(map(Part, untold)) if indices is None else indices.parts()
        return Images(stream, field, parts, one_by_one=True, group=EXCHANGE, attrs=about)

    def _show_theta(self, h5: h5py.File) -> None:
        if "data" not in self.shown or "theta" in h5[EXCHANGE]:
            raise ImagesError("there are no projections that it could belong to")
        stream, field = self.source("theta")
        frames = h5[f"{ACQUISITION}/data/seq_num"][()]
        each = int(h5[f"{EXCHANGE}/data"].attrs["frames_per_event"])
        values = self._values(stream, field, frames[::each])
        if values.shape[1] not in (1, each):
            raise ImagesError(f"{values.shape[1]} values an event are not one a frame")
        angles = np.repeat(values, each // values.shape[1], axis=1).reshape(-1)
        dataset = h5[EXCHANGE].create_dataset("theta", data=angles)
        set_attribute(dataset, "units", self._run.streams[stream].fields[field].units)
        set_attribute(dataset, "description", field)

    def _values(self, stream: str, field: str, seq_num: Array) -> Array:
        """Return numbers from a file, for each event those that it has."""
        images, indices = self._numbers(stream, field)
        values = np.concatenate(list(_read(images)))
        found = places(seq_num, indices.seq_num)
        if (found < 0).any() or len(values) % len(indices.seq_num):
            raise ImagesError(
                f"{field!r} has {len(values)} values, which are not those of {len(found)} events"
            )
        of_events: Array = values.reshape(len(indices.seq_num), -1)[found]
        return of_events

    def _numbers(self, stream: str, field: str) -> tuple[Images, Indices]:
        told, untold = self._links.told(stream, field)
        if untold or not told:
            raise ImagesError(f"the documents do not tell which values of {field!r} events have")
        indices = Indices.told(told)
        return Images(stream, field, indices.parts()), indices


def _read(images: Images) -> Iterator[Array]:
    """Yield the numbers of each part."""
    never = threading.Event()
    for piece in reader_of(images).pieces(never):
        if len(piece.shape) > 2 or not is_real(piece.dtype):
            raise ImagesError(f"{piece.asset.place} holds no numbers, one an event")
        yield from (block.reshape(-1) for block in piece.blocks(never))
