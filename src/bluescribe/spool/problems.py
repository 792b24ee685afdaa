"""What can be wrong with a spool."""

from __future__ import annotations

from ..errors import BluescribeError

__all__ = ["BrokenSpoolError"]


class BrokenSpoolError(BluescribeError, ValueError):
    """What stands in a spool is not what was written there."""
