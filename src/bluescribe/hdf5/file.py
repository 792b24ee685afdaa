"""The life of an HDF5 file that others read while it is written: plain, live (SWMR), plain.

A run of which all is here already, as in an export, needs no reader meanwhile: its file is made in
memory, in the form that it has in the end, and written once. One that gets large goes on on the
disk, where it is plain until it is closed.

In SWMR mode datasets grow and nothing else happens: whatever must be added makes the file plain
for a moment (close, reopen, add), and the next `go_live` makes it live again. That is a rule of
ours: HDF5 2.0 does not refuse late objects, but live readers then fail.
"""

from __future__ import annotations

from typing import Any

import h5py

from ..files import Place
from ..files.write_lock import Hold
from .compression import compression_options
from .finished.compact import compact, finished_image, image_of, images_are_whole
from .finished.oldformat import OLD_FORMAT, OLDEST_FORMAT
from .handles import Handles
from .preallocate import Room, check_room
from .removal import Removed
from .sharing import close_readers
from .unheard import forget_unheard, let_go, raise_unheard

__all__ = ["LiveFile"]

_FIRST_BYTES = 1 << 20
"""Room that there has to be for a new file."""
_LAST_BYTES = 64 << 20
"""Room for what is added at the end, at the most; the views of a grid take theirs themselves."""

_LIVE_FORMAT = ("v110", "v110")
_MOST_HELD = 1 << 21
"""Bytes of a file that is held in memory until it is finished."""
_IN_MEMORY: dict[str, Any] = {"driver": "core", "backing_store": False, "block_size": 1 << 16}
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
    is_whole
        Whether all that will be in it is here: nobody reads it before it is finished.
    """

    def __init__(
        self,
        place: Place,
        *,
        is_live: bool,
        compression: str = "none",
        may_be_compact: bool = True,
        is_whole: bool = False,
    ) -> None:
        self._place = place
        self.is_held = is_whole and may_be_compact and images_are_whole()
        """Whether it is in memory so far, in the form that it has in the end."""
        self.compression = compression_options(compression)
        """Keyword arguments for h5py's `create_dataset`."""
        self._finished_format = OLD_FORMAT if is_live else OLDEST_FORMAT
        self._may_live = is_live and not self.is_held
        self._may_be_compact = may_be_compact
        self._format = _LIVE_FORMAT if self._may_live else self._finished_format
        if not self.is_held:
            check_room(place, _FIRST_BYTES)
        self._room = Room(place)
        self._handles: Handles | None = None
        self._has_many = False
        """Whether the file has more datasets than are kept open."""
        self._handle: h5py.File | None = self._open("w")
        self.has_growing = False
        """Whether a column in memory was made as one that grows."""
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
        if not self.is_held:
            self._room.take(size, file.get_filesize(), file.get_vfd_handle())

    def make_last_room(self) -> None:
        """Take room for what is added at the end, before anything is."""
        self.make_room(min(self.h5.id.get_filesize(), _LAST_BYTES))

    def may_hold(self, size: int) -> bool:
        """Tell whether so many bytes more may be held in memory."""
        return self.size + size <= _MOST_HELD

    def put_down(self) -> None:
        """Go on on the disk with a file that is in memory.

        Raises
        ------
        OSError
            The disk refused; it is in memory as before.
        """
        if self.is_held:
            self._write(image_of(self.h5))
            self._let_go_of_memory()
            self._handle = self._open("r+")

    def flush(self) -> None:
        """Bring what was appended to where other processes read it."""
        self.put_down()
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
        if self.is_held:
            raise_unheard(self.h5.filename)
            self._write(finished_image(self.h5, self._finished_format, is_mixed=self.has_growing))
            self._let_go_of_memory()
        else:
            self.close()
            self._room.give_back()
            if self._may_be_compact:
                compact(self._place, self._finished_format)
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

    def _write(self, image: bytes) -> None:
        """Write the whole file, which nobody has open."""
        with self._place.open("r+b") as file:
            file.write(image)

    def _let_go_of_memory(self) -> None:
        """Close a file that is in memory."""
        self._removed.free()
        self._forget_handles()
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()
        self.is_held = False

    def _let_go(self) -> None:
        """Close a file that cannot be written; what was flushed stays as it is."""
        if self.is_held:
            self._let_go_of_memory()
            return
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
            **(_IN_MEMORY if self.is_held else {}),
        )
        if mode == "w":
            forget_unheard(file.filename)
        self._removed = Removed(file)
        return file
