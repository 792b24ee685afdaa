"""One run in a master file: groups as in the run's file, whose content are links to it.

An external link to the whole NXentry would be shorter, and h5py, silx and h5web follow it. But
nexusformat 2.1, and NeXpy with it, looks for groups inside of what is linked by their path in the
master file: they must be groups there too, down to those that hold no other groups.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import h5py

from ...assets.hdf5.marked import NotWholeError, opened_whole
from ...errors import BluescribeError
from ...hdf5.objects import copy_attributes

__all__ = ["UnreadableRunError", "file_of", "write_entry"]

_ENTRY = "/entry"
_ALWAYS_THERE = "entry_identifier"
_MOST_LINKS = 200
"""About so many a run has at the most: the master file is written as a whole for each run."""


class UnreadableRunError(BluescribeError, ValueError):
    """The file of a run is no HDF5 file, or not a whole one."""


def file_of(h5: h5py.File, name: str) -> str | None:
    """Return the file that an entry of a master file leads to; None if it leads to none."""
    link = h5.get(name, getlink=True)
    if isinstance(link, h5py.HardLink) and isinstance(h5[name], h5py.Group):
        link = h5[name].get(_ALWAYS_THERE, getlink=True)
    return link.filename if isinstance(link, h5py.ExternalLink) else None


def write_entry(h5: h5py.File, name: str, run_file: os.PathLike[str], file: str) -> None:
    """Write the entry of a run; one of this name is replaced.

    Parameters
    ----------
    h5
        The master file.
    name
        What the run is called there.
    run_file
        The run's file, complete.
    file
        What the links call it: its path, relative to the folder of the master file.

    Raises
    ------
    UnreadableRunError, OSError, RuntimeError, KeyError
        The run's file cannot be read.
    """
    try:
        with opened_whole(Path(run_file)) as marked:
            entry = marked.file[_ENTRY]
            if h5.get(name, getlink=True) is not None:
                del h5[name]
            _write_links(_new_group(h5, name, entry), entry, file)
    except NotWholeError as error:
        raise UnreadableRunError(f"{run_file} cannot be read: {error}") from error


def _write_links(entry: h5py.Group, source: h5py.Group, file: str) -> None:
    """Write the links of a run, level by level, as far down as they are not too many."""
    number = len(source)
    waiting = deque([(entry, source)])
    while waiting:
        group, source = waiting.popleft()
        for name, item in _items(source):
            if item is not None and _holds_groups(item) and number + len(item) <= _MOST_LINKS:
                number += len(item)
                waiting.append((_new_group(group, name, item), item))
            else:
                path = _path_of(item) if item is not None else f"{source.name}/{name}"
                group[name] = h5py.ExternalLink(file, path)


def _new_group(parent: h5py.Group, name: str, source: h5py.Group) -> h5py.Group:
    """Make a group with the attributes of another one."""
    # one without an order begins as HDF5 1.6 has it, and is converted at once: of twice the size
    group = parent.create_group(name, track_order=True)
    copy_attributes(source.id, group.id)
    return group


def _items(group: h5py.Group) -> Iterator[tuple[str, h5py.HLObject | None]]:
    """Yield what is in a group; None stands for a link that leads out of it."""
    for name in group:
        is_here = isinstance(group.get(name, getlink=True), h5py.HardLink)
        yield name, group[name] if is_here else None


def _holds_groups(item: h5py.HLObject) -> bool:
    return isinstance(item, h5py.Group) and any(
        isinstance(child, h5py.Group) for _, child in _items(item)
    )


def _path_of(item: h5py.HLObject) -> str:
    """Return the name of an object that it has first; nexusformat follows links to no others."""
    told = item.attrs.get("target")
    if isinstance(told, str) and item.file.get(told) == item:
        return told
    return str(item.name)
