"""Finished files in the format of HDF5 1.8.

A file that is read while it is written (SWMR) has a superblock, and indices of chunks, that came
with HDF5 1.10. Programs with an older one (MATLAB, Igor, IDL) do not open it. The tool
``h5format_convert`` turns them into those of HDF5 1.8; the two functions that it calls are not in
h5py.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable, Iterable
from functools import cache

import h5py
from h5py import h5d
from h5py._objects import phil

__all__ = ["OLDEST_FORMAT", "OLD_FORMAT", "convert"]

logger = logging.getLogger(__name__)

OLDEST_FORMAT = ("earliest", "v110")
"""Bounds of a file that is not read while it grows: nothing newer than need be."""

OLD_FORMAT = ("v108", "v110")
"""Bounds for what is added to such a file: nothing newer than need be."""

_Convert = Callable[[int], int]


def convert(file: h5py.File, datasets: Iterable[h5d.DatasetID]) -> bool:
    """Turn an open file, which is not in SWMR mode, into one that HDF5 1.8 reads.

    Nothing that was measured is moved or read. Datasets that join others (virtual ones) are of
    HDF5 1.10, and stay so. HDF5 changes objects one by one, and writes their new indices last: who
    is killed before that leaves a file that nobody can read. So it is to be one in memory.

    Parameters
    ----------
    file
        The file.
    datasets
        Those of which it will consist.

    Returns
    -------
    bool
        False, and the file is as it was, where h5py has a library that does not do it; or where it
        refused.
    """
    functions = _functions()
    if functions is None:
        return False
    convert_dataset, convert_file = functions
    for dataset in datasets:
        with phil:  # the library has one lock, which is h5py's
            if convert_dataset(dataset.id) < 0:
                logger.debug("HDF5 did not convert a dataset of %s", file.filename)
                return False
    with phil:
        return convert_file(file.id.id) >= 0


@cache
def _functions() -> tuple[_Convert, _Convert] | None:
    """Return those of the library that h5py has loaded: its own module leads to it."""
    try:
        library = ctypes.CDLL(h5d.__file__)
        version = [ctypes.c_uint() for _ in range(3)]
        library.H5get_libversion(*map(ctypes.byref, version))
        functions = library.H5Dformat_convert, library.H5Fformat_convert
    except (OSError, AttributeError):
        return None
    if tuple(number.value for number in version) != h5py.version.hdf5_version_tuple[:3]:
        return None
    for function in functions:
        function.argtypes, function.restype = [ctypes.c_int64], ctypes.c_int
    return functions
