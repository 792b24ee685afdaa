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
from collections.abc import Iterable

import h5py
import numpy as np
from h5py import h5d, h5g, h5o, h5p, h5s, h5t

from ...files import Place, part_beside, part_of
from ...files.system import change_mode
from ..objects import MAX_INLINE_BYTES, copy_attributes
from ..preallocate import allocate
from .changed_copy import changed
from .oldformat import convert
from .walk import Found, datasets_of, hard_links

__all__ = ["compact", "finished_image", "image_of", "images_are_whole"]

logger = logging.getLogger(__name__)

_MAX_FILE_BYTES = 1 << 26
"""A larger file stays as it is: what is written anew is in memory meanwhile, twice, and has to get
to the disk before the next run's file is closed."""
_SMALL_FILE_BYTES = 1 << 22
"""A file up to here is changed in memory; a copy of a larger one is changed where it is."""
_LITTLE_BYTES = 1 << 20
"""Values of a file of which the room that was lost matters."""
_MOST_DATASETS = 600
"""Each takes some milliseconds, and more where there are many: two thousand take half a minute."""
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

_ASIDE = b"\x01"
"""A name that nobody has given."""


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
    root = h5g.open(file.id, b"/")
    objects = _little(root) if is_mixed else None
    if objects is not None:
        growing = [o for o in objects if isinstance(o.id, h5d.DatasetID) and _only_grows(o.id)]
        _stop_growth(root, objects, growing)
    return _copied(file, libver)


def _is_little(place: Place) -> bool:
    with h5py.File(place, "r", locking=False, rdcc_nslots=_CHUNK_CACHE_SLOTS) as file:
        return _little(h5g.open(file.id, b"/")) is not None


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
        objects = _little(root)
        if objects is None:
            if version <= _LAST_VERSION_OF_1_8:
                return None
            if _grows_too_much(root, size):
                return None
            convert(file, datasets_of(root))
            image = image_of(file)
        else:
            datasets = {one.id: one for one in objects if isinstance(one.id, h5d.DatasetID)}
            growing = {id: one for id, one in datasets.items() if _only_grows(id)}
            # where it cannot, nothing is better than it was, or only the room
            convert(file, (id for id in datasets if id not in growing))
            _stop_growth(root, objects, growing.values())
            image = _copied(file, libver)
    is_older = image[_VERSION_AT] < version and len(image) <= size * (1 + _MOST_GROWTH)
    return image if is_older or len(image) < size else None


def _little(root: h5g.GroupID) -> list[Found] | None:
    """Return the objects of a file that is small, but for what was lost; None for any other."""
    found = {h5o.get_info(root).addr: Found(root)}
    held = datasets = 0
    for link in hard_links(root):
        if link.new is not None:
            found[link.address] = Found(link.new)
        if isinstance(link.new, h5d.DatasetID):
            datasets += 1
            held += _bytes_held(link.new)
        if held > _LITTLE_BYTES or datasets > _MOST_DATASETS:
            return None
        found[link.address].places.append((link.group, link.name))
    return list(found.values())


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


def _bytes_held(dataset: h5d.DatasetID) -> int:
    """Return the bytes of a dataset's values, as they are stored if they are compressed."""
    properties = dataset.get_create_plist()
    if properties.get_layout() == h5d.CHUNKED and not properties.get_nfilters():
        return _bytes_of(dataset)
    return int(dataset.get_storage_size())


def _version(place: Place) -> int:
    """Return the version of the superblock."""
    with place.open() as file:
        return file.read(_VERSION_AT + 1)[_VERSION_AT]


def _stop_growth(root: h5g.GroupID, objects: Iterable[Found], growing: Iterable[Found]) -> None:
    """Put datasets that cannot grow in the places of those that can."""
    orders = [(one.id, [*one.id]) for one in objects if _is_ordered(one.id)]
    for found in growing:
        _replace(root, found)
    for group, names in orders:
        _link_in_order(group, names)


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


def _is_ordered(found: h5d.DatasetID | h5g.GroupID) -> bool:
    return isinstance(found, h5g.GroupID) and bool(
        found.get_create_plist().get_link_creation_order() & h5p.CRT_ORDER_TRACKED
    )


def _link_in_order(group: h5g.GroupID, names: list[bytes]) -> None:
    """Link what a group has anew: what was replaced has come to its end."""
    for name in names:
        group.links.move(name, group, _ASIDE)
        group.links.move(_ASIDE, group, name)


def _only_grows(dataset: h5d.DatasetID) -> bool:
    """Tell whether it is stored in chunks for no other reason than that it has grown."""
    properties = dataset.get_create_plist()
    return bool(
        properties.get_layout() == h5d.CHUNKED
        and not properties.get_nfilters()
        and not dataset.dtype.hasobject
        and _bytes_of(dataset) <= _LITTLE_BYTES
    )


def _bytes_of(dataset: h5d.DatasetID) -> int:
    return int(dataset.get_type().get_size() * np.prod(dataset.shape, dtype=np.int64))


def _replace(root: h5g.GroupID, found: Found) -> None:
    """Put a dataset that cannot grow in all places of one that can."""
    old = found.id
    dtype = old.get_type()
    data = np.empty(old.shape, old.dtype)
    if data.size:
        old.read(h5s.ALL, h5s.ALL, data, mtype=dtype)
    if dtype.get_class() == h5t.STRING and data.tobytes().isascii():  # Octave reads no other text
        dtype = dtype.copy()  # a file's own type cannot be changed
        dtype.set_cset(h5t.CSET_ASCII)
    properties = h5p.create(h5p.DATASET_CREATE)
    is_inline = 0 < _bytes_of(old) <= MAX_INLINE_BYTES
    properties.set_layout(h5d.COMPACT if is_inline else h5d.CONTIGUOUS)
    new = h5d.create(root, None, dtype, h5s.create_simple(old.shape), properties)
    if data.size:
        new.write(h5s.ALL, h5s.ALL, data, mtype=dtype)
    copy_attributes(old, new)
    for group, name in found.places:
        group.unlink(name)
        h5o.link(new, group, name)
