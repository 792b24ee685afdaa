"""Templates of names, filled with what a start document says: cleaned, and in no other folder.

A value is one name. With ``:path`` it is a path, whose folders are kept where the whole lies below
a root that its owner has named; else it is a name like others.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path, PurePosixPath
from string import Formatter
from typing import Any

from .run_names import LONGEST_NAME, LONGEST_PART, clean, shortened
from .templates import COUNTER, PATH, default_in, steps_of

__all__ = [
    "NOWHERE",
    "Roots",
    "fill",
    "filled",
    "filled_path",
    "fixed_part",
    "kept_path",
    "path_filled",
]

logger = logging.getLogger(__name__)

_TOLD_KEPT = 1_000
_told_of: dict[tuple[str, str], object] = {}
"""Templates, and their keys that were found to hold a path, by whichever format came first."""

_LACKING = {
    "config": "no descriptor of the run has",
    "event": "no event of the run has",
    COUNTER: "nothing counts here for",
}


@dataclass(frozen=True, slots=True)
class Roots:
    """The folders below which paths in documents may lead, and what is relative to where."""

    folders: tuple[Path, ...] = ()
    cwd: Path = Path()

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self.folders)

    def hold(self, path: Path) -> bool:
        """Tell whether a path leads below one of them, when all links are followed."""
        try:
            place = (self.cwd / path).resolve()
            return any(place.is_relative_to(root.resolve()) for root in self.folders)
        except (OSError, RuntimeError, ValueError):  # links in a ring; what is no path
            return False


NOWHERE = Roots()


def path_filled(
    directory: Path, template: str, start: Mapping[str, Any], fallback: str, roots: Roots
) -> Path:
    """Return the path of a run's files, without ending: folder and name, filled.

    Parameters
    ----------
    directory, template
        The folder, and the name in it.
    start, fallback
        As `filled` has them.
    roots
        Where paths may lead.
    """
    path, has_paths = _path(directory, template, start, fallback, roots)
    if not has_paths or roots.hold(path.parent):
        return path
    if _is_new(str(directory), str(path)):
        logger.error(
            "%s is no folder below %s, where paths in metadata have to lead (ROOTS): the run goes "
            "to a folder called by it in %s. Remedy: mend the metadata, or add the folder to ROOTS",
            roots.cwd / path.parent,
            " or ".join(map(str, roots.folders)),
            roots.cwd / fixed_part(str(directory)),
        )
    return _path(directory, template, start, fallback, NOWHERE)[0]


def _path(
    directory: Path, template: str, start: Mapping[str, Any], fallback: str, roots: Roots
) -> tuple[Path, bool]:
    """Return a path, and whether paths in the document are a part of it."""
    fixed = fixed_part(str(directory))
    folder, has_folders = _filled(str(directory), start, fixed, roots)
    stem, has_more = _filled(template, start, fallback, roots, is_name=True)
    folders = [shortened(part, LONGEST_PART) for part in Path(folder).parts]
    names = [shortened(part) for part in stem.split("/") if part]
    return Path(*folders, *(names or ["_"])), has_folders or has_more


def filled(template: str, start: Mapping[str, Any], *, fallback: str) -> str:
    """Fill a template's keys with cleaned values; `fallback` steps in where a key is missing."""
    return _filled(template, start, fallback, NOWHERE)[0]


def filled_path(template: str, values: Mapping[str, Any]) -> str:
    """Fill the keys of a path that is only read: a value may hold folders.

    Raises
    ------
    LookupError
        A key has no value.
    """
    text = ""
    for literal, key, spec, _ in Formatter().parse(template):
        text += literal
        if key is not None:
            text += _format(key, _value(key, values), "" if spec == PATH else spec or "")
    return text


def _filled(
    template: str, start: Mapping[str, Any], fallback: str, roots: Roots, *, is_name: bool = False
) -> tuple[str, bool]:
    try:
        return fill(template, start, roots, is_name=is_name)
    except LookupError as error:
        (key,) = error.args
        logger.warning(
            "template %r: %s %r; using %r instead",
            template,
            _LACKING.get(steps_of(key)[0], "the start document has no"),
            key,
            fallback,
        )
        uid = start.get("uid")
        uid = uid if isinstance(uid, str) and uid else "unknown"
        return fill(fallback, {**start, "uid": uid}, NOWHERE)


