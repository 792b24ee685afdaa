"""What stacks hold, for `check`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .pages import whole_pages

__all__ = ["read_back"]


def read_back(files: Sequence[Path], settings: Any) -> dict[str, list[Any]]:
    """Return the images of each field, in their order."""
    found: dict[str, list[Any]] = {}
    dtypes: dict[str, np.dtype[Any]] = {}
    for path in sorted(path for path in files if path.name.endswith(settings.ending)):
        data = path.read_bytes()
        for page in whole_pages(path):
            if "field" in page.description:  # the first page of a file says so of all
                name = str(page.description["field"])
                dtypes[name] = np.dtype(page.description["dtype"]).newbyteorder("<")
            size = page.shape[0] * page.shape[1] * dtypes[name].itemsize
            image = np.frombuffer(data[page.end - size : page.end], dtypes[name])
            found.setdefault(name, []).append(image.reshape(page.shape).tolist())
    return found
