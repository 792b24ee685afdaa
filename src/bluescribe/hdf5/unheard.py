"""What HDF5 could not write when h5py let go of an object, which h5py tells nobody.

A value that waits in memory is written when the last handle of its dataset goes. If the system
refuses that, h5py has no caller to raise it in: Python calls `sys.unraisablehook`, and the file
seems to be whole without the value.
"""

from __future__ import annotations

import atexit
import os
import re
import sys
from contextlib import suppress
from typing import Any

import h5py

from .preallocate import BrokenFileError, divert

__all__ = ["forget_unheard", "let_go", "raise_unheard"]

_WORDS = re.compile(
    r"file write failed.*?filename = '(?P<path>.*?)', .*?errno = (?P<number>\d+)", re.DOTALL
)
_refused: dict[str, int] = {}
"""The number of the error, by the path of the file as HDF5 has it."""
_before = sys.unraisablehook
_LEFT_OPEN: list[h5py.File] = []
"""What HDF5 would not survive to close, as it could not let go of an object in it."""


def _hear(told: Any) -> None:
    """Remember what was refused, and tell who was told before."""
    found = _WORDS.search(str(told.exc_value))
    if found is not None:
        _refused[found["path"]] = int(found["number"])
    _before(told)


sys.unraisablehook = _hear
atexit.register(setattr, sys, "unraisablehook", _before)  # what is looked up here is gone then


def raise_unheard(path: str) -> None:
    """Raise what was refused of a file, if something was, until somebody forgets it.

    Raises
    ------
    BrokenFileError
        A value is not in the file, and HDF5 may not survive to close it.
    """
    number = _refused.get(path)
    if number is not None:
        raise BrokenFileError(number, os.strerror(number), path)


def forget_unheard(path: str) -> bool:
    """Forget what was refused of a file that is made anew, or given up; tell whether it was."""
    return _refused.pop(path, None) is not None


def let_go(file: h5py.File) -> None:
    """Close a file that cannot be written; what was flushed stays as it is."""
    with suppress(Exception):
        divert(file.id.get_vfd_handle(), file.id.get_filesize())
        if forget_unheard(file.filename):
            _LEFT_OPEN.append(file)
        else:
            file.close()
