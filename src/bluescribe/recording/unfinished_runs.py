"""Runs that were cut short, found at the start of a session by the ends of their files."""

from __future__ import annotations

import heapq
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..at_exit import begin_thread
from ..contract.plugin import FormatPlugin
from ..files import Place as File
from ..files.run_names import is_beside_a_file
from ..files.run_paths import fixed_part

if TYPE_CHECKING:
    from ..contract.glance import Glance
    from .writer import Writer

__all__ = [
    "BOOK",
    "Place",
    "find_incomplete",
    "is_cut_short",
    "listed",
    "log_incomplete",
    "place_below",
    "places_of",
    "remember",
]

logger = logging.getLogger(__name__)

BOOK = ".bluescribe-recovered"
"""Names of journals that `recover` has seen: their runs will never have a stop document."""

_NEWEST = 500
_SECONDS = 5.0
"""How long folders are listed at the most."""
_SETTLED_SECONDS = 2.0
"""A file that was changed just now may be one that another process is about to hold."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session's files are, and who knows them."""

    folder: Path
    """The folder above the first that depends on the run."""
    depth: int
    """Levels of folders below it, in which files are."""
    glances: tuple[Glance, ...]


def places_of(writers: Iterable[Writer], cwd: Path) -> list[Place]:
    """Return the folders into which writers of a session write that began in `cwd`."""
    found: dict[tuple[Path, int], list[Glance]] = {}
    for writer in writers:
        plugin = FormatPlugin.of(type(writer))
        if (kind := plugin.glance) is not None:
            here = found.setdefault(place_below(writer, cwd), [])
            here.append(kind(plugin, writer.settings))
    return [Place(folder, depth, tuple(here)) for (folder, depth), here in found.items()]


def place_below(writer: Writer, cwd: Path) -> tuple[Path, int]:
    """Return the folder above the first that depends on the run, and the levels below it."""
    settings = writer.settings
    folder = cwd / fixed_part(str(settings.directory))
    below = len((cwd / settings.directory).parts) - len(folder.parts)
    return folder, below + settings.file_name.count("/")


def remember(journal: Path) -> None:
    """Note that `recover` has done what can be done for a run without a stop document.

    Raises
    ------
    OSError
        It cannot be noted.
    """
    book = journal.with_name(BOOK)
    if journal.name not in _seen(book):
        fd = File.at(book).open_to_append()
        try:
            os.write(fd, f"{journal.name}\n".encode(errors="surrogateescape"))
        finally:
            os.close(fd)


def find_incomplete(place: Place, stop: threading.Event | None = None) -> list[Path]:
    """Return files that were cut short and that nobody writes, among the newest of a place.

    Parameters
    ----------
    place
        Where to look.
    stop
        Ends the look when it is set.
    """
    is_stopped = stop.is_set if stop is not None else bool
    settled = time.time() - _SETTLED_SECONDS
    deadline = time.monotonic() + _SECONDS
    files = listed(place.folder, place.depth, deadline, lambda name: not is_beside_a_file(name))
    newest = heapq.nlargest(_NEWEST, (file for file in files if file[0] < settled))
    of_journals = [glance for glance in place.glances if glance.is_journal]
    others = [glance for glance in place.glances if not glance.is_journal]
    journals = [
        path for _, path in newest if not is_stopped() and _is_one_cut_short(path, of_journals)
    ]
    stems = tuple(f"{_without_ending(path, of_journals)}." for path in journals)
    rest = (path for _, path in newest if not str(path).startswith(stems))  # each run once
    more = (path for path in rest if not is_stopped() and _is_one_cut_short(path, others))
    return [*journals, *more]


def _without_ending(path: Path, glances: Iterable[Glance]) -> str:
    ending = next((glance.ending for glance in glances if glance.has_ending(path)), "")
    return str(path).removesuffix(ending)


def _is_one_cut_short(path: Path, glances: Iterable[Glance]) -> bool:
    with suppress(OSError):
        return any(is_cut_short(path, glance) for glance in glances)
    return False


def log_incomplete(places: Iterable[Place]) -> threading.Thread | None:
    """Warn of incomplete runs, from a thread of the background."""
    chosen = [place for place in places if place.folder.is_dir()]
    return begin_thread("bluescribe-incomplete", _tell, chosen) if chosen else None


def _tell(stop: threading.Event, places: Sequence[Place]) -> None:
    for place in places:
        found = find_incomplete(place, stop)
        if stop.is_set():
            return
        if found:
            names = ", ".join(str(path.relative_to(place.folder)) for path in found[:_NAMED])
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            logger.warning(
                "%s cut short in %s and may be incomplete: %s%s. To finish all files of such runs: "
                "bluescribe recover %s",
                "1 file was" if len(found) == 1 else f"{len(found)} files were",
                place.folder,
                names,
                more,
                place.folder,
            )


def listed(
    folder: Path, depth: int, deadline: float, is_wanted: Callable[[str], bool]
) -> Iterator[tuple[float, Path]]:
    """Yield when files were changed, and the files; those in the newest folders first.

    Parameters
    ----------
    folder, depth
        Where to look, and how many levels of folders below it.
    deadline
        When to end, as `time.monotonic` counts.
    is_wanted
        Is asked of the name of each file.
    """
    folders = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if time.monotonic() > deadline:
                return
            if entry.is_file():
                if is_wanted(entry.name):
                    yield entry.stat().st_mtime, Path(entry.path)
            elif depth and entry.is_dir() and not entry.name.startswith("."):
                folders.append((entry.stat().st_mtime, Path(entry.path)))
    for _, below in sorted(folders, reverse=True):
        yield from listed(below, depth - 1, deadline, is_wanted)


def is_cut_short(path: Path, glance: Glance) -> bool:
    """Tell whether a file has no end, nobody writes it, and `recover` has not seen it.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    if not glance.seems_cut_short(path) or glance.is_held(path):
        return False
    return not (glance.is_journal and path.name in _seen(path.with_name(BOOK)))


def _seen(book: Path) -> set[str]:
    try:
        return set(book.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return set()
