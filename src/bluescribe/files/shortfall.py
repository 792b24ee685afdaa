"""What could not be done to the file of a run that is complete."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Shortfall"]


class Shortfall(NamedTuple):
    """Something that could not be done; the file is as good as it was before."""

    cause: str
    remedy: str
    is_owed: bool = False
    """Whether it is still to be done: the system refused, and may not do so another time."""
    is_whole: bool = True
    """Whether the file has all that it is to have without it."""
