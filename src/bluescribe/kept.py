"""Damaged files keep their content under another name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["NOT_OURS", "Kept", "keep", "keeping"]

_KEPT = ".damaged"
NOT_OURS = re.compile(r"\.damaged(-\d+)?$|\.part$|^\.")
"""Names that are not looked at: those given here, and files that were being replaced."""


class Kept:
    """Files that were given another name."""

    def __init__(self) -> None:
        self.names: dict[Path, Path] = {}

    def keep(self, path: Path) -> Path:
        """Give a file another name and remember both."""
        if path not in self.names or path.exists():
            self.names[path] = keep(path)
        return self.names[path]


@contextmanager
def keeping() -> Iterator[Kept]:
    """Give files their names back when the block fails."""
    kept = Kept()
    try:
        yield kept
    except BaseException:
        for path, name in kept.names.items():
            name.replace(path)
        raise


def keep(path: Path) -> Path:
    """Give a file a name that nothing has."""
    kept, number = path.with_name(path.name + _KEPT), 2
    while kept.exists():
        kept, number = path.with_name(f"{path.name}{_KEPT}-{number}"), number + 1
    return path.rename(kept)
