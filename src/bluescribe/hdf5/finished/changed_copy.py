"""A finished HDF5 file is changed as a copy, which takes its place when it is complete.

So at any moment there is a whole file, as it was or as it is to be. What HDF5 could not write is
raised, whether h5py tells of it or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import h5py

from ...files import Place, part_of
from ..unheard import forget_unheard, let_go, raise_unheard

__all__ = ["changed", "changed_copy"]

_VERSION_AT = 8
"""Where an HDF5 file tells the version of its superblock: behind the signature."""


@contextmanager
def changed_copy(place: Place) -> Iterator[h5py.File]:
    """Open a copy of a finished file for changes; it takes the file's place if the block ends well.

    Raises
    ------
    OSError
        The disk refused, or the file's folder is not to be found; the file is as it was.
    """
    with part_of(place) as part:
        place.copy_into(part)
        with changed(part, libver=_format(place)) as h5:
            yield h5
        part.sync()
    with suppress(OSError):  # not every file system syncs folders
        place.folder.sync()


@contextmanager
def changed(
    place: Place, mode: str = "r+", *, libver: tuple[str, str] | None = None
) -> Iterator[h5py.File]:
    """Open a file that nobody else has for changes; it is whole if the block ends well.

    Raises
    ------
    BrokenFileError
        Something was refused as h5py let go of it, which it tells nobody.
    OSError
        It cannot be opened, or the disk refused.
    """
    h5 = h5py.File(place, mode, libver=libver, locking=False)
    path = h5.filename
    forget_unheard(path)
    try:
        yield h5
        raise_unheard(path)
        h5.flush()  # closing must not fail: HDF5 ends the process then
    except BaseException:
        let_go(h5)
        raise
    h5.close()
    raise_unheard(path)


def _format(place: Place) -> tuple[str, str]:
    """Return the version of HDF5 that a file is written in, for what is added to it.

    HDF5 itself is not asked: while it has the file open without a lock, whoever opens it with one,
    in this process, is refused.
    """
    with place.open() as file:
        superblock = file.read(_VERSION_AT + 1)[_VERSION_AT]
    return ("v110", "v110") if superblock >= 3 else ("earliest", "v110")
