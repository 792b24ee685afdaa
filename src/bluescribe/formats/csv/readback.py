"""What tables hold of the primary stream, for `check`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["read_back"]


def read_back(files: Sequence[Path], settings: Any) -> dict[str, list[Any]]:
    """Return the numbers of each column; what is no number is not there."""
    (table,) = (path for path in files if path.name.endswith(f"-primary{settings.ending}"))
    with table.open(newline="", encoding="utf-8") as file:
        labels, *rows = csv.reader(file, delimiter=settings.delimiter)
    found: dict[str, list[Any]] = {}
    for label, cells in zip(labels, zip(*rows, strict=True), strict=True):
        try:
            found[label] = [float(cell.replace(settings.decimal, ".")) for cell in cells]
        except ValueError:
            continue  # times for people
    return found
