"""Who is told of the files that are made: exports, and deliveries of what is being written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Claims"]


@dataclass
class Claims:
    """What is called on the thread that makes a file.

    It goes with the folder of a run to wherever files are made in it; whom it tells may change.
    """

    before: Callable[[Path], None] | None = None
    """Is told of each file that is about to be made."""
    made: Callable[[Path], None] | None = None
    """Is told of each file that is made, still empty."""

    def begin(self, path: Path) -> None:
        """Tell that a file is about to be made."""
        if self.before is not None:
            self.before(path)

    def end(self, path: Path) -> None:
        """Tell that a file is made."""
        if self.made is not None:
            self.made(path)
