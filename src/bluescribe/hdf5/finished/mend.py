"""Mend a file whose writer was killed, so that every program can open it.

Such a file says that somebody is writing it, and its columns may differ by the rows that were
being flushed. What is cut, and all that was never flushed, is in the journal.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...assets.hdf5.marked import Marked, meet_all, opened
from ...assets.hdf5.superblock import Superblock
from ...contract.array_types import ArrayTypes
from ...files import Place
from ...model.numbers import is_integer
from ..columns.datasets import MISSING, REMADE, SHAPE
from .changed_copy import changed

__all__ = ["Layout", "MendReport", "StreamsLayout", "Table", "growing", "mend"]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns that grow together, as they are in an open file."""

    name: str
    columns: Sequence[h5py.Dataset]
    seq_num: h5py.Dataset | None = None
    stream: str | None = None
    """The stream whose events are the rows, one each; None where they are not."""

    @property
    def complete(self) -> int:
        """How many rows all columns have; events are numbered from 1, so 0 is not written."""
        rows = min((len(column) for column in self.columns if _is_measured(column)), default=0)
        # what a main file shows of its parts is not read: HDF5 would open them as it has this file
        if self.seq_num is None or self.seq_num.is_virtual:
            return rows
        while rows and self.seq_num[rows - 1] == 0:
            rows -= 1
        return rows

    @property
    def rows(self) -> int:
        """How many rows are complete, in a table that cannot grow any more as well."""
        if not self.columns and self.seq_num is not None:
            return len(self.seq_num)
        return self.complete

    @property
    def longest(self) -> int:
        """How many rows one column has at the most."""
        return max((len(column) for column in self.columns if _is_measured(column)), default=0)


class Layout(ABC):
    """Where a format has what in its files."""

    home: str
    """Absolute path of the group that tells of the run; each file has it."""
    uid: str
    """Absolute path of the run's uid."""
    stop: str
    """Absolute path of the stop document, or what is only there when the run has ended."""

    @abstractmethod
    def tables(self, file: h5py.File) -> Iterator[Table]:
        """Yield the tables of a file."""

    @abstractmethod
    def array_types(self, file: h5py.File) -> ArrayTypes:
        """Return the types of arrays of integers."""

    def is_finished(self, marked: Marked) -> bool:
        """Tell whether a file says that its writer had finished it."""
        is_marked = marked.found.is_marked or marked.found.is_old
        return self.stop in marked.file or not is_marked

    def run(self, file: h5py.File) -> str:
        """Return the run's uid; empty where the file does not tell."""
        return str(file[self.uid].asstr()[()]) if self.uid in file else ""


class StreamsLayout(Layout):
    """A group of streams, each with columns, of which some are in groups of their fields."""

    streams: str
    """Absolute path of the group."""

    def tables(self, file: h5py.File) -> Iterator[Table]:
        """Yield the streams."""
        for name, group in self._groups(file):
            stream = str(group.attrs.get("stream", name))
            yield Table(name, list(growing(group)), group.get("seq_num"), stream)

    def array_types(self, file: h5py.File) -> ArrayTypes:
        """Return the types of arrays of integers in the columns of fields."""
        types: dict[tuple[str | None, str], np.dtype[Any]] = {}
        for name, group in self._groups(file):
            stream = str(group.attrs.get("stream", name))
            for column in _members(group):
                if column.ndim > 1 and is_integer(column.dtype):
                    owners = (column.attrs, column.parent.attrs)
                    told = next((a["data_key"] for a in owners if "data_key" in a), None)
                    field = str(told or column.parent.name.rpartition("/")[2])
                    if not column.name.endswith(SHAPE):
                        types[stream, field] = column.dtype
        return types

    def _groups(self, file: h5py.File) -> Iterator[tuple[str, h5py.Group]]:
        """Yield the groups of streams; one that is torn raises, for which `items` has None."""
        streams = file.get(self.streams, {})
        for name in streams:
            yield name, streams[name]


@dataclass(frozen=True, slots=True)
class MendReport:
    """What was found in a file, and done unless it was a dry run."""

    path: Path
    problem: str = ""
    """Why the file cannot be opened at all: it is to be made anew from the journal."""
    was_being_written: bool = False
    """It said that a process writes it."""
    end_was_wrong: bool = False
    """It said to be longer or shorter than it is."""
    is_old: bool = False
    """It is of a format that does not tell whether a process writes it."""
    is_finished: bool = True
    """It tells that its writer had finished it."""
    rows_cut: Mapping[str, int] = field(default_factory=dict)
    """By table: rows that were not complete in all columns."""
    columns_cut: tuple[str, ...] = ()
    """Absolute names of the columns that were longer than others."""
    leftovers: tuple[str, ...] = ()
    """Absolute names of copies that were being made of columns."""
    run: str = ""
    """The run's uid."""
    has_stop: bool = False
    rows: Mapping[str, int] = field(default_factory=dict)
    """By stream: rows that are complete in all columns."""

    @property
    def is_readable(self) -> bool:
        """Whether any HDF5 reader opens the file when it is mended."""
        return not self.problem

    @property
    def is_changed(self) -> bool:
        """Whether there was something to mend."""
        return self.is_readable and (self.was_being_written or self.end_was_wrong or self.is_cut)

    @property
    def is_cut(self) -> bool:
        """Whether something is taken away: who wants the original needs a copy of it before."""
        return bool(self.columns_cut or self.leftovers)


