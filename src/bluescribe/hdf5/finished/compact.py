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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import h5py
import numpy as np
from h5py import h5d, h5g, h5l, h5o, h5p, h5s, h5t

from ...files import Place, part_of
from ...files.system import change_mode
from ..objects import copy_attributes
from .oldformat import convert

__all__ = ["compact"]

logger = logging.getLogger(__name__)

_MAX_FILE_BYTES = 1 << 26
"""A larger file stays as it is: what is written anew is in memory meanwhile, twice, and has to get
to the disk before the next run's file is closed."""
_LITTLE_BYTES = 1 << 20
"""Values of a file of which the room that was lost matters."""
_MOST_DATASETS = 600
"""Each takes some milliseconds, and more where there are many: two thousand take half a minute."""
_MOST_GROWTH = 1 / 8
"""An index of HDF5 1.8 has 2 kB or more: in hundreds of short columns more than the values."""

_VERSION_AT = 8
"""Where an HDF5 file tells the version of its superblock: behind the signature."""
_LAST_VERSION_OF_1_8 = 2

_OLDEST_HDF5 = (2, 0, 0)
"""HDF5 1.14 ends its process when it copies objects here (``H5Ocopy``), and what it gives as the
image of a file (``H5Fget_file_image``) has a superblock with a wrong checksum: nobody opens it."""

_ASIDE = b"\x01"
"""A name that nobody has given."""

_MAX_INLINE_BYTES = 4096
"""Values up to here are stored in the object itself: HDF5's compact layout, of 64 kB at most."""


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
    if h5py.version.hdf5_version_tuple < _OLDEST_HDF5:
        return False
    try:
        if place.size() > _MAX_FILE_BYTES:
            return False
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


def _written_anew(place: Place, libver: tuple[str, str]) -> bytes | None:
    """Return the bytes of a better file; None if there is none."""
    size, version = place.size(), _version(place)
    # what is changed in "core" is changed in memory, never in the file
    with h5py.File(
        place, "r+", driver="core", backing_store=False, libver=libver, locking=False
    ) as file:
        objects = _objects(file.id)
        datasets = [one for one in objects if isinstance(one.id, h5d.DatasetID)]
        is_little = _holds_little([one.id for one in datasets])
        if not is_little and version <= _LAST_VERSION_OF_1_8:
            return None
        growing = {one.id: one for one in datasets if is_little and _only_grows(one.id)}
        # where it cannot, nothing is better than it was, or only the room
        convert(file, (one.id for one in datasets if one.id not in growing))
        if is_little:
            _stop_growth(file.id, objects, growing.values())
        image = _copied(file, libver) if is_little else _image(file)
    is_older = image[_VERSION_AT] < version and len(image) <= size * (1 + _MOST_GROWTH)
    return image if is_older or len(image) < size else None


def _replace_by(place: Place, image: bytes) -> None:
    with part_of(place) as part, place.open() as old, part.open("r+b") as new:
        new.write(image)  # HDF5 itself must not meet a full disk: see room.py
        new.flush()
        change_mode(new.fileno(), stat.S_IMODE(os.fstat(old.fileno()).st_mode))
        os.fsync(new.fileno())  # what it replaces may have been on the disk for hours


def _holds_little(datasets: Sequence[h5d.DatasetID]) -> bool:
    """Tell whether a file is small, but for what was lost: that depends on how it was written."""
    held = sum(map(_bytes_held, datasets))
    return held <= _LITTLE_BYTES and len(datasets) <= _MOST_DATASETS


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


def _stop_growth(root: h5g.GroupID, objects: Iterable[_Found], growing: Iterable[_Found]) -> None:
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
        return _image(target)


def _image(file: h5py.File) -> bytes:
    file.flush()
    image: bytes = file.id.get_file_image()
    return image


@dataclass(slots=True)
class _Found:
    """An object and all of its names."""

    id: h5d.DatasetID | h5g.GroupID
    places: list[tuple[h5g.GroupID, bytes]] = field(default_factory=list)


def _objects(root: h5g.GroupID) -> list[_Found]:
    found: dict[int, _Found] = {h5o.get_info(root).addr: _Found(root)}
    waiting = [root]
    while waiting:
        group = waiting.pop()
        for name, address in _hard_links(group):
            if address not in found:
                found[address] = _Found(h5o.open(group, name))
                if isinstance(found[address].id, h5g.GroupID):
                    waiting.append(found[address].id)
            found[address].places.append((group, name))
    return list(found.values())


def _hard_links(group: h5g.GroupID) -> Iterator[tuple[bytes, int]]:
    for name in group:
        link = group.links.get_info(name)
        if link.type == h5l.TYPE_HARD:
            yield name, link.u


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


def _replace(root: h5g.GroupID, found: _Found) -> None:
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
    is_inline = 0 < _bytes_of(old) <= _MAX_INLINE_BYTES
    properties.set_layout(h5d.COMPACT if is_inline else h5d.CONTIGUOUS)
    new = h5d.create(root, None, dtype, h5s.create_simple(old.shape), properties)
    if data.size:
        new.write(h5s.ALL, h5s.ALL, data, mtype=dtype)
    copy_attributes(old, new)
    for group, name in found.places:
        group.unlink(name)
        h5o.link(new, group, name)
