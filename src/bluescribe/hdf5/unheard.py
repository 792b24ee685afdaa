"""What HDF5 could not write when h5py let go of an object, which h5py tells nobody.

A value that waits in memory is written when the last handle of its dataset goes. If the system
refuses that, h5py has no caller to raise it in: Python calls `sys.unraisablehook`, and the file
seems to be whole without the value.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from .room import BrokenFileError

__all__ = ["forget_unheard", "raise_unheard"]

_WORDS = re.compile(
    r"file write failed.*?filename = '(?P<path>.*?)', .*?errno = (?P<number>\d+)", re.DOTALL
)
_refused: dict[str, int] = {}
"""The number of the error, by the path of the file as HDF5 has it."""
_before = sys.unraisablehook


def _hear(told: Any) -> None:
    """Remember what was refused, and tell who was told before."""
    found = _WORDS.search(str(told.exc_value))
    if found is not None:
        _refused[found["path"]] = int(found["number"])
    _before(told)


sys.unraisablehook = _hear


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
