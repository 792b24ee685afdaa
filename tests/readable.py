"""Whether something can be read, or a process has ended, also by a descriptor beyond 1,023."""

from __future__ import annotations

import select

__all__ = ["is_readable"]


def is_readable(fd: int, seconds: float) -> bool:
    """Wait until a descriptor can be read, so many seconds at the most; tell whether it can."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
