"""Which runs are in which files, so that a run that comes again is known: beside the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from ..archive.exporting.manifest import Manifest

__all__ = ["Ledger"]


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

    def refresh(self) -> None:
        """Take in what other listeners have noted since."""
        self._read()

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
