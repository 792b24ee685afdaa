"""Which runs are in which files, so that a run that comes again is known: beside the files."""

from __future__ import annotations

import json
import time
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
        super().__init__(folder)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have no other listener decide about a run meanwhile, where the file system has locks."""
        while True:
            try:
                lock_file(self._fd)
            except BlockingIOError:
                time.sleep(_PAUSE_SECONDS)
                continue
            except OSError:
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
