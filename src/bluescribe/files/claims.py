"""Callbacks for files that are made: the spool, exports and deliveries record them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Claims"]


@dataclass
class Claims:
    """Callbacks for the files of a run, called on the thread that makes a file.

    They go with the run's folder to wherever files are made in it, and may be set later.
    """

    before: Callable[[Path], None] | None = None
    """Called with each file before it is made."""
    made: Callable[[Path], None] | None = None
    """Called with each file when it is made, still empty."""

    def begin(self, path: Path) -> None:
        """Report a file before it is made."""
        if self.before is not None:
            self.before(path)

    def end(self, path: Path) -> None:
        """Report a file that is made."""
        if self.made is not None:
            self.made(path)
