"""Groups and datasets of an open file that are used again and again.

An open dataset takes 12 kB of memory, and to open one takes two thirds of the time of writing rows
into it. So a file keeps as many open as nearly all runs have; of thousands, the others are opened
for each batch. What HDF5 remembers of objects that are not open, ten times their size in the file,
is bounded as well then.
"""

from __future__ import annotations

from functools import reduce

import h5py
from h5py import h5d, h5g

from .objects import group_at

__all__ = ["Handles"]

_MOST_OPEN = 400
_FEW_OBJECTS = 1 << 18
"""Bytes in the file, of objects that HDF5 keeps in memory of a file that has more of them."""


class Handles:
    """What is open of one file, in one mode of it.

    Parameters
    ----------
    file
        Open; each opening has handles of its own.
    are_many
        Whether it is known to have more datasets than are kept open.
    """

    def __init__(self, file: h5py.File, *, are_many: bool = False) -> None:
        self._file = file
        self._root = h5g.open(file.id, b"/")
        self._above: tuple[str, h5g.GroupID] = "", self._root
        self._group: tuple[str, h5g.GroupID] | None = None
        self._datasets: dict[str, h5d.DatasetID] = {}
        self.are_many = are_many
        """Whether the file has more datasets than are kept open."""
        if are_many:
            _keep_few(file)

    def group(self, path: str) -> h5g.GroupID:
        """Return the group at an absolute path; it is made if it is not there."""
        if self._group is None or self._group[0] != path:
            above, _, name = path.rpartition("/")
            self._group = path, group_at(self._above_of(above), name)
        return self._group[1]

    def dataset(self, group: str, name: str) -> h5d.DatasetID:
        """Return a dataset of the group at an absolute path."""
        path = f"{group}/{name}"
        found = self._datasets.get(path)
        if found is None:
            above, _, last = group.rpartition("/")
            found = h5d.open(self._above_of(above), f"{last}/{name}".encode())
            self.keep(path, found)
        return found

    def _above_of(self, path: str) -> h5g.GroupID:
        """Return a group that holds those of fields, of which there are many."""
        if self._above[0] != path:
            self._above = path, reduce(group_at, path.split("/")[1:], self._root)
        return self._above[1]

    def keep(self, path: str, dataset: h5d.DatasetID) -> None:
        """Keep a dataset open, if not too many are."""
        if len(self._datasets) < _MOST_OPEN or path in self._datasets:
            self._datasets[path] = dataset
        elif not self.are_many:
            self.are_many = True
            _keep_few(self._file)

    def forget(self, path: str) -> None:
        """Let go of a dataset that gets another name, or none."""
        self._datasets.pop(path, None)

    def forget_groups(self) -> None:
        """Let go of groups: others may change the tree before they are asked for again."""
        self._above, self._group = ("", self._root), None


def _keep_few(file: h5py.File) -> None:
    """Have HDF5 keep few objects of a file in memory; others are written, and read when needed."""
    cache = file.id.get_mdc_config()
    cache.set_initial_size = True
    cache.initial_size = cache.max_size = _FEW_OBJECTS
    cache.min_size = _FEW_OBJECTS // 2
    file.id.set_mdc_config(cache)
