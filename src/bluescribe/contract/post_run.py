"""What a format does for a run whose file is complete: the work, and what of it is not done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

__all__ = ["Shortfall", "Work"]


class Shortfall(NamedTuple):
    """Something that could not be done; the file is as good as it was before."""

    cause: str
    remedy: str
    is_owed: bool = False
    """Whether it is still to be done: the system refused, and may not do so another time."""
    is_whole: bool = True
    """Whether the file has all that it is to have without it."""


Work = Callable[[threading.Event], Sequence[Shortfall]]
"""It looks at the event often and gives up when it is set, which also ends its waiting."""
