"""Runs that were cut short, found at the start of a session by the ends of their journals."""

from __future__ import annotations

import heapq
import logging
import os
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from .held import is_held

__all__ = ["find_incomplete", "remember", "tell_of_incomplete"]

logger = logging.getLogger(__name__)

_BOOK = ".bluescribe-recovered"
"""Names of journals that `recover` has seen: their runs will never have a stop document."""

_NEWEST = 100
_LAST_BYTES = 1 << 16
_SECONDS = 5.0
"""How long a folder is listed at the most."""
_SETTLED_SECONDS = 2.0
"""A journal that was changed just now may be one that another process is about to hold."""
_NAMED = 3


def remember(journal: Path) -> None:
    """Note that `recover` has done what can be done for a run without a stop document.

    Raises
    ------
    OSError
        It cannot be noted.
    """
    book = journal.with_name(_BOOK)
    if journal.name not in _seen(book):
        with book.open("a", encoding="utf-8") as lines:
            lines.write(f"{journal.name}\n")


def find_incomplete(folder: Path, ending: str) -> list[Path]:
    """Return journals without a stop document that nobody writes, among the newest of a folder.

    Parameters
    ----------
    folder
        Where the journals are; folders in it are not looked into.
    ending
        Of their names.
    """
    settled = time.time() - _SETTLED_SECONDS
    journals = ((when, path) for when, path in _journals(folder, ending) if when < settled)
    newest = heapq.nlargest(_NEWEST, journals)
    seen = _seen(folder / _BOOK)
    found = []
    for _, path in newest:
        with suppress(OSError):
            if path.name not in seen and not _is_complete(path) and not is_held(path):
                found.append(path)
    return found


def tell_of_incomplete(places: Iterable[tuple[Path, str]]) -> threading.Thread | None:
    """Warn of incomplete runs, from a thread that nothing waits for.

    Parameters
    ----------
    places
        Folders and the endings of journals' names in them.
    """
    chosen = sorted({(folder, ending) for folder, ending in places if folder.is_dir()})
    if not chosen:
        return None
    thread = threading.Thread(
        target=_tell, args=(chosen,), name="bluescribe-incomplete", daemon=True
    )
    thread.start()
    return thread


def _tell(places: Sequence[tuple[Path, str]]) -> None:
    for folder, ending in places:
        found = find_incomplete(folder, ending)
        if found:
            names = ", ".join(path.name for path in found[:_NAMED])
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            logger.warning(
                "%d runs in %s were cut short and may be incomplete: %s%s. To finish their files: "
                "bluescribe recover %s",
                len(found),
                folder,
                names,
                more,
                folder,
            )


def _journals(folder: Path, ending: str) -> Iterable[tuple[float, Path]]:
    deadline = time.monotonic() + _SECONDS
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if time.monotonic() > deadline:
                return
            if entry.name.endswith(ending) and entry.is_file():
                yield entry.stat().st_mtime, Path(entry.path)


def _is_complete(path: Path) -> bool:
    """Tell whether the last line is a stop document; one of more than 64 kB is not seen as such."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LAST_BYTES))
        lines = file.read().split(b"\n")
    return len(lines) > 1 and not lines[-1] and lines[-2].startswith(b'["stop",')


def _seen(book: Path) -> set[str]:
    try:
        return set(book.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return set()
