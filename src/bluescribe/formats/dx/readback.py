"""What a Data Exchange file holds of the projections, for `check`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py

__all__ = ["read_back"]


def read_back(files: Sequence[Path], _: Any) -> dict[str, list[Any]]:
    """Return what the format makes of the only image and the only motor of a run."""
    with h5py.File(files[0], "r") as file:
        exchange = file["exchange"]
        return {"image": exchange["data"][()].tolist(), "motor": exchange["theta"][()].tolist()}
