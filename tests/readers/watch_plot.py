"""Read the default plot of a NeXus file with silx again and again while it grows.

    python -m tests.readers.watch_plot FOLDER READS

It says when it is ready, then how many points each read saw, or what went wrong, as JSON, and ends
after so many reads.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from silx.io import h5py_utils
from silx.io.nxdata.parse import get_default

_TRIES = 40
_PAUSE = 0.02
_BETWEEN = 0.03


def main(folder: Path, reads: int) -> None:
    print(json.dumps("ready"), flush=True)
    while not (paths := list(folder.glob("*.hdf"))):
        time.sleep(0.01)
    seen: list[int | str] = []
    opened_again = 0
    began = time.monotonic()
    while len(seen) < reads:
        try:
            points, tries = look(paths[0], has_plot=bool(seen))
        except Exception as error:
            seen.append(repr(error))
        else:
            opened_again += tries
            if points or seen:
                seen.append(points)
        time.sleep(_BETWEEN)
    taken = time.monotonic() - began
    print(json.dumps({"seen": seen, "opened again": opened_again, "seconds": taken}), flush=True)


def look(path: Path, *, has_plot: bool) -> tuple[int, int]:
    """Return the points of the default plot, and how often the opening had to be repeated.

    It is repeated as docs/how-to/watch-a-run.md says: when the file cannot be opened, or has no
    plot any more. A plot that cannot be read is a failure.
    """
    for tries in range(_TRIES):
        with suppress(_NotOpenError), opened(path) as file:
            points = points_of(file)
            if points or not has_plot:
                return points, tries
        time.sleep(_PAUSE)
    raise TimeoutError(f"{path} could not be opened in {_TRIES * _PAUSE:.1f} s")


class _NotOpenError(Exception):
    """The file cannot be opened at this moment."""


def opened(path: Path) -> h5py_utils.File:
    try:
        return h5py_utils.File(str(path))
    except OSError as error:
        raise _NotOpenError from error


def points_of(file: h5py_utils.File) -> int:
    """Return how many points the plot has, all of which are right."""
    plot: Any = get_default(file)
    if plot is None:
        return 0  # there is no event yet
    if not plot.is_valid:
        raise ValueError(plot.issues)
    values = plot.signal[()].ravel()
    numbers = np.sort(values[~np.isnan(values)])
    if not np.array_equal(numbers, np.arange(len(numbers))):
        raise ValueError(f"not the points that were measured: {values}")
    return len(numbers)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