def mend(path: Path, layout: Layout, *, dry_run: bool = False) -> MendReport:
    """Make an ordinary HDF5 file of one whose writer was killed, in place.

    It takes back the mark of being written and corrects the end of the file, as ``h5clear -s
    --increment=0`` does, and cuts the columns of each table to the rows that all of them have.
    Nothing is added: the run has no end. A second call finds nothing to do. A file that cannot be
    opened is not touched.

    Parameters
    ----------
    path
        The file. Where rows may have to be cut, the caller keeps a copy of it.
    layout
        Where it has what.
    dry_run
        Only look.

    Raises
    ------
    OSError
        The file cannot be read, or not be written.
    """
    try:
        with opened(path) as marked:
            closed = marked.closed
            report = _examined(path, marked, layout)
    except (ValueError, RuntimeError, KeyError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        return MendReport(path, problem=f"{type(error).__name__}: {error}")
    if report.is_changed and not dry_run:
        place = Place.at(path)
        _unmark(place, closed)
        if report.is_cut:
            _cut(place, report, layout)
    return report


def _unmark(place: Place, superblock: Superblock) -> None:
    """Write another superblock, and let the file end where that says."""
    with place.open("r+b") as stream:
        stream.truncate(superblock.end)
        stream.write(superblock.data)
        stream.flush()
        os.fsync(stream.fileno())


def growing(group: h5py.Group) -> Iterator[h5py.Dataset]:
    """Yield what grows in a group and in those directly below it, once each."""
    yield from (item for item in _members(group) if item.maxshape[0] is None)


def _members(group: h5py.Group) -> Iterator[h5py.Dataset]:
    """Yield the datasets in a group and in those directly below it that have rows, once each."""
    seen = set()
    groups = [group, *(item for item in _hard_linked(group) if isinstance(item, h5py.Group))]
    for parent in groups:
        for item in _hard_linked(parent):
            address = h5py.h5o.get_info(item.id).addr
            if isinstance(item, h5py.Dataset) and item.shape and address not in seen:
                seen.add(address)
                yield item


def _examined(path: Path, marked: Marked, layout: Layout) -> MendReport:
    file = marked.file
    file[layout.home]  # without it nothing can be told of the file
    meet_all(file, marked.size)
    rows: dict[str, int] = {}
    rows_cut, columns_cut, leftovers = {}, [], []
    for table in layout.tables(file):
        complete = table.complete
        if table.stream is not None:
            rows[table.stream] = table.rows
        if table.longest > complete:
            rows_cut[table.name] = table.longest - complete
        columns_cut += [c.name for c in table.columns if _rows_kept(c, complete) < len(c)]
        leftovers += [c.name for c in table.columns if c.name.endswith(REMADE)]
    return MendReport(
        path,
        was_being_written=marked.found.is_marked,
        end_was_wrong=marked.found.end != marked.size,
        is_old=marked.found.is_old,
        is_finished=layout.is_finished(marked),
        rows_cut=rows_cut,
        columns_cut=tuple(columns_cut),
        leftovers=tuple(leftovers),
        run=layout.run(file),
        has_stop=layout.stop in file,
        rows=rows,
    )


def _hard_linked(group: h5py.Group) -> Iterator[h5py.HLObject]:
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.HardLink):
            yield group[name]


def _is_measured(column: h5py.Dataset) -> bool:
    """Tell whether it has one row an event."""
    is_half_made = column.name.endswith(REMADE) and column.name.removesuffix(REMADE) in column.file
    return not (column.name.endswith(MISSING) or is_half_made)


def _rows_kept(column: h5py.Dataset, complete: int) -> int:
    if column.name.endswith(MISSING):
        return int(np.count_nonzero(column[()] < complete))  # the numbers rise
    return min(len(column), complete) if _is_measured(column) else len(column)


def _cut(place: Place, report: MendReport, layout: Layout) -> None:
    """Cut what `_examined` found in the same file."""
    libver = ("earliest" if report.is_old else "v110", "v110")
    with changed(place, libver=libver) as file:
        for table in layout.tables(file):
            complete = table.complete
            for column in table.columns:
                column.resize(_rows_kept(column, complete), axis=0)
        for name in report.leftovers:
            if name.removesuffix(REMADE) in file:
                del file[name]
            else:
                file.move(name, name.removesuffix(REMADE))
