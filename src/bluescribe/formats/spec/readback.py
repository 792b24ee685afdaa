"""What the last scan of a SPEC file holds, for `check`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["read_back"]


def read_back(files: Sequence[Path], _: Any) -> dict[str, list[Any]]:
    """Return the columns of numbers by their labels."""
    scan = files[0].read_text(encoding="utf-8", errors="replace").rpartition("\n#S ")[2]
    lines = scan.splitlines()
    labels = next(line for line in lines if line.startswith("#L "))[3:].split("  ")
    rows = [line.split() for line in lines[1:] if line and line[0] not in "#@"]
    return {label: [float(row[i]) for row in rows] for i, label in enumerate(labels)}
