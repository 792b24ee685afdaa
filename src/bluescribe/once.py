"""What is told once, whichever writer meets it first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

__all__ = ["Once"]

_KEPT = 100


class Once:
    """Remembers the latest things that were told.

    It has no lock: a child that was forked while a thread held one would wait for it for ever.
    """

    def __init__(self) -> None:
        self._told: OrderedDict[Hashable, object] = OrderedDict()

    def is_new(self, key: Hashable) -> bool:
        """Tell whether this is asked for the first time."""
        mine = object()
        if self._told.setdefault(key, mine) is not mine:  # in one step
            return False
        while len(self._told) > _KEPT:
            self._told.popitem(last=False)
        return True

    def forget(self) -> None:
        """Tell everything again."""
        self._told.clear()
