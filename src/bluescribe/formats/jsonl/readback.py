"""What a journal holds of the primary stream, for `check`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["read_back"]


def read_back(files: Sequence[Path], _: Any) -> dict[str, list[Any]]:
    """Return the values of each field, row by row."""
    lines = files[0].read_text(encoding="utf-8").splitlines()
    events = [doc["data"] for name, doc in map(json.loads, lines) if name == "event"]
    return {key: [data[key] for data in events] for key in (events[0] if events else {})}
