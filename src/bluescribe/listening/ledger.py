"""Which runs are in which files, so that a run that comes again is known: beside the files."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from ..archive.exporting.manifest import Manifest
from ..files.system import lock_file, unlock_file

__all__ = ["Ledger"]

_PAUSE_SECONDS = 0.005


class Ledger(Manifest):
    """The ledger of all listeners that write into a folder, a line for each step.

    Parameters
    ----------
    folder
        Where the files go; made when missing.
    """

    name: ClassVar[str] = ".bluescribe-listen"

    def __init__(self, folder: Path) -> None:
        self._offset = 0
        self._mine = threading.Lock()
        self._deaths: Counter[tuple[str, str]] = Counter()
        self._last_by: dict[tuple[str, str], str] = {}
        super().__init__(folder)

    def begin(self, uid: str, name: str, by: str = "") -> None:
        """Note that a listener writes a run from now on."""
        self._write(["begin", uid, name, by])

    def leave(self, uid: str, name: str, by: str) -> None:
        """Note that a listener leaves a run to others, and lives."""
        self._write(["leave", uid, name, by])

    def is_by(self, uid: str, name: str, by: str) -> bool:
        """Return whether no other listener has begun a run since; asked while `alone`."""
        return self._last_by.get((uid, name)) == by

    def deaths(self, uid: str, name: str) -> int:
        """Return how many listeners have begun a run and neither ended nor left it."""
        return self._deaths[uid, name]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have no other listener decide about a run meanwhile, where the file system has locks."""
        with self._mine:  # threads of one process have the lock of its file together
            yield from self._alone()

    def _alone(self) -> Iterator[None]:
        while True:
            try:
                lock_file(self._fd)
            except BlockingIOError:
                time.sleep(_PAUSE_SECONDS)
                continue
            except OSError:  # a file system without locks
                self._read()
                yield
                return
            break
        try:
            self._read()
            yield
        finally:
            unlock_file(self._fd)

    def _line(self, line: list[Any]) -> bytes:
        """Return a line that stands alone, even where another listener was killed in its own."""
        return b"\n" + super()._line(line)

    def _read(self) -> None:
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self._offset += end
        for line in data[:end].split(b"\n"):
            try:
                kind, uid, name, *rest = json.loads(line)
            except ValueError:  # an empty one, or one that was torn
                continue
            self._take(kind, (uid, name), *rest)

    def _take(self, kind: str, key: tuple[str, str], *rest: Any) -> None:
        if kind == "begin":
            self._deaths[key] += 1
            self._last_by[key] = rest[0] if rest else ""
        elif kind == "leave":
            self._deaths[key] -= 1
        elif kind in ("done", "failed"):
            self._deaths.pop(key, None)
            self._last_by.pop(key, None)
        super()._take(kind, key, *rest)

    def _is_kept(self, path: str, size: int, *, shares: bool) -> bool:
        """Return whether a file is as it was: people move what is done, and add to it."""
        return not (self.folder / path).exists() or super()._is_kept(path, size, shares=True)
