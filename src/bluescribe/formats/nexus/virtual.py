"""Virtual datasets: rows of a dataset in another arrangement, in few mappings."""

from __future__ import annotations

from collections.abc import Iterator

import h5py
import numpy as np

from ...values import Array
from .tree import Virtual

__all__ = ["write_virtual"]

_COPIED = ("units", "source", "precision", "long_name")


def write_virtual(parent: h5py.Group, name: str, node: Virtual) -> None:
    """Write a virtual dataset whose source is in the same file, wherever that file goes."""
    source = parent.file[node.source]
    layout = h5py.VirtualLayout(node.rows.shape, source.dtype)
    rows = h5py.VirtualSource(".", node.source, source.shape)
    for place, taken in _mappings(node.rows):
        layout[place] = rows[taken]
    dataset = parent.create_virtual_dataset(name, layout)
    for key in _COPIED:
        if key in source.attrs:
            dataset.attrs[key] = source.attrs[key]


def _mappings(rows: Array) -> Iterator[tuple[tuple[int | slice, ...], slice]]:
    """Yield places and the rows that go there.

    HDF5 selects forwards only. Lines along the last axis that were measured forwards are mapped
    whole, the others in columns where they stand evenly (every second line of a snaked grid),
    else point by point.
    """
    backward = []
    for line in np.ndindex(rows.shape[:-1]):
        taken = _even(rows[line])
        if taken is None:
            backward.append(line)
        else:
            yield (*line, slice(None)), taken
    lines = _even(np.array(backward)[:, 0]) if backward and rows.ndim == 2 else None
    for column in range(rows.shape[-1]) if backward else ():
        taken = _even(rows[lines, column]) if lines else None
        if lines and taken:
            yield (lines, column), taken
        else:
            for line in backward:
                row = int(rows[(*line, column)])
                yield (*line, column), slice(row, row + 1)


def _even(numbers: Array) -> slice | None:
    """Return growing, evenly spaced numbers as a slice; None for others."""
    steps = np.diff(numbers)
    if len(steps) and (steps[0] <= 0 or (steps != steps[0]).any()):
        return None
    step = int(steps[0]) if len(steps) else 1
    return slice(int(numbers[0]), int(numbers[-1]) + 1, step)
