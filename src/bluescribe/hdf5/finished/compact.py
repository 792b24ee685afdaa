"""A finished file that is not large is written anew: for older programs, and in less room.

It is turned into one that HDF5 1.8 reads. A column that can grow is stored in chunks with an index,
and each time that an object is added or taken away HDF5 leaves holes: of a run of ten points, that
is most of the file. If it holds little, the copy has the same tree, object for object; only that
its columns cannot grow any more.

Nothing of it is done in place: a process that is killed in the midst of it would leave a finished
file that nobody can read.
"""

from __future__ import annotations

import logging
import os
import stat

import h5py
from h5py import h5d, h5g, h5o

from ...files import Place, part_beside, part_of
from ...files.system import change_mode
from ..objects import copy_attributes
from ..preallocate import allocate
from .changed_copy import changed
from .contiguous import Contents
from .oldformat import convert
from .walk import datasets_of

__all__ = ["compact", "finished_image", "image_of", "images_are_whole"]

logger = logging.getLogger(__name__)

_MAX_FILE_BYTES = 1 << 26
"""A larger file stays as it is: what is written anew is in memory meanwhile, twice, and has to get
to the disk before the next run's file is closed."""
_SMALL_FILE_BYTES = 1 << 22
"""A file up to here is changed in memory; a copy of a larger one is changed where it is."""
_MOST_GROWTH = 1 / 8
"""An index of HDF5 1.8 has 2 kB or more: in hundreds of short columns more than the values."""
_MARGIN = 1 << 20
"""Bytes for what HDF5 writes beside indices."""
_LEAST_INDEX = 1 << 10
"""Bytes by which a file grows with each of them, whatever becomes of those that it had."""
_CHUNK_CACHE_SLOTS = 11
"""A dataset: no chunk is used twice, and HDF5 2.0 would take 64 kB for the table of them."""

_VERSION_AT = 8
"""Where an HDF5 file tells the version of its superblock: behind the signature."""
_LAST_VERSION_OF_1_8 = 2

_OLDEST_HDF5 = (2, 0, 0)
"""HDF5 1.14 ends its process when it copies objects here (``H5Ocopy``), and what it gives as the
image of a file (``H5Fget_file_image``) has a superblock with a wrong checksum: nobody opens it."""


def compact(place: Place, libver: tuple[str, str]) -> bool:
    """Put a better copy in the place of a closed file, if it is not large.

    A process that is killed meanwhile, or a disk that is full, leaves the file as it was; who has
    the old file open can go on reading it.

    Parameters
    ----------
    place
        The file.
    libver
        Bounds of the HDF5 format of the copy.

    Returns
    -------
    bool
        Whether the file is a smaller one now, or one of an older format; never with HDF5 1.14.
    """
    if not images_are_whole():
        return False
    try:
        size = place.size()
        if size > _MAX_FILE_BYTES:
            return False
        if size > _SMALL_FILE_BYTES and not _is_little(place):
            return _version(place) > _LAST_VERSION_OF_1_8 and _convert_copy(place, size, libver)
        image = _written_anew(place, libver)
        if image is not None:
            _replace_by(place, image)
        return image is not None
    except FileNotFoundError:
        pass  # somebody took the file away when it was closed
    except Exception as error:  # h5py has many kinds; the file is complete without this
        logger.warning(
            "%s is complete, but was not written anew, in less room and for older programs: %s",
            *(place, error),
        )
    return False


def images_are_whole() -> bool:
    """Tell whether HDF5 is one that copies objects, and gives files in memory, as they are."""
    return bool(h5py.version.hdf5_version_tuple >= _OLDEST_HDF5)


def finished_image(file: h5py.File, libver: tuple[str, str], *, is_mixed: bool) -> bytes:
    """Return the bytes of a file that was made in memory, in no more room than they need.

    Parameters
    ----------
    file
        The file, which cannot be used any more.
    libver
        Bounds of the HDF5 format.
    is_mixed
        Whether there are columns that grow.
    """
    file.flush()  # H5Ocopy does not see what waits to be written to a dataset that is open
    contents = Contents.of(h5g.open(file.id, b"/")) if is_mixed else None
    if contents is not None:
        contents.stop_growth()
    return _copied(file, libver)


