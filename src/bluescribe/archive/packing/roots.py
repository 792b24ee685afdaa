"""The folders whose files may go into a pack, and the files that are read from there.

Documents name external files by paths that their author chose: a private file of this user must not
be packed because a journal names it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from ...files.system import SAFELY, UNBLOCKED
from .sums import PackError

__all__ = ["Roots"]


class Roots:
    """Folders below which external files may be packed.

    Parameters
    ----------
    named
        By the user.
    """

    def __init__(self, named: Iterable[str | Path] = ()) -> None:
        self._named = [_folder(Path(root)) for root in named]

    def allow(self, path: Path, own: Path | None) -> bool:
        """Return whether a file may be packed, wherever links on its path lead.

        Parameters
        ----------
        path
            The file, or a folder.
        own
            Folder of the source that names it: what lies beside a journal belongs to it, but for
            what is hidden there.
        """
        real = Path(os.path.realpath(path))
        if any(real.is_relative_to(root) for root in self._named):
            return True
        if own is None:
            return False
        home = Path(os.path.realpath(own))
        if home in (Path(home.root), Path.home().resolve()) or not real.is_relative_to(home):
            return False
        return not any(part.startswith(".") for part in real.relative_to(home).parts)

    def opened(self, path: Path, own: Path | None) -> BinaryIO:
        """Open a file that may be packed; what is opened is what was looked at.

        Raises
        ------
        OSError
            It cannot be opened, is no file, or may not be packed.
        """
        real = Path(os.path.realpath(path))
        fd = os.open(real, os.O_RDONLY | SAFELY | UNBLOCKED)
        try:
            is_file = stat.S_ISREG(os.fstat(fd).st_mode)
            is_same = os.path.samestat(os.fstat(fd), os.lstat(os.path.realpath(path)))
            if not (is_file and is_same and self.allow(path, own)):
                raise PackError(f"{path} is no file below a folder that may be packed")
            return os.fdopen(fd, "rb")
        except BaseException:
            os.close(fd)
            raise


def _folder(root: Path) -> Path:
    path = root.expanduser().resolve()
    if not path.is_dir():
        raise PackError(f"--root {root}: there is no such folder")
    return path
