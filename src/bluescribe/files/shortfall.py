"""Shortfall: the part of a post-run job that could not be done."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Shortfall"]


class Shortfall(NamedTuple):
    """Something that could not be done; the file is as it was before."""

    cause: str
    remedy: str
    is_owed: bool = False
    """Whether it will be retried later: the system refused, and may not refuse again."""
    is_whole: bool = True
    """Whether the file is complete without it."""
