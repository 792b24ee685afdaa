"""Damaged files keep their content under another name.

While a file is being recovered it is called ``NAME.recovering``, and ``NAME.damaged`` when that is
done. A `recover` that was killed in between leaves the first name, and the next one puts it back.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import Place, parts_of
from .job_note import notes_of
from .run_names import is_at_work, kept_names, name_at_work, name_before_work
from .write_lock import Hold, is_held

__all__ = [
    "Kept",
    "being_recovered",
    "is_being_recovered",
    "is_put_by",
    "keep",
    "keeping",
    "put_aside",
    "put_back",
]


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
            self.names[path] = _moved(path, name_at_work(path.name))
        return self.names[path]

    def settle(self) -> None:
        """Give all files their last names."""
        for path, name in sorted(self.names.items(), key=lambda item: item[0] == self._main):
            if is_at_work(name.name):
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
    for kept in kept_names(name or path.name):
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
    return path.with_name(name_at_work(path.name))


def is_being_recovered(path: Path) -> bool:
    """Return whether a file is at work, or was when `recover` was cut short."""
    return being_recovered(path).exists()


def is_put_by(path: Path) -> bool:
    """Return whether a file is one that was being recovered, and nobody is at work on it."""
    return is_at_work(path.name) and not is_held(path)


def put_back(path: Path, *, dry_run: bool) -> Path:
    """Give a file that was being recovered its own name; what was made of it is made again."""
    home = path.with_name(name_before_work(path.name))
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
