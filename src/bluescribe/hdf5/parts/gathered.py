"""The main file of a run that was divided: the tree of its parts, and their rows one after another.

It is made of the parts alone, so that `recover` can make it too. A column that is the same in all
of them is a virtual dataset, with one mapping a part; one that changed its type on the way is
copied, as what it would have become in one file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from fnmatch import fnmatchcase
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5o, h5p, h5s

from ...files import Place
from ...model.numbers import has_nan, is_integer, is_number
from ...model.run import Field
from ...model.values import Array
from ..columns.column import Column
from ..columns.datasets import MISSING, SHAPE
from ..columns.encoding import Block, decode
from ..columns.layout import layout_in
from ..file import LiveFile
from ..objects import copy_attributes, new_group, set_attribute
from .pieces import Pieces, Where, address_of, columns_of, grows, path_of

__all__ = ["MAIN", "NUMBER", "PARTS", "gather", "is_of_parts"]

PARTS = "parts"
"""Root attribute of a main file: the names of the files that hold its rows."""
MAIN = "part_of"
"""Root attribute of a part: the name of the main file."""
_ROWS_AT_ONCE = 4096
_ENTRY_BYTES = 1 << 12
NUMBER = "part"
"""Root attribute of a part: which it is, from 1."""
_OF_STORAGE = (b"encoding", b"ragged")
"""Attributes that tell how a column is stored: who stores it anew says so."""


def gather(file: LiveFile, parts: Sequence[Place], where: Where) -> None:
    """Fill a new file with what the parts of a run have.

    Parameters
    ----------
    file
        New and empty.
    parts
        The parts, in their order, closed.
    where
        Where they have it.
    """
    with ExitStack() as opened:
        sources = [opened.enter_context(h5py.File(part, "r", locking=False)) for part in parts]
        columns = dict(columns_of(sources, parts, where.streams))
        file.make_room(sum(_ENTRY_BYTES + 256 * len(pieces.all) for pieces in columns.values()))
        tree = _Tree(file, columns, where)
        for source in reversed(sources):
            tree.merge(source)
        set_attribute(file.h5, PARTS, [part.name for part in parts])


def is_of_parts(dataset: h5py.Dataset) -> bool:
    """Tell whether a dataset of a main file shows rows of its parts."""
    parts = dataset.file.attrs.get(PARTS)
    if parts is None or not dataset.is_virtual:
        return False
    return {source.file_name for source in dataset.virtual_sources()} <= {*parts}


class _Tree:
    """Copies the objects of parts into one file.

    Parameters
    ----------
    file
        Gets them.
    columns
        What grows, by its path.
    where
        Where the parts have it.
    """

    def __init__(self, file: LiveFile, columns: Mapping[str, Pieces], where: Where) -> None:
        self._file = file
        self._where = where
        self._columns = columns
        self._made: dict[int, h5py.HLObject] = {}
        """By address in the source: what has several names there has them here, too."""

    def merge(self, source: h5py.File) -> None:
        """Copy what is not there yet."""
        self._made = {}
        self._merge(source["/"], self._file.h5["/"])

    def _merge(self, source: h5py.Group, target: h5py.Group) -> None:
        self._made[address_of(source)] = target
        copy_attributes(source.id, target.id)
        for name in source:
            link = source.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                if target.get(name, getlink=True) is None:
                    target[name] = link
                continue
            self._take(source[name], target, name)

    def _take(self, item: h5py.HLObject, target: h5py.Group, name: str) -> None:
        """Copy an object, unless the target has one of its name, or it was copied as another."""
        is_there = target.get(name, getlink=True) is not None
        made = self._made.get(address_of(item))
        if made is not None:
            if not is_there:
                target[name] = made
        elif isinstance(item, h5py.Group):
            if is_there:
                into = target[name]
            else:
                into = h5py.Group(new_group(target.id, name, is_ordered=_is_ordered(item)))
            if isinstance(into, h5py.Group):
                self._merge(item, into)
        else:
            self._made[address_of(item)] = (
                target[name] if is_there else self._copy(item, target, name)
            )

    def _copy(self, item: h5py.Dataset, target: h5py.Group, name: str) -> h5py.HLObject:
        """Copy a dataset; a column goes to its own place, and gets this name as well."""
        path = path_of(item)
        pieces = self._columns.get(path)
        if pieces is None or not grows(item):
            h5o.copy(item.id, b".", target.id, name.encode())
            return target[name]
        home, _, first = path.rpartition("/")
        group = h5py.Group(self._file.handles.group(home))
        made = self._column(group, first, pieces)
        if f"{target.name.rstrip('/')}/{name}" != path:
            target[name] = made
        return made

    def _column(self, target: h5py.Group, name: str, pieces: Pieces) -> h5py.Dataset:
        if name in target:
            made: h5py.Dataset = target[name]
            return made
        if name.endswith(MISSING):
            return self._numbers(target, name, pieces)
        if pieces.are_simple:
            return _virtual(target, name, pieces)
        return self._copied_rows(target, name, pieces)

    def _numbers(self, target: h5py.Group, name: str, pieces: Pieces) -> h5py.Dataset:
        """Write the numbers of the rows that have no value, counted through the run."""
        numbers = np.concatenate([piece.dataset[()] + piece.start for piece in pieces.all])
        self._file.make_room(numbers.nbytes)
        made = target.create_dataset(name, data=numbers)
        copy_attributes(pieces.all[-1].dataset.id, made.id)
        return made

    def _copied_rows(self, target: h5py.Group, name: str, pieces: Pieces) -> h5py.Dataset:
        """Write the rows as one file would have them."""
        first = layout_in(pieces.all[0].dataset)
        is_typed = is_number(first.dtype)
        declared = Field(name, dtype_numpy=first.dtype) if is_typed else Field(name)
        column = Column(self._file, target.name, name, declared, {}, rows_expected=_ROWS_AT_ONCE)
        blank = (
            math.nan if fnmatchcase(path_of(pieces.all[0].dataset), self._where.stamps) else None
        )
        for piece in pieces.all:
            if piece.start > column.rows:
                _append(column, [blank] * (piece.start - column.rows))
            for values in _values(piece.dataset):
                _append(column, values)
        if pieces.rows > column.rows:
            _append(column, [blank] * (pieces.rows - column.rows))
        made: h5py.Dataset = target[name]
        copy_attributes(pieces.all[-1].dataset.id, made.id, leave=_OF_STORAGE)
        return made


def _append(column: Column, values: list[object]) -> None:
    block = column.fit(values)
    block = column.make_fit(values) if block is None else block
    column.append(block)
    column.advance(block)


def _values(dataset: h5py.Dataset) -> Iterator[list[object]]:
    """Yield the values of a column, some at a time."""
    layout, group = layout_in(dataset), dataset.parent
    name = dataset.name.rpartition("/")[2]
    shapes = group.get(name + SHAPE) if layout.is_ragged else None
    gaps = set(group[name + MISSING][()].tolist()) if name + MISSING in group else set()
    for start in range(0, len(dataset), _ROWS_AT_ONCE):
        stop = min(start + _ROWS_AT_ONCE, len(dataset))
        missing = tuple(row - start for row in range(start, stop) if row in gaps)
        block = Block(dataset[start:stop], None if shapes is None else shapes[start:stop], missing)
        yield decode(block, layout)


def _virtual(target: h5py.Group, name: str, pieces: Pieces) -> h5py.Dataset:
    last = pieces.all[-1]
    shape = (last.start + len(last.dataset), *last.dataset.shape[1:])
    space, properties = h5s.create_simple(shape), h5p.create(h5p.DATASET_CREATE)
    if (fill := _mark(last.dataset.dtype)) is not None:
        properties.set_fill_value(fill)
    for piece in pieces.all:
        source = piece.dataset.shape
        if not math.prod(source):
            continue
        space.select_hyperslab((piece.start, *[0] * (len(shape) - 1)), source)
        # HDF5 takes % in these names for the number of a block
        names = (text.replace("%", "%%") for text in (piece.part.name, piece.dataset.name))
        properties.set_virtual(space, *map(os.fsencode, names), h5s.create_simple(source))
    space.select_all()
    made = h5d.create(target.id, name.encode(), last.dataset.id.get_type(), space, properties)
    copy_attributes(last.dataset.id, made)
    return h5py.Dataset(made)


def _mark(dtype: np.dtype[Any]) -> Array | None:
    """Return what stands for the rows of a part that is not there: it must not look measured."""
    if has_nan(dtype):
        return np.array(math.nan, dtype)
    return np.array(np.iinfo(dtype).max, dtype) if is_integer(dtype) else None


def _is_ordered(group: h5py.Group) -> bool:
    return bool(group.id.get_create_plist().get_link_creation_order() & h5p.CRT_ORDER_TRACKED)
