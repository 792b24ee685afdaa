"""Objects that are removed from a file that is being written keep their room until the next flush.

HDF5 writes values at once, and the tree that says where they are at a flush. The room of what is
removed is free at once: what is written into it meanwhile would be read in the place of the old
values by whoever opens the file after a kill, as the tree on the disk names them still. They stay
open until the tree is on the disk: HDF5 frees what has no name any more when nobody has it open.
"""

from __future__ import annotations

from weakref import WeakValueDictionary

import h5py
from h5py import h5o

__all__ = ["Removed", "remove"]


class Removed:
    """What was removed from a file since its last flush.

    Parameters
    ----------
    file
        Open; each opening has one of its own, which whoever opened it holds.
    """

    def __init__(self, file: h5py.File) -> None:
        self._objects: list[object] = []
        _of_files[_number(file)] = self

    def keep(self, parent: h5py.Group, name: str) -> None:
        """Have an object keep its room until `free`."""
        self._objects.append(h5o.open(parent.id, name.encode()))

    def free(self) -> None:
        """Let the room be used: the file was flushed."""
        self._objects.clear()


_of_files: WeakValueDictionary[int, Removed] = WeakValueDictionary()
"""By HDF5's number of an open file, which no later one gets."""


def remove(parent: h5py.Group, name: str) -> None:
    """Remove what a group has by a name."""
    removed = _of_files.get(_number(parent))
    if removed is not None and isinstance(parent.get(name, getlink=True), h5py.HardLink):
        removed.keep(parent, name)
    del parent[name]


def _number(group: h5py.Group) -> int:
    return int(h5o.get_info(group.id).fileno)
