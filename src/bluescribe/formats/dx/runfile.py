"""One tomography run in one Data Exchange file, which begins with its first image."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...assets.asset import Asset, Frames
from ...assets.hdf5.marked import meet_all, opened_whole
from ...assets.images import Images, ImagesError
from ...contract.post_run import Work
from ...contract.runfile import RunFile
from ...files import Place
from ...files.job_note import Note
from ...files.json_text import dumps
from ...hdf5.columns.appending import append_rows, fit_rows
from ...hdf5.columns.column import Column
from ...hdf5.columns.encoding import Block
from ...hdf5.compression import compression_options
from ...hdf5.file import LiveFile
from ...hdf5.images.frames import copy_frames, describe
from ...hdf5.images.links import AssetLinks
from ...hdf5.images.virtual import write_virtual
from ...hdf5.nodes import write_node
from ...hdf5.objects import set_attribute
from ...hdf5.preallocate import telling_of_system
from ...hdf5.tree import Dataset
from ...model.run import Descriptor, Document, Field, Page, Run, Stream
from ...model.values import Array
from .copying import DxCopy
from .external import ExternalFrames, Put
from .layout import ACQUISITION, AXES, CREATOR, EXCHANGE, NUMBER, TIME
from .metadata import of_the_end, of_the_start
from .missing import Missing, put_missing, warn_of_missing
from .omissions import omissions, warn_of_images
from .settings import ROLES, TELLING, DxSettings, Role
from .tomogram import Tomogram

__all__ = ["DxFile"]

logger = logging.getLogger(__name__)

_ROWS_EXPECTED = 256


class DxFile(RunFile[DxSettings]):
    """The Data Exchange file of one run; there is none before its first image."""

    _file: LiveFile | None = None
    _place: Place

    def open(self, run: Run) -> None:
        """Wait for an image; where it is going to be is settled now."""
        self.place(run)
        self._run = run
        self._tomogram = Tomogram(run, self.settings)
        self._columns: dict[str, Column] = {}
        self._rows: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self._external: dict[tuple[str, str], dict[str, Asset]] = {}

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Look whether the images are in files of their own."""
        self._tomogram.add_stream(stream)

    @telling_of_system
    def write_events(self, stream: Stream, page: Page) -> None:
        """Append the images among the values, each to the dataset of its role."""
        rows, images = self._tomogram.rows(stream, page)
        elsewhere = self._tomogram.external_rows(stream, page)
        every = [*rows.items(), *elsewhere.items()]
        file = self._begun() if every else self._file
        blocks: dict[Column, Block] = {}
        is_remade = False
        for role, numbers in every:
            cells = dict(self._cells(role, stream, page, numbers))
            if role == "data":
                cells |= dict(self._angles(stream, page, numbers, are_here=role in rows))
            if role in rows:
                cells[self._image_column(role, stream)] = [images[row] for row in numbers]
            fitting, remade = fit_rows(self._begun(), self._rows[role], cells)
            blocks |= fitting
            is_remade |= bool(remade)
        append_rows(blocks)
        for role, numbers in every:
            self._rows[role] += len(numbers)
        self._tomogram.count_misfits(stream, page, sum(len(numbers) for _, numbers in every))
        if file and is_remade and not self.is_ending:
            file.go_live()  # at once: readers wait

    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Note where images, or angles, are; and any other file, which has to be named."""
        self._external.setdefault((stream.name, field), {})[asset.uid] = asset
        if self._tomogram.image_of(stream.name):
            self._begun()
            self._links.add(stream, field, asset, frames)

    @telling_of_system
    def sync(self) -> None:
        """Let others see what was written."""
        if self._file:
            self._file.go_live()
            self._file.flush()

    @telling_of_system
    def close(self, stop: Document | None) -> None:
        """Write what is known at the end and leave an ordinary HDF5 file."""
        if self._file is None:
            warn_of_images(self._run, self.settings.image, self._external)
            return
        h5 = self._file.plain()
        self._file.make_last_room()
        _put(h5, of_the_end(stop) if stop is not None else ())
        _put(h5, [(f"{ACQUISITION}/discrepancies", "\n".join(self.discrepancies))])
        self._links.may_open = True
        if self.settings.images == "link":
            self._show_what_is_there(h5)
        missing = self._tell_what_is_not_there(h5)
        is_whole = not self._frames.pending()
        if not is_whole:
            self.owe("dx", self._run, self._place, "its images are in it", self._noted)
        self._file.finish()
        if is_whole:  # only now: a file that cannot be closed is written, and told of, again
            warn_of_missing(self._run, missing)

    def afterwards(self) -> Work | None:
        """Return what shows the images that could not be read yet, or copies all."""
        if self._file is None or not self._frames.pending():
            return None
        return self._later()

    def take_up(self, note: Note) -> Work:
        """Return what does that, in a file that an earlier process finished."""
        told = note.about
        self._place = note.file
        self._run = Run.from_note(told["run"])
        self._tomogram = Tomogram(self._run, self.settings)
        self._tomogram.take_in(told["tomogram"])
        self._external = {}
        for stream, field, doc in told["external"]:
            asset = Asset.from_doc(doc, self.locate)
            self._external.setdefault((stream, field), {})[asset.uid] = asset
        self._links = AssetLinks(note.file.parent)
        self._links.take_in(told["links"], self._run.streams, self.locate)
        self._frames = ExternalFrames(self._run, self._tomogram, self._links)
        self._frames.without = told["without"]
        with opened_whole(Path(note.file)) as marked:
            h5 = marked.file
            meet_all(h5, marked.size)
            if h5[f"{ACQUISITION}/uid"].asstr()[()] != self._run.uid:
                raise OSError(f"{note.file} is the file of another run")
            self._frames.shown.update(t for t in self._frames.pending() if f"{EXCHANGE}/{t}" in h5)
        return self._later()

    def _noted(self) -> dict[str, Any]:
        return {
            "run": self._run.noted(),
            "links": self._links.noted(),
            "tomogram": self._tomogram.noted(),
            "without": self._frames.without,
            "external": [
                [*key, dict(asset.doc)]
                for key, assets in self._external.items()
                for asset in assets.values()
            ],
        }

    def _later(self) -> Work:
        return DxCopy(self._place, self._frames, self._put, self._finish_later, self.patience)

    def _finish_later(self, h5: h5py.File) -> None:
        warn_of_missing(self._run, self._tell_what_is_not_there(h5))

    def abandon(self) -> None:
        """Let go of the file; what was flushed is in it."""
        if self._file:
            self._file.abandon()

    def _begun(self) -> LiveFile:
        """Return the file, and make it when this is the first image."""
        if self._file is None:
            place = self._place = self.claim(self._run, self.settings.ending)
            settings = self.settings
            file = LiveFile(place, is_live=settings.live, compression=settings.compression)
            try:
                self._describe(file)
            except BaseException:
                file.abandon()  # or it would be in the way of the next try
                raise
            self._links = AssetLinks(place.parent)
            self._frames = ExternalFrames(self._run, self._tomogram, self._links)
            self._file = file
        return self._file

    def _describe(self, file: LiveFile) -> None:
        """Write what is known when the run begins."""
        set_attribute(file.plain(), "creator", CREATOR)
        _put(file.plain(), [("/implements", "exchange:measurement:process")])
        _put(file.plain(), of_the_start(self._run))
        settings = self.settings.model_dump(mode="json", include=set(TELLING))
        told = dumps({name: settings[name] for name in TELLING}).decode()
        _put(file.plain(), [(f"{ACQUISITION}/settings", told)])

    def _show_what_is_there(self, h5: h5py.File) -> None:
        """Show the images whose files can be read by now; others are waited for afterwards."""
        for task in self._frames.pending():
            with suppress(ImagesError, OSError, RuntimeError, TypeError, ValueError):
                self._frames.show(h5, task, self._link)

    def _put(self, give_up: threading.Event) -> Put:
        return self._link if self.settings.images == "link" else partial(self._copy, give_up)

    def _link(self, group: h5py.Group, name: str, images: Images) -> h5py.Dataset:
        if not all(asset.is_hdf5 for asset in images.assets):
            raise ImagesError("only HDF5 files can be shown in place; IMAGES: copy copies others")
        return write_virtual(group, name, images, self._links.file_name)

    def _copy(
        self, give_up: threading.Event, group: h5py.Group, name: str, images: Images
    ) -> h5py.Dataset:
        options = compression_options(self.settings.compression)
        dataset = copy_frames(group, name, images, options, give_up)
        describe(dataset, images)
        set_attribute(dataset, "copied_from", images.origin)
        return dataset

    def _cells(
        self, role: Role, stream: Stream, page: Page, rows: list[int]
    ) -> Iterator[tuple[Column, Sequence[Any] | Array]]:
        """Yield each column of a role, but that of the images, with what the page has for it."""
        group = f"{ACQUISITION}/{role}"
        seq_nums = np.array([page.seq_num[row] for row in rows], np.int64)
        yield self._column(group, "seq_num", NUMBER), seq_nums
        yield self._column(group, "time", TIME), np.array([page.time[row] for row in rows])

    def _angles(
        self, stream: Stream, page: Page, rows: list[int], *, are_here: bool
    ) -> Iterator[tuple[Column, Sequence[Any] | Array]]:
        """Yield the column of angles, of NaN where no motor tells them.

        What comes from other files when the run has ended, images or angles, is not waited for.
        """
        theta = self._tomogram.theta(stream) or ""
        angle = stream.fields.get(theta, Field(theta))
        is_begun = f"{EXCHANGE}/theta" in self._columns
        if not (theta in page.data or is_begun or (are_here and not angle.external)):
            return
        about = {"units": angle.units, "description": theta}
        told = page.data.get(theta, [None] * len(page))
        angles = [told[row] for row in rows]
        if not is_begun and theta not in page.data:
            angles[:1] = [np.nan]  # a column begins with a number, however many rows come at once
        yield self._column(EXCHANGE, "theta", about, angle), angles

    def _image_column(self, role: Role, stream: Stream) -> Column:
        declared = stream.fields.get(self._tomogram.image or "", Field(""))
        about = {"units": declared.units, "axes": AXES, "description": declared.name}
        return self._column(EXCHANGE, role, about, declared)

    def _column(
        self, group: str, name: str, attrs: Mapping[str, Any], declared: Field | None = None
    ) -> Column:
        path = f"{group}/{name}"
        if path not in self._columns:
            self._columns[path] = Column(
                self._begun(),
                group,
                name,
                declared=declared or Field(name),
                attrs=attrs,
                rows_expected=_ROWS_EXPECTED,
            )
        return self._columns[path]

    def _tell_what_is_not_there(self, h5: h5py.File) -> list[Missing]:
        """Say what the run has and the file has not, and return what the run itself lacks."""
        missing = put_missing(h5, self._tomogram, self.settings, self._frames.pending())
        left_out = omissions(self._run, self._tomogram, self._frames, self._external)
        for name, entries in (
            ("left_out", list(left_out)),
            ("missing", [entry._asdict() for entry in missing]),
        ):
            _put(h5, [(f"{ACQUISITION}/{name}", dumps(entries).decode())])
        return missing


def _put(h5: h5py.File, texts: Iterable[tuple[str, str]]) -> None:
    """Write texts at absolute paths; empty ones are left out."""
    for path, text in texts:
        parent, _, name = path.rpartition("/")
        if text:
            write_node(h5.require_group(parent or "/"), name, Dataset(text))
