"""After a crash: the parts of a run that was divided, and the file that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ...assets.hdf5.marked import opened
from ...files import Place, part_of
from ..file import LiveFile
from ..objects import set_attribute
from .gathered import MAIN, NUMBER, PARTS, gather
from .pieces import Where

__all__ = ["is_part", "lacking_parts", "parts_of_main", "run_of", "show_parts"]

_IS_MARKED = "is marked"
"""Key of whether a file says that somebody writes it."""
_ERRORS = (OSError, ValueError, RuntimeError, KeyError)


def is_part(path: Path) -> bool:
    """Tell whether a file is a part of a run; False for what cannot be read."""
    return bool(_told(path).get(MAIN))


def lacking_parts(path: Path, stop: str) -> list[Path]:
    """Return a main file, and the parts that it does not show although it should; or nothing.

    Parameters
    ----------
    path
        The main file, which is finished if it has a stop document, or one of its parts.
    stop
        Absolute path of that document.
    """
    told = _told(path, stop)
    main = path.with_name(told[MAIN]) if MAIN in told else path
    if main == path and PARTS not in told:
        return []
    of_main = told if main == path else _told(main, stop)
    if stop in of_main:
        return []
    shown = {*of_main.get(PARTS, ())}
    lacking = [part for part in _parts_beside(main) if part.name not in shown]
    is_here = main == path or path in lacking
    return [main, *lacking] if lacking and is_here else []


def run_of(path: Path) -> list[Path]:
    """Return all files of the run that a file belongs to."""
    main = path.with_name(_told(path).get(MAIN, path.name))
    return list(dict.fromkeys([path, main, *parts_of_main(main)]))


def parts_of_main(path: Path) -> list[Path]:
    """Return the parts that a main file shows, or should; nothing for any other file."""
    told = _told(path)
    if PARTS not in told:
        return []
    named = [path.with_name(name) for name in told[PARTS]]
    return [part for part in dict.fromkeys([*named, *_parts_beside(path)]) if part.exists()]


def show_parts(main: Path, where: Where) -> None:
    """Make the main file of all parts that are there, in the place of one that shows less.

    Raises
    ------
    OSError
        The disk refused.
    """
    place = Place.at(main)
    with part_of(place) as new:
        file = LiveFile(new, is_live=True, may_be_compact=False)
        try:
            gather(file, [place.with_name(part.name) for part in _parts_beside(main)], where)
            for key in (MAIN, NUMBER):
                file.h5.attrs.pop(key, None)
            if "file_name" in file.h5.attrs:
                set_attribute(file.h5, "file_name", place.name)
            file.end()
        except BaseException:
            file.abandon()
            raise


def _parts_beside(main: Path) -> list[Path]:
    """Return the parts of a main file that are closed, or mended, in their order."""
    found: dict[int, Path] = {}
    for path in main.parent.glob("*-part*"):
        told = _told(path) if path.suffix == main.suffix and path != main else {}
        if told.get(MAIN) == main.name and not told[_IS_MARKED]:
            found[int(told[NUMBER])] = path
    return [found[number] for number in sorted(found)]


def _told(path: Path, *documents: str) -> Mapping[str, Any]:
    """Return what a file says of parts, and which of some objects it has.

    What is no name of a file beside it, or no number, is not said: anybody may have changed it.
    """
    with suppress(OSError):
        found = path.stat()
        state = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        return _told_in(path, state, documents)
    return {}


@lru_cache(maxsize=4096)  # of a run with a thousand parts, each is asked for by each of the others
def _told_in(path: Path, state: object, documents: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the same of a file in the state in which it is now."""
    told: dict[str, Any] = {}
    with suppress(*_ERRORS), opened(path) as marked:
        attrs = marked.file.attrs
        if _is_name(main := attrs.get(MAIN)) and _is_number(number := attrs.get(NUMBER)):
            told |= {MAIN: main, NUMBER: int(number)}
        if PARTS in attrs:
            told[PARTS] = [*filter(_is_name, np.ravel(attrs[PARTS]).tolist())]
        told[_IS_MARKED] = marked.found.is_marked
        told |= dict.fromkeys((name for name in documents if name in marked.file), True)
    return told


def _is_name(value: Any) -> bool:
    """Tell whether a value names a file in the same folder."""
    return isinstance(value, str) and value not in {"", ".", ".."} and not {*value} & {"/", "\0"}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | np.integer) and int(value) > 0
