"""Errors of a spool."""

from __future__ import annotations

from ..errors import BluescribeError

__all__ = ["BrokenSpoolError"]


class BrokenSpoolError(BluescribeError, ValueError):
    """A spool is damaged, or was written by another version."""
