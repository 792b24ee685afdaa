"""Ctrl-C and other signals that end a check: noted at once, heeded when nothing is half done.

An exception out of a signal may come between any two steps, those of cleaning up included.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self

__all__ = ["Interrupts"]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupts:
    """Signals that came meanwhile; in another thread than the main one none can be noted."""

    def __init__(self) -> None:
        self._came = False
        self._before: dict[int, Any] = {}

    def heed(self) -> None:
        """Go on if no signal came.

        Raises
        ------
        KeyboardInterrupt
            One came.
        """
        if self._came:
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        """Note signals from now on."""
        if threading.current_thread() is threading.main_thread():
            numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
            self._before = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, *exception: object) -> None:
        """Leave signals to whoever had them before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _: int, __: FrameType | None) -> None:
        self._came = True
