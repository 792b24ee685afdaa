"""Comments that wait beside a scan until its last row is there."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ...files import Place
from ...files.run_paths import claim, clean
from ...files.textfile import TextFile
from ...files.unneeded import remove_unneeded

__all__ = ["LateComments", "comments_beside"]

_ENDING = ".notes"
_CHUNK = 1 << 19


class LateComments:
    """Comments for which there is no place between rows.

    Readers of "text with # header" (larch's read_ascii, Origin, many a script) take a comment for
    the end of the rows, or for labels: where each run has a file of its own, comments stand behind
    the last row. Until then they are in a file beside it, so that a kill loses none.

    Parameters
    ----------
    uid
        The run's.
    """

    def __init__(self, uid: str) -> None:
        self._uid = uid
        self._waiting: list[bytes] = []
        self._file: TextFile | None = None
        self._copied = 0

    def add(self, lines: Iterable[bytes]) -> None:
        """Take in comments; `sync` brings them to the file."""
        self._waiting += lines

    def sync(self, scan: Place) -> None:
        """Write what waits.

        Parameters
        ----------
        scan
            The file of the rows.

        Raises
        ------
        OSError
            The disk refused; all still waits.
        """
        if self._waiting and self._file is None:
            name = clean(f"{scan.name}-{self._uid:.7}")
            self._file = TextFile(claim(scan.with_name(name), _ENDING, is_told=False))
        if self._file is not None:
            self._file.put(b"".join(self._waiting))
            self._waiting.clear()
            self._file.flush()

    def copy_into(self, out: TextFile) -> None:
        """Put all behind the rows; after an `OSError`, a second call goes on."""
        if self._file is not None:
            self._file.flush()
            with self._file.place.open() as file:
                file.seek(self._copied)
                while chunk := file.read(_CHUNK):
                    out.put(chunk)
                    self._copied += len(chunk)
        out.put(b"".join(self._waiting))
        self._waiting.clear()

    def remove(self) -> None:
        """Take the file away: what it holds is behind the rows, or was said of no scan."""
        self._waiting.clear()
        if self._file is not None:
            file, self._file = self._file, None
            file.abandon()
            remove_unneeded(file.place)  # better there twice than lost

    def abandon(self, scan: Place) -> None:
        """Leave all that was said in the file, after a failure."""
        with suppress(OSError):
            self.sync(scan)
        if self._file is not None:
            self._file.abandon()


def comments_beside(path: Path) -> list[Path]:
    """Return the files of comments that a crash left beside one of scans."""
    begins = f"{path.name}-"
    return [
        found
        for found in sorted(path.parent.iterdir())
        if found.name.startswith(begins) and found.name.endswith(_ENDING) and not found.is_symlink()
    ]
