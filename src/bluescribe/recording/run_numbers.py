"""The number of a run in the names of its files: one for all formats, decided when it begins."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..contract.settings import WriterSettings
from ..files.filling import Roots
from ..files.numbers import highest_number, numbered_path
from ..files.run_paths import counts

__all__ = ["foresee", "number_of"]

logger = logging.getLogger(__name__)

_SECONDS = 1.0
"""How long the start of a run waits, where a name is new, for folders to be listed."""
_KEPT = 1_000

_numbers: dict[str, int] = {}
"""Of the latest runs, by their uids: writers that know nothing of each other give the same."""
_last: dict[Path, int] = {}
"""The last number that was given to files of a name."""
_lock = threading.Lock()


def number_of(
    uid: str, start: Mapping[str, Any], settings: Iterable[WriterSettings], cwd: Path
) -> int | None:
    """Return the number of a run that begins; None if no name of its files has one.

    Folders are listed when a name is new in this session, on a thread of its own: one that hangs is
    not waited for, and a name that is taken gets a number behind it.

    Parameters
    ----------
    uid, start
        The run.
    settings
        Those of each format in which it is written.
    cwd
        The working directory of the session.
    """
    wanted = [s for s in settings if counts(s.file_name) or counts(str(s.directory))]
    if not wanted:
        return None
    with _lock:
        if uid not in _numbers:
            paths = _paths(start, wanted, cwd)
            _list({path for path in paths if path not in _last}, _last)
            _numbers[uid] = 1 + max((_last.get(path, 0) for path in paths), default=0)
            _last.update(dict.fromkeys(paths, _numbers[uid]))
            _forget(_numbers)
            _forget(_last)
        return _numbers[uid]


def foresee(
    uid: str, start: Mapping[str, Any], settings: Iterable[WriterSettings], cwd: Path
) -> None:
    """Have a run that is only tried get the number of the run that begins next; none is used up.

    Parameters
    ----------
    uid, start, settings, cwd
        As `number_of` has them, with the settings of the runs that are not only tried.
    """
    wanted = [s for s in settings if counts(s.file_name) or counts(str(s.directory))]
    if not wanted:
        return
    paths = _paths(start, wanted, cwd)
    with _lock:
        known = {path: _last[path] for path in paths if path in _last}
        _list(paths - known.keys(), known)
        _numbers[uid] = 1 + max(list(known.values()), default=0)
        _forget(_numbers)


def _paths(start: Mapping[str, Any], settings: list[WriterSettings], cwd: Path) -> set[Path]:
    given = (
        numbered_path(each.directory, each.file_name, start, Roots(each.roots, cwd))
        for each in settings
    )
    return {path for path in given if path is not None}


def _list(paths: set[Path], found: dict[Path, int]) -> None:
    """Look for the highest number of each name, for a second at the most for all together."""
    threads = {
        path: threading.Thread(target=_look, args=(path, found), daemon=True) for path in paths
    }
    for thread in threads.values():
        thread.start()
    deadline = time.monotonic() + _SECONDS
    for path, thread in threads.items():
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            logger.warning(
                "%s is not listed within %.0f s: {#} begins at 1 there, and a name that is taken "
                "gets another number behind it",
                path.parent,
                _SECONDS,
            )


def _look(path: Path, found: dict[Path, int]) -> None:
    try:
        found.setdefault(path, highest_number(path))
    except OSError as error:
        logger.warning("%s cannot be listed, {#} begins at 1 there: %s", path.parent, error)


def _forget(kept: dict[Any, int]) -> None:
    for old in list(kept)[:-_KEPT]:
        del kept[old]
