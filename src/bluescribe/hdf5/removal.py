"""Objects that are removed from a file that is being written keep their room until the next flush.

HDF5 writes values at once, and the tree that says where they are at a flush. The room of what is
removed is free at once: what is written into it meanwhile would be read in the place of the old
values by whoever opens the file after a kill, as the tree on the disk names them still. They stay
open until the tree is on the disk: HDF5 frees what has no name any more when nobody has it open.
"""

from __future__ import annotations

import h5py
from h5py import h5o

__all__ = ["forget_removed", "free_removed", "keep_removed", "remove"]

_kept: dict[int, list[object]] = {}
"""What was removed since the last flush, by HDF5's number of an open file."""


def keep_removed(file: h5py.File) -> None:
    """Have what is removed from a file keep its room until `free_removed`."""
    _kept[_number(file)] = []


def free_removed(file: h5py.File) -> None:
    """Let the room be used of what was removed: the file was flushed since."""
    _kept[_number(file)].clear()


def forget_removed(file: h5py.File) -> None:
    """Keep nothing of a file any more: it is closed next."""
    _kept.pop(_number(file), None)


def remove(parent: h5py.Group, name: str) -> None:
    """Remove what a group has by a name."""
    kept = _kept.get(_number(parent))
    if kept is not None and isinstance(parent.get(name, getlink=True), h5py.HardLink):
        kept.append(h5o.open(parent.id, name.encode()))
    del parent[name]


def _number(group: h5py.Group) -> int:
    return int(h5o.get_info(group.id).fileno)
