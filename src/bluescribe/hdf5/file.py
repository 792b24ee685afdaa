"""The life of an HDF5 file that others read while it is written: plain, live (SWMR), plain.

In SWMR mode datasets grow and nothing else happens: whatever must be added makes the file plain
for a moment (close, reopen, add), and the next `go_live` makes it live again. That is a rule of
ours: HDF5 2.0 does not refuse late objects, but live readers then fail.
"""

from __future__ import annotations

import h5py
import numpy as np

from ..files import Place
from ..files.write_lock import Hold
from ..model.values import Array
from .compression import compression_options
from .finished.compact import compact
from .finished.oldformat import OLD_FORMAT, OLDEST_FORMAT
from .finished.rearranged import write_rearranged
from .handles import Handles
from .objects import new_attributes, new_dataset, new_group, new_link, printable, set_attribute
from .preallocate import Room, check_room
from .removal import Removed, remove
from .sharing import close_readers
from .tree import Dataset, External, Group, HardLink, Node, Rearranged
from .unheard import forget_unheard, let_go, raise_unheard

__all__ = ["LiveFile", "write_node"]

_FIRST_BYTES = 1 << 20
"""Room that there has to be for a new file."""
_LAST_BYTES = 64 << 20
"""Room for what is added at the end, at the most; the views of a grid take theirs themselves."""

_LIVE_FORMAT = ("v110", "v110")
_CHUNK_CACHE_BYTES = 1 << 16
"""A dataset; HDF5 2.0 would take 8 MB for each of hundreds. A larger chunk is written through."""
_CHUNK_CACHE_SLOTS = 11
"""A dataset, which is written at its end only. HDF5 2.0 would take 64 kB for the table of them."""


