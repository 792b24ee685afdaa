"""One tomography run in one Data Exchange file, which begins with its first image."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...assets import Asset, Frames
from ...hdf5.column import Column, append_rows, fit_rows
from ...hdf5.file import LiveFile, write_node
from ...hdf5.layout import Block
from ...hdf5.room import telling_of_system
from ...hdf5.tree import Dataset
from ...jsontext import dumps
from ...run import Descriptor, Document, Field, Page, Run, Stream
from ...values import Array
from ..base import RunFile
from .metadata import of_the_end, of_the_start
from .settings import ROLES, DxSettings, Role
from .tomogram import Tomogram

__all__ = ["DxFile"]

logger = logging.getLogger(__name__)

_ACQUISITION = "/process/acquisition"
_AXES = "theta:y:x"
_ELSEWHERE = "the NeXus file (nexus) or the journal (jsonl) of the run, where those are switched on"
_ROWS_EXPECTED = 256
_NUMBER = {"long_name": "sequence number of the event"}
_TIME = {"units": "s", "long_name": "time of the event in epoch seconds"}


class DxFile(RunFile[DxSettings]):
    """The Data Exchange file of one run; there is none before its first image."""

    _file: LiveFile | None = None

    def open(self, run: Run) -> None:
        """Wait for an image."""
        self._run = run
        self._tomogram = Tomogram(run, self.settings)
        self._columns: dict[str, Column] = {}
        self._rows: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self._external: dict[tuple[str, str], dict[str, Asset]] = {}

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Do nothing: the run has it."""

    @telling_of_system
    def write_events(self, stream: Stream, page: Page) -> None:
        """Append the images among the values, each to the dataset of its role."""
        rows, images = self._tomogram.rows(stream, page)
        file = self._begun() if rows else self._file
        blocks: dict[Column, Block] = {}
        is_remade = False
        for role, numbers in rows.items():
            cells = dict(self._cells(role, stream, page, numbers, images))
            fitting, remade = fit_rows(self._begun(), self._rows[role], cells)
            blocks |= fitting
            is_remade |= bool(remade)
        append_rows(blocks)
        for role, numbers in rows.items():
            self._rows[role] += len(numbers)
        self._tomogram.count_misfits(stream, page, sum(map(len, rows.values())))
        if file and is_remade:
            file.go_live()  # at once: readers wait

    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Note a file that has to be named."""
        self._external.setdefault((stream.name, field), {})[asset.uid] = asset

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
            self._tell_of_external_images()
            return
        self._file.plain()
        self._file.make_last_room()
        _put(self._file, of_the_end(stop) if stop is not None else ())
        left_out = dumps(list(self._omissions())).decode()
        _put(self._file, [(f"{_ACQUISITION}/left_out", left_out)])
        self._file.finish()

    def abandon(self) -> None:
        """Let go of the file; what was flushed is in it."""
        if self._file:
            self._file.abandon()

    def _begun(self) -> LiveFile:
        """Return the file, and make it when this is the first image."""
        if self._file is None:
            path = self.claim(self._run, f".{self.settings.file_extension}".rstrip("."))
            settings = self.settings
            file = LiveFile(path, is_live=settings.live, compression=settings.compression)
            _put(file, [("/implements", "exchange:measurement:process")])
            _put(file, of_the_start(self._run))
            self._file = file
        return self._file

    def _cells(
        self,
        role: Role,
        stream: Stream,
        page: Page,
        rows: list[int],
        images: Sequence[Array | None],
    ) -> Iterator[tuple[Column, Sequence[Any] | Array]]:
        """Yield each column of a role with what the page has for it."""
        declared = stream.fields.get(self._tomogram.image or "", Field(""))
        about = {"units": declared.units, "axes": _AXES, "description": declared.name}
        yield self._column("/exchange", role, about, declared), [images[row] for row in rows]
        group = f"{_ACQUISITION}/{role}"
        seq_nums = np.array([page.seq_num[row] for row in rows], np.int64)
        yield self._column(group, "seq_num", _NUMBER), seq_nums
        yield self._column(group, "time", _TIME), np.array([page.time[row] for row in rows])
        theta = self._tomogram.theta(stream) if role == "data" else None
        if theta and (theta in page.data or "/exchange/theta" in self._columns):
            angle = stream.fields.get(theta, Field(theta))
            about = {"units": angle.units, "description": theta}
            angles = page.data.get(theta, [None] * len(page))
            yield self._column("/exchange", "theta", about, angle), [angles[row] for row in rows]

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

    def _omissions(self) -> Iterator[dict[str, Any]]:
        """Yield what the run has and this file does not."""
        theta = {self._tomogram.theta(stream) for stream in self._run.streams.values()}
        for stream in self._run.streams.values():
            for name in stream.fields:
                entry = {"stream": stream.name, "field": name, "where": _ELSEWHERE}
                if assets := self._external.get((stream.name, name)):
                    yield {**entry, "where": [asset.place for asset in assets.values()]}
                elif name not in {self._tomogram.image, *theta}:
                    yield entry
        if self._tomogram.misfits:
            what = f"{self._tomogram.misfits} values that are no such image, or of no role"
            yield {"field": self._tomogram.image, "what": what, "where": _ELSEWHERE}

    def _tell_of_external_images(self) -> None:
        fields = [field for _, field in self._external]
        if self.settings.image in fields:
            logger.warning(
                "dx: %s has no Data Exchange file: the images of %s are in files of their own, "
                "and only images in events are written. NeXus files link them.",
                self._run.label,
                self.settings.image,
            )


def _put(file: LiveFile, texts: Iterable[tuple[str, str]]) -> None:
    """Write texts at absolute paths; empty ones are left out."""
    for path, text in texts:
        parent, _, name = path.rpartition("/")
        if text:
            write_node(file.plain().require_group(parent or "/"), name, Dataset(text))
