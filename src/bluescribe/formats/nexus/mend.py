"""Mend a file whose writer was killed, so that every program can open it.

Such a file says that somebody is writing it, and its columns may differ by the rows that were
being flushed. What is cut, and all that was never flushed, is in the journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from ...hdf5.column import MISSING, REMADE
from ...hdf5.marked import meet_all, opened, unmark
from ...hdf5.superblock import Superblock
from .metadata import BLUESKY

__all__ = ["MendReport", "mend"]

_STREAMS = f"{BLUESKY}/streams"


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
    rows_cut: Mapping[str, int] = field(default_factory=dict)
    """By stream: rows that were not complete in all columns."""
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


def mend(path: Path, *, dry_run: bool = False) -> MendReport:
    """Make an ordinary HDF5 file of one whose writer was killed, in place.

    It takes back the mark of being written and corrects the end of the file, as ``h5clear -s
    --increment=0`` does, and cuts the columns of each stream to the rows that all of them have.
    Nothing is added: the run has no end. A second call finds nothing to do. A file that cannot be
    opened is not touched.

    Parameters
    ----------
    path
        The file. Where rows may have to be cut, the caller keeps a copy of it.
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
            report = _examined(path, marked.file, marked.found, marked.size)
    except (ValueError, RuntimeError, KeyError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        return MendReport(path, problem=f"{type(error).__name__}: {error}")
    if report.is_changed and not dry_run:
        unmark(path, closed)
        if report.is_cut:
            _cut(path, report)
    return report


def _examined(path: Path, file: h5py.File, found: Superblock, size: int) -> MendReport:
    meet_all(file["entry"], size)
    rows: dict[str, int] = {}
    rows_cut, columns_cut, leftovers = {}, [], []
    for name, stream in file.get(_STREAMS, {}).items():
        columns = list(_columns(stream))
        complete = _complete_rows(stream, columns)
        is_finished = not columns and "seq_num" in stream  # they cannot grow any more
        rows[_name(stream, name)] = len(stream["seq_num"]) if is_finished else complete
        longest = max((len(column) for column in columns if _is_measured(column)), default=0)
        if longest > complete:
            rows_cut[name] = longest - complete
        columns_cut += [c.name for c in columns if _rows_kept(c, complete) < len(c)]
        leftovers += [c.name for c in columns if c.name.endswith(REMADE)]
    return MendReport(
        path,
        was_being_written=found.is_marked,
        end_was_wrong=found.end != size,
        rows_cut=rows_cut,
        columns_cut=tuple(columns_cut),
        leftovers=tuple(leftovers),
        run=_text(file.get(f"{BLUESKY}/uid")),
        has_stop=f"{BLUESKY}/documents/stop" in file,
        rows=rows,
    )


def _name(stream: h5py.Group, name: str) -> str:
    return str(stream.attrs.get("stream", name))


def _text(dataset: h5py.Dataset | None) -> str:
    return "" if dataset is None else str(dataset.asstr()[()])


def _columns(stream: h5py.Group) -> Iterator[h5py.Dataset]:
    """Yield what grows in a stream's group and in those of its fields, once each."""
    seen = set()
    groups = [stream, *(item for item in _hard_linked(stream) if isinstance(item, h5py.Group))]
    for group in groups:
        for item in _hard_linked(group):
            address = h5py.h5o.get_info(item.id).addr
            if isinstance(item, h5py.Dataset) and item.shape and address not in seen:
                seen.add(address)
                if item.maxshape[0] is None:
                    yield item


def _hard_linked(group: h5py.Group) -> Iterator[h5py.HLObject]:
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.HardLink):
            yield group[name]


def _is_measured(column: h5py.Dataset) -> bool:
    """Tell whether it has one row an event."""
    is_half_made = column.name.endswith(REMADE) and column.name.removesuffix(REMADE) in column.file
    return not (column.name.endswith(MISSING) or is_half_made)


def _complete_rows(stream: h5py.Group, columns: list[h5py.Dataset]) -> int:
    """Return how many rows all columns have; events are numbered from 1, so 0 is not written."""
    rows = min((len(column) for column in columns if _is_measured(column)), default=0)
    if "seq_num" in stream:
        while rows and stream["seq_num"][rows - 1] == 0:
            rows -= 1
    return rows


def _rows_kept(column: h5py.Dataset, complete: int) -> int:
    if column.name.endswith(MISSING):
        return int(np.count_nonzero(column[()] < complete))  # the numbers rise
    return min(len(column), complete) if _is_measured(column) else len(column)


def _cut(path: Path, report: MendReport) -> None:
    """Cut what `_examined` found in the same file."""
    with h5py.File(path, "r+", libver=("v110", "v110"), locking=False) as file:
        for stream in file[_STREAMS].values():
            columns = list(_columns(stream))
            complete = _complete_rows(stream, columns)
            for column in columns:
                column.resize(_rows_kept(column, complete), axis=0)
        for name in report.leftovers:
            if name.removesuffix(REMADE) in file:
                del file[name]
            else:
                file.move(name, name.removesuffix(REMADE))