class LiveFile:
    """An HDF5 file and the mode that it is in.

    Parameters
    ----------
    place
        The file; what it held is gone.
    is_live
        False writes the oldest format and never enters SWMR, for old readers and for file
        systems without POSIX semantics.
    compression
        How columns of large arrays are stored.
    may_be_compact
        Whether it may be written anew at the end; what shows other files may not.
    """

    def __init__(
        self, place: Place, *, is_live: bool, compression: str = "none", may_be_compact: bool = True
    ) -> None:
        self._place = place
        self.compression = compression_options(compression)
        """Keyword arguments for h5py's `create_dataset`."""
        self._may_live = is_live
        self._may_be_compact = may_be_compact
        self._format = _LIVE_FORMAT if is_live else OLDEST_FORMAT
        check_room(place, _FIRST_BYTES)
        self._room = Room(place)
        self._handles: Handles | None = None
        self._has_many = False
        """Whether the file has more datasets than are kept open."""
        self._handle: h5py.File | None = self._open("w")
        self._hold = Hold(place)
        self._is_live = False

    @property
    def h5(self) -> h5py.File:
        """The open file, in whatever mode it is."""
        if self._handle is None:  # a reopening failed and is tried again
            self._handle = self._open("r+")
        return self._handle

    @property
    def handles(self) -> Handles:
        """Groups and datasets of the open file."""
        file = self.h5
        if self._handles is None:
            self._handles = Handles(file, are_many=self._has_many)
        return self._handles

    def plain(self) -> h5py.File:
        """Return the file in the mode in which objects can be added."""
        if self._is_live:
            self.close()
            self._is_live = False
        return self.h5

    def go_live(self) -> None:
        """Let other processes read while this one appends."""
        if self._may_live and not self._is_live:
            self.flush()
            self.make_room(0)  # HDF5 does not survive a write that fails while it changes the mode
            self.h5.swmr_mode = True
            self._is_live = True

    def make_room(self, size: int) -> None:
        """Take room on the disk for so many bytes, before they are handed to HDF5.

        Raises
        ------
        OSError
            There is none. Nothing has been changed, and the caller can come again.
        """
        file = self.h5.id
        self._room.take(size, file.get_filesize(), file.get_vfd_handle())

    def make_last_room(self) -> None:
        """Take room for what is added at the end, before anything is."""
        self.make_room(min(self.h5.id.get_filesize(), _LAST_BYTES))

    def flush(self) -> None:
        """Bring what was appended to where other processes read it."""
        self.make_room(0)
        raise_unheard(self.h5.filename)
        self.handles.forget_groups()
        self.h5.flush()
        self._removed.free()
        self._room.flushed()

    def close(self) -> None:
        """Close the file; `h5` opens it again."""
        if self._handle is not None:
            self.flush()
            self.make_room(0)  # closing must not fail: HDF5 ends the process then
            # Forgotten before it is closed: one that HDF5 could not close must not be touched again
            handle, self._handle = self._handle, None
            self._forget_handles()
            close_readers(handle)
            path = handle.filename
            handle.close()
            self._room.closed()
            raise_unheard(path)

    def finish(self) -> None:
        """Close the file for good, in an old format and in less room if it is not large."""
        self.close()
        self._room.give_back()
        if self._may_be_compact:
            compact(self._place, OLD_FORMAT if self._may_live else OLDEST_FORMAT)
        self._hold.release()

    def end(self) -> None:
        """Close the file for good, as it is."""
        self.close()
        self._room.give_back()
        self._hold.release()

    @property
    def size(self) -> int:
        """Bytes of the file, as far as HDF5 has written it."""
        return int(self.h5.id.get_filesize())

    def abandon(self) -> None:
        """Let go of the file, whatever its state."""
        try:
            self.close()
            self._room.give_back()
        except Exception:
            self._let_go()
        self._hold.release()

    def _forget_handles(self) -> None:
        """Let go of all groups and datasets: what is open of it holds a file in HDF5."""
        if self._handles is not None:
            self._has_many = self._handles.are_many
            self._handles = None

    def _let_go(self) -> None:
        """Close a file that cannot be written; what was flushed stays as it is."""
        self._forget_handles()
        handle, self._handle = self._handle, None
        if handle is not None:
            let_go(handle)

    def _open(self, mode: str) -> h5py.File:
        # a reader that holds the file must not stop the writing: no lock
        file = h5py.File(
            self._place,
            mode,
            libver=self._format,
            locking=False,
            rdcc_nbytes=_CHUNK_CACHE_BYTES,
            rdcc_nslots=_CHUNK_CACHE_SLOTS,
        )
        if mode == "w":
            forget_unheard(file.filename)
        self._removed = Removed(file)
        return file


def write_node(parent: h5py.Group, name: str, node: Node) -> None:
    """Write a node under a group; a link replaces what has its name, a dataset its value."""
    if isinstance(node, Group):
        _write_group(parent, name, node)
        return
    if parent.get(name, getlink=True) is not None:
        remove(parent, name)
    match node:
        case HardLink():
            new_link(parent, name, node.target)
        case External():
            parent[name] = h5py.ExternalLink(node.file, node.path)
        case Rearranged():
            write_rearranged(parent, name, node)
        case Dataset():
            _write_dataset(parent, name, node)


def _write_group(parent: h5py.Group, name: str, node: Group) -> None:
    group = parent.get(name) if name in parent else None
    attributes = {"NX_class": node.nx_class or "NXcollection", **node.attrs}
    if not isinstance(group, h5py.Group):
        if group is not None:
            remove(parent, name)
        group = new_group(parent, name, is_ordered=node.is_ordered)
        new_attributes(group.id, attributes)
    else:
        if not node.nx_class and "NX_class" in group.attrs:
            attributes = node.attrs
        for key, value in attributes.items():
            set_attribute(group, key, value)
    for key, child in node.children.items():
        write_node(group, key, child)


def _fixed_text(text: str) -> Array:
    data = printable(text).encode()
    return np.array(data, f"S{max(1, len(data))}")


def _write_dataset(parent: h5py.Group, name: str, node: Dataset) -> None:
    value = node.value
    if isinstance(value, str):
        value = _fixed_text(value)
    elif isinstance(value, np.ndarray) and value.dtype.kind == "U":
        value = np.char.encode(value, "utf-8")
    new_attributes(new_dataset(parent, name, value).id, node.attrs)
