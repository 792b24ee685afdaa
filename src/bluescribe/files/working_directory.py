"""The folder in which the session is: relative paths are inside it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["working_directory"]

_LINK = Path("/proc/self/cwd")
"""Linux knows the name of a folder that was removed, and says so behind it."""
_REMOVED = " (deleted)"

_known: list[Path] = []
"""The last one that was there."""

with suppress(OSError):
    _known.append(Path.cwd())


def working_directory() -> Path:
    """Return the working directory; where it was, if it is not there any more.

    A folder that was removed, or whose file server is away, may be there anew: what goes into it is
    written where it was, and not to wherever another process happens to be.

    Raises
    ------
    OSError
        Nobody knows where it was: this process has begun in it when it was gone, and not on Linux.
    """
    try:
        _known[:] = [Path.cwd()]
    except OSError as error:
        with suppress(OSError):
            return Path(str(_LINK.readlink()).removesuffix(_REMOVED))
        if not _known:
            told = "the working directory is not there any more; change to another one"
            raise type(error)(error.errno, told) from None
    return _known[0]