def fill(
    template: str, start: Mapping[str, Any], roots: Roots, *, is_name: bool = False
) -> tuple[str, bool]:
    """Return a template with its keys filled, and whether paths were kept in it.

    Parameters
    ----------
    template, start
        The template, and what fills it.
    roots
        Where paths may lead.
    is_name
        Whether it is that of a file's name, which leads to no folder of its own.

    Raises
    ------
    LookupError
        There is nothing for a key.
    """
    text, has_paths = "", False
    for literal, key, spec, _ in Formatter().parse(template):
        text += literal
        if key is None:
            continue
        value = _value(key, start)
        kept = kept_path(value, roots) if spec == PATH and roots else None
        if kept is not None and is_name:
            kept = None if kept.is_absolute() else PurePosixPath(*map(clean, kept.parts))
        if kept is None:
            word = _format(key, value, "" if spec == PATH else spec or "")
            text += clean(word) if word or default_in(key)[1] != "" else ""
            if "/" in word:
                _tell_of_flattening(template, key, word, is_path=spec == PATH)
        else:
            has_paths = True
            is_whole = kept.is_absolute() and text[-1:] in ("", "/")
            text = str(kept) if is_whole else text + str(kept).lstrip("/")
    return text, has_paths


def _value(key: str, start: Mapping[str, Any]) -> Any:
    """Return what fills a key.

    Raises
    ------
    LookupError
        The document has none, and the template no default.
    """
    name, default = default_in(key)
    try:
        value = _look_up(name, start)
    except LookupError:
        if default is None:
            raise
        return default
    is_empty = isinstance(value, str) and not value
    return default if is_empty and default is not None else value


def kept_path(value: Any, roots: Roots) -> PurePosixPath | None:
    """Return a value that is a path below a root, or below what stands before it."""
    if not isinstance(value, str) or not value.isprintable():
        return None
    path = PurePosixPath(value)
    if ".." in path.parts or not path.parts:
        return None
    if any(len(part.encode(errors="replace")) > LONGEST_PART for part in path.parts):
        return None
    if path.is_absolute() and not roots.hold(Path(path)):
        return None
    return path


def _tell_of_flattening(template: str, key: str, text: str, *, is_path: bool) -> None:
    """Tell once a session that a value is a path and names one folder or file all the same."""
    if not _is_new(template, key):
        return
    remedy = (
        "name the folders below which such paths may lead in ROOTS"
        if is_path
        else "put the folders into DIRECTORY or FILE_NAME, each with a key of its own, such as "
        f"{{cycle}}/{{proposal}}; or write {{{key}:path}}, and name in ROOTS the folders below "
        "which it may lead"
    )
    logger.warning(
        "%r: the metadata has %s = %r. %s: it is called %r. Remedy: %s.",
        template,
        key,
        text[:LONGEST_NAME],
        "It leads to no folder below one of ROOTS"
        if is_path
        else "A value never makes folders, nor leads elsewhere",
        clean(text),
        remedy,
    )


def _is_new(template: str, key: str) -> bool:
    """Tell, once a session, that something was not told before."""
    mine = object()
    is_full = len(_told_of) >= _TOLD_KEPT
    return not is_full and _told_of.setdefault((template, key), mine) is mine  # at once: threads


def _look_up(key: str, start: Mapping[str, Any]) -> Any:
    first, *inner = steps_of(key)
    value = start.get(first)
    for name in inner:
        value = _item(value, name)
    if value is None and key == "scan_id":
        return 0
    if value is None and key != "time":
        raise LookupError(key)
    return value


def _item(value: Any, name: str) -> Any:
    """Return what stands in a value under a name, or at a place of a list; None for nothing."""
    if isinstance(value, Mapping):
        return value.get(name)
    is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if not (is_list or hasattr(value, "ndim")) or not name.isdecimal():
        return None
    with suppress(Exception):  # it is shorter, or the number has 5,000 digits
        return value[int(name)]
    return None


def _format(key: str, value: Any, spec: str) -> str:
    if key == "time":
        value = _local_time(value)
    with suppress(Exception):  # a scan_id that is text has no :05d
        return format(value, spec)
    with suppress(Exception):  # whatever an object in the metadata raises, the run has a name
        return str(value)
    return ""


def _local_time(epoch: Any) -> datetime:
    try:
        return datetime.fromtimestamp(float(epoch)).astimezone()
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.now().astimezone()


def fixed_part(directory: str) -> str:
    """Return the folders of a directory template above the first one that has a key."""
    fixed = takewhile(lambda part: "{" not in part.replace("{{", ""), Path(directory).parts)
    return str(Path(*fixed))