def _is_little(place: Place) -> bool:
    with h5py.File(place, "r", locking=False, rdcc_nslots=_CHUNK_CACHE_SLOTS) as file:
        return Contents.of(h5g.open(file.id, b"/")) is not None


def _convert_copy(place: Place, size: int, libver: tuple[str, str]) -> bool:
    """Put a converted copy in the place of a file whose values need not be read for that."""
    with part_beside(place) as part:
        place.copy_into(part)
        with part.open("r+b") as file:  # HDF5 itself must not meet a full disk: see room.py
            allocate(file.fileno(), size, int(size * _MOST_GROWTH) + _MARGIN)
        with changed(part, libver=libver) as h5:
            root = h5g.open(h5.id, b"/")
            if _grows_too_much(root, size) or not convert(h5, datasets_of(root)):
                return False
            del root
        with part.open("r+b") as file:
            file.truncate(part.size())  # what was allocated, and not needed
        if part.size() > size * (1 + _MOST_GROWTH):
            return False
        part.sync()
        part.replace(place)
    return True


def _written_anew(place: Place, libver: tuple[str, str]) -> bytes | None:
    """Return the bytes of a better file; None if there is none."""
    size, version = place.size(), _version(place)
    # what is changed in "core" is changed in memory, never in the file
    with h5py.File(
        place,
        "r+",
        driver="core",
        backing_store=False,
        libver=libver,
        locking=False,
        rdcc_nslots=_CHUNK_CACHE_SLOTS,
    ) as file:
        root = h5g.open(file.id, b"/")
        contents = Contents.of(root)
        if contents is None:
            if version <= _LAST_VERSION_OF_1_8:
                return None
            if _grows_too_much(root, size):
                return None
            convert(file, datasets_of(root))
            image = image_of(file)
        else:
            # where it cannot, nothing is better than it was, or only the room
            convert(file, contents.staying_datasets())
            contents.stop_growth()
            image = _copied(file, libver)
    is_older = image[_VERSION_AT] < version and len(image) <= size * (1 + _MOST_GROWTH)
    return image if is_older or len(image) < size else None


def _grows_too_much(root: h5g.GroupID, size: int) -> bool:
    """Tell whether a file in the older format would be refused for its size, before it is made."""
    room = size * _MOST_GROWTH
    for dataset in datasets_of(root):
        if dataset.get_create_plist().get_layout() == h5d.CHUNKED:
            room -= _LEAST_INDEX
        if room < 0:
            return True
    return False


def _replace_by(place: Place, image: bytes) -> None:
    with part_of(place) as part, place.open() as old, part.open("r+b") as new:
        new.write(image)  # HDF5 itself must not meet a full disk: see room.py
        new.flush()
        change_mode(new.fileno(), stat.S_IMODE(os.fstat(old.fileno()).st_mode))
        os.fsync(new.fileno())  # what it replaces may have been on the disk for hours


def _version(place: Place) -> int:
    """Return the version of the superblock."""
    with place.open() as file:
        return file.read(_VERSION_AT + 1)[_VERSION_AT]


def _copied(source: h5py.File, libver: tuple[str, str]) -> bytes:
    """Return the tree of a file that is in memory, in no more room than it needs."""
    part = f"{source.filename}.part"  # a name that it has to have: there is no such file
    with h5py.File(part, "w", driver="core", backing_store=False, libver=libver) as target:
        copy_attributes(source.id, target.id)
        for name in source.id:  # HDF5 keeps hard links inside of what is copied at once
            h5o.copy(source.id, name, target.id, name)
        return image_of(target)


def image_of(file: h5py.File) -> bytes:
    """Return the bytes of a file that is in memory."""
    file.flush()
    image: bytes = file.id.get_file_image()
    return image
