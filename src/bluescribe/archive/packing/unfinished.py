"""Where a pack is made, or a zip file unpacked, until it is whole: in a folder of this user alone.

It stands on the disk of what is made there. One that a kill has left goes with the next.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from ...files import scratch_folder

__all__ = ["is_unfinished", "unfinished"]

_PREFIX = ".bluescribe-pack-"


def unfinished(parent: Path) -> AbstractContextManager[Path]:
    """Make an empty folder, removed when the block ends, and remove those that kills have left.

    Raises
    ------
    OSError
        It cannot be made.
    """
    return scratch_folder(parent, _PREFIX)


def is_unfinished(path: Path) -> bool:
    """Return whether a folder is such a one, by its name."""
    return path.name.startswith(_PREFIX)
