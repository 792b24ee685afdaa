"""What a raw HDF5 file holds of the primary stream, for `check`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py

__all__ = ["read_back"]


def read_back(files: Sequence[Path], _: Any) -> dict[str, list[Any]]:
    """Return the values of each field, row by row."""
    with h5py.File(files[0], "r") as file:
        stream = file["streams/primary"]
        return {
            name: column[()].tolist()
            for name, column in stream.items()
            if isinstance(column, h5py.Dataset)
        }
