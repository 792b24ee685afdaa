"""Control: the memory that `strike.c` shares between the processes that it is preloaded into."""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

__all__ = ["Control"]

_MOST_ORDERS, _MOST_PROCESSES, _TEXT = 32, 64, 4096
_HEAD = struct.Struct("llld")
"""Whether orders count, the process of the session, how often one was struck, and when."""
_COUNTS = struct.Struct(f"{_MOST_ORDERS}l")
_PROCESSES = struct.Struct(f"{_MOST_PROCESSES}l")
_ORDERS_AT = _HEAD.size + _COUNTS.size + _PROCESSES.size


class Control:
    """Orders, who is to meet them, and what came of it.

    Parameters
    ----------
    path
        A file, made where it is missing.
    """

    VARIABLE = "STRIKE"
    """Tells processes where it is."""

    def __init__(self, path: Path) -> None:
        size = _ORDERS_AT + _TEXT
        if not path.exists():
            path.write_bytes(bytes(size))
        self.path = path
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), size)

    @classmethod
    def of_environment(cls) -> Control:
        """Return that of this process."""
        return cls(Path(os.environ[cls.VARIABLE]))

    def order(self, *orders: str) -> None:
        """Give orders, each as `strike.c` says; they count from zero when they are armed."""
        text = "\n".join(orders).encode()
        assert len(text) < _TEXT
        assert len(orders) <= _MOST_ORDERS
        self.disarm()
        self._shared[8:_ORDERS_AT] = bytes(_ORDERS_AT - 8)
        self._shared[_ORDERS_AT:] = text.ljust(_TEXT, b"\0")

    def enter(self) -> None:
        """Be the session."""
        self._shared[8:16] = struct.pack("l", os.getpid())

    def arm(self) -> None:
        """Have orders count from now on."""
        self._shared[0:8] = struct.pack("l", 1)

    def disarm(self) -> bool:
        """Have orders count no more; tell whether they did."""
        is_armed = any(self._shared[0:8])
        self._shared[0:8] = struct.pack("l", 0)
        return is_armed

    @property
    def struck(self) -> int:
        """How often somebody met an order."""
        return int(_HEAD.unpack_from(self._shared)[2])

    @property
    def met(self) -> int:
        """How many calls were counted for the first order."""
        return int(_COUNTS.unpack_from(self._shared, _HEAD.size)[0])

    @property
    def killed(self) -> float:
        """When somebody was killed, in epoch seconds."""
        return float(_HEAD.unpack_from(self._shared)[3])

    def alive(self) -> list[int]:
        """Return the processes that have met any order, and live."""
        known = _PROCESSES.unpack_from(self._shared, _HEAD.size + _COUNTS.size)
        return [pid for pid in known if pid not in (0, os.getpid()) and self._is_in(pid)]

    def _is_in(self, pid: int) -> bool:
        try:
            return str(self.path) in Path(f"/proc/{pid}/maps").read_text()
        except OSError:
            return False
