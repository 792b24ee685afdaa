"""Log once what several writers, streams or fields meet of one cause."""

from __future__ import annotations

__all__ = ["LogOnce"]

_KEYS_KEPT = 1_000


class LogOnce:
    """What was logged already, by key, on whatever thread."""

    def __init__(self) -> None:
        self._keys: dict[object, object] = {}

    def is_new(self, key: object) -> bool:
        """Tell whether nobody has asked for this key before."""
        mine = object()
        is_new = self._keys.setdefault(key, mine) is mine  # at once: no thread comes in between
        while len(self._keys) > _KEYS_KEPT:
            self._keys.pop(next(iter(self._keys)), None)
        return is_new
