"""Backups of damaged files: recovery renames a file before it writes a new one.

The backup is called ``NAME.recovering`` while the file is being recovered, and ``NAME.damaged``
when that is done. If `recover` is killed in between, the next one gives the first name back.
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
    """Backups of the files of one recovery.

    Parameters
    ----------
    main
        The file that is recovered. Its backup gets the final name last: until then, a recovery
        that was killed is undone and begun anew.
    """

    def __init__(self, main: Path) -> None:
        self._main = main
        self.names: dict[Path, Path] = {}
        self._holds: list[Hold] = []

    def keep(self, path: Path) -> Path:
        """Rename a file to its backup, and lock that, so that other processes leave it alone."""
        if path in self.names:
            path.unlink(missing_ok=True)  # it was made in the meantime, and is nobody's original
        elif not path.stat().st_size:
            self.names[path] = keep(path)  # there is nothing to put back
        else:
            self._holds.append(Hold(path))
            self.names[path] = _moved(path, name_at_work(path.name))
        return self.names[path]

    def settle(self) -> None:
        """Give all backups their final names."""
        for path, name in sorted(self.names.items(), key=lambda item: item[0] == self._main):
            if is_at_work(name.name):
                self.names[path] = keep(name, path.name)

    def restore(self) -> None:
        """Give all files their own names back, in the place of what was written."""
        for path, name in self.names.items():
            _put(name, path.name)

    def release(self) -> None:
        """Unlock the backups."""
        for hold in self._holds:
            hold.release()


@contextmanager
def keeping(main: Path) -> Iterator[Kept]:
    """Yield a `Kept` for the backups of a recovery; undo all of them when the block fails.

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
    """Rename a file to a free ``NAME.damaged``, and return the new path.

    Parameters
    ----------
    path
        The file.
    name
        Its name before recovery, if that is not its present one.

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
    """Free the name of a file: an empty one is removed, any other is renamed ``NAME.damaged``.

    Half-written replacements and notes that its writer left beside it are removed as well.

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
    """Return the path of a file's backup while it is being recovered."""
    return path.with_name(name_at_work(path.name))


def is_being_recovered(path: Path) -> bool:
    """Return whether a file is being recovered, or was when `recover` was killed."""
    return being_recovered(path).exists()


def is_put_by(path: Path) -> bool:
    """Return whether a file is the backup of a recovery that was killed."""
    return is_at_work(path.name) and not is_held(path)


def put_back(path: Path, *, dry_run: bool) -> Path:
    """Undo a recovery that was killed: give the backup its own name; return that."""
    home = path.with_name(name_before_work(path.name))
    if dry_run:
        return home
    if not path.stat().st_size:  # the name was taken, and the file had not come to it yet
        Place.at(path).remove()
        return home
    return _put(path, home.name)


def _moved(path: Path, name: str) -> Path:
    """Give a file a name that nothing has; a link of that name is not followed."""
    place = Place.at(path)
    place.move(place.with_name(name))
    return path.with_name(name)


def _put(path: Path, name: str) -> Path:
    """Give a file a name, in the place of a file that has it."""
    place = Place.at(path)
    place.replace(place.with_name(name))
    return path.with_name(name)
