"""Damaged files keep their content under another name.

While a file is being recovered it is called ``NAME.recovering``, and ``NAME.damaged`` when that is
done. A `recover` that was killed in between leaves the first name, and the next one puts it back.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from . import Place, parts_of
from .job_note import notes_of
from .write_lock import Hold, is_held

__all__ = [
    "NOT_OURS",
    "Kept",
    "being_recovered",
    "is_being_recovered",
    "is_put_by",
    "keep",
    "keeping",
    "put_aside",
    "put_back",
]

_KEPT, _AT_WORK = ".damaged", ".recovering"
NOT_OURS = re.compile(rf"\{_KEPT}(-\d+)?$|\{_AT_WORK}$|\.part$|\.owed$|^\.")
"""Names that are not looked at: those given here, files that were being replaced, and notes of what
is owed to others."""


class Kept:
    """Files that were given another name, while one of them is recovered.

    Parameters
    ----------
    main
        The file that is recovered. It gets its last name after all others: as long as it can be
        put back, everything is done again.
    """

    def __init__(self, main: Path) -> None:
        self._main = main
        self.names: dict[Path, Path] = {}
        self._holds: list[Hold] = []

    def keep(self, path: Path) -> Path:
        """Give a file another name, tell other processes that it is at work, remember both."""
        if path in self.names:
            path.unlink(missing_ok=True)  # it was made in the meantime, and is nobody's original
        elif not path.stat().st_size:
            self.names[path] = keep(path)  # there is nothing to put back
        else:
            self._holds.append(Hold(path))
            self.names[path] = _moved(path, path.name + _AT_WORK)
        return self.names[path]

    def settle(self) -> None:
        """Give all files their last names."""
        for path, name in sorted(self.names.items(), key=lambda item: item[0] == self._main):
            if name.name.endswith(_AT_WORK):
                self.names[path] = keep(name, path.name)

    def restore(self) -> None:
        """Give all files their own names back."""
        for path, name in self.names.items():
            _put(name, path.name)

    def release(self) -> None:
        """Let other processes have the files."""
        for hold in self._holds:
            hold.release()


@contextmanager
def keeping(main: Path) -> Iterator[Kept]:
    """Give files their names back when the block fails.

    Parameters
    ----------
    main
        The file that is recovered.
    """
    kept = Kept(main)
    try:
        yield kept
        kept.settle()
    except BaseException:
        kept.restore()
        raise
    finally:
        kept.release()


def keep(path: Path, name: str = "") -> Path:
    """Give a file a name that nothing has, and return that.

    Parameters
    ----------
    path
        The file.
    name
        What it was called before; as it is called, if nothing is said.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    for kept in _kept_names(name or path.name):
        try:
            return _moved(path, kept)
        except FileExistsError:
            continue
    raise AssertionError("unreachable: names do not end")


def put_aside(path: Path) -> None:
    """Have a file's name free for another one: an empty file goes, what is in one is kept.

    What its writer left beside it, half written or as a note, goes as well.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "its folder is away", str(path.parent))
    for left in (*parts_of(path), *notes_of(path)):
        Place.at(left).remove()
    try:
        is_empty = not path.lstat().st_size
    except FileNotFoundError:
        return
    if is_empty:
        Place.at(path).remove()
    else:
        keep(path)


def being_recovered(path: Path) -> Path:
    """Return what a file is called while it is at work."""
    return path.with_name(path.name + _AT_WORK)


def is_being_recovered(path: Path) -> bool:
    """Tell whether a file is at work, or was when `recover` was cut short."""
    return being_recovered(path).exists()


def is_put_by(path: Path) -> bool:
    """Tell whether a file is one that was being recovered, and nobody is at work on it."""
    return path.name.endswith(_AT_WORK) and not is_held(path)


def put_back(path: Path, *, dry_run: bool) -> Path:
    """Give a file that was being recovered its own name; what was made of it is made again."""
    home = path.with_name(path.name.removesuffix(_AT_WORK))
    if dry_run:
        return home
    if not path.stat().st_size:  # the name was taken, and the file had not come to it yet
        Place.at(path).remove()
        return home
    return _put(path, home.name)


def _moved(path: Path, name: str) -> Path:
    """Give a file a name that nothing has; a link that stands there is not followed."""
    place = Place.at(path)
    place.move(place.with_name(name))
    return path.with_name(name)


def _put(path: Path, name: str) -> Path:
    """Give a file a name; what had it is gone."""
    place = Place.at(path)
    place.replace(place.with_name(name))
    return path.with_name(name)


def _kept_names(name: str) -> Iterator[str]:
    yield name + _KEPT
    for number in count(2):
        yield f"{name}{_KEPT}-{number}"
