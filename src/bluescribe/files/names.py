"""Names and places of files: templates filled from the start document, safety, collisions."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from string import Formatter
from typing import Any

from . import Claims, Folder, Place, Rights
from .run_names import LONGEST_NAME, LONGEST_PART, clean, free_names, shortened
from .templates import DEFAULT_TEMPLATE, check_fields

__all__ = [
    "DEFAULT_TEMPLATE",
    "check_keys",
    "check_template",
    "claim",
    "clean",
    "filled",
    "filled_path",
    "fixed_part",
    "late_keys",
    "place_of_run",
    "run_path",
]

logger = logging.getLogger(__name__)

_TOLD_KEPT = 1_000
_told_of: dict[tuple[str, str], object] = {}
"""Templates, and their keys that were found to hold a path, by whichever format came first."""

_LATE = {"config": "config[device][key]", "event": "event[field]"}
"""Roots of keys whose values come after the start document, and how such keys are written."""

_LACKING = {
    "config": "no descriptor of the run has",
    "event": "no event of the run has",
}

_KEY = re.compile(r"[^.\[\]!]+(\[[^\[\]]+\])*")
"""A start key, or an item inside one: ``sample[name]``. Never an attribute."""


def check_template(template: str, *, may_be_late: bool = False) -> None:
    """Raise a `ValueError` that says what is wrong with a file name template.

    Parameters
    ----------
    template
        The template.
    may_be_late
        Whether it may hold keys of `late_keys`.
    """
    check_keys(template, may_be_late=may_be_late)
    if not template.strip("/ "):
        raise ValueError("an empty template names no file")
    if not template.isprintable():
        raise ValueError("the template holds a character that cannot be printed")
    if Path(template).is_absolute() or ".." in Path(template).parts:
        raise ValueError("the template must stay inside the directory: no leading / and no ..")


def check_keys(template: str, *, may_be_late: bool = False) -> None:
    """Raise a `ValueError` unless what stands in braces are keys of a start document.

    Parameters
    ----------
    template
        The template.
    may_be_late
        Whether keys of `late_keys` are allowed, too.
    """
    try:
        keys = [key for _, key, _, _ in Formatter().parse(template) if key is not None]
    except ValueError as error:
        raise ValueError(f"not a template: {error}; see {DEFAULT_TEMPLATE}") from None
    for key in keys:
        if not _KEY.fullmatch(key):
            raise ValueError(
                f"{{{key}}} is not a key of the start document; see {DEFAULT_TEMPLATE}"
            )
        _check_late_key(key, may_be_late=may_be_late)
    check_fields(template)


def _check_late_key(key: str, *, may_be_late: bool) -> None:
    root, *inner = _steps(key)
    if root not in _LATE:
        return
    if not may_be_late:
        raise ValueError(f"{{{key}}}: only keys of the start document are known here")
    if len(inner) != len(_LATE[root].split("[")) - 1:
        raise ValueError(f"{{{key}}} names no value: write {{{_LATE[root]}}}")


@lru_cache(maxsize=100)
def late_keys(template: str) -> frozenset[tuple[str, ...]]:
    """Return those keys of a template that no start document has.

    ``("config", DEVICE, KEY)`` is in the first descriptor that tells of the device,
    ``("event", FIELD)`` in the first event that has the field.
    """
    keys = [_steps(key) for _, key, _, _ in Formatter().parse(template) if key]
    return frozenset(steps for steps in keys if steps[0] in _LATE)


def _steps(key: str) -> tuple[str, ...]:
    """Return the names that lead to a value: ``sample[name]`` has two."""
    return tuple(key.replace("]", "").split("["))


def run_path(
    directory: Path,
    template: str,
    start: Mapping[str, Any],
    *,
    fallback: str = DEFAULT_TEMPLATE,
) -> Path:
    """Return where a run's files go, without an ending.

    Parameters
    ----------
    directory
        The writer's directory; keys in braces are filled like the template's.
    template
        The file name template.
    start
        The run's start document, with what is known of `late_keys` under ``config`` and
        ``event``. Values are cleaned: they cannot name another folder.
    fallback
        The template that steps in where `template` has a key that `start` lacks.

    Returns
    -------
    Path
        Inside `directory`, whatever the document holds. A warning tells of a missing key.
    """
    folder = filled(str(directory), start, fallback=fixed_part(str(directory)))
    stem = filled(template, start, fallback=fallback)
    folders = [shortened(part, LONGEST_PART) for part in Path(folder).parts]
    return Path(*folders, *(shortened(part) for part in stem.split("/") if part))


def place_of_run(path: Path, rights: Rights, claims: Claims | None = None) -> Place:
    """Return where a run's files go, without an ending; their folder is made and held from now on.

    Parameters
    ----------
    path
        What `run_path` gave, absolute.
    rights
        Mode and group of what is made.
    claims
        Tells of the files that are made.

    Raises
    ------
    OSError
        The folder cannot be made.
    """
    return Place(Folder.made(path.parent, rights, claims), path.name)


def claim(place: Place, ending: str, *, is_told: bool = True) -> Place:
    """Create an empty file that was not there.

    Parameters
    ----------
    place
        Where, without ending.
    ending
        What follows, such as ``.csv`` or ``-primary.csv``.

    is_told
        Whether it is warned of when the name is taken.

    Returns
    -------
    Place
        The new file. When the name is taken, ``-2``, ``-3``... goes before the ending and a
        warning tells: nothing is overwritten.

    Raises
    ------
    OSError
        The folder cannot be written, or its path leads to another one by now.
    """
    stem = shortened(place.name, LONGEST_PART - len(f"-{10**6}{ending}".encode()))
    place.folder.found()  # a file that nobody finds is of no use
    for candidate in map(place.with_name, free_names(stem, ending)):
        if not candidate.exists():
            place.folder.claims.begin(candidate.path)
        try:
            candidate.create()
        except FileExistsError:
            continue
        if is_told and candidate.name != stem + ending:
            logger.warning(
                "%s is already there; writing %s",
                place.with_name(stem + ending),
                candidate.name,
            )
        place.folder.claims.end(candidate.path)
        return candidate
    raise AssertionError("unreachable: candidates do not end")


def filled(template: str, start: Mapping[str, Any], *, fallback: str) -> str:
    """Fill a template's keys with cleaned values; `fallback` steps in where a key is missing."""
    try:
        return _fill(template, start)
    except LookupError as error:
        (key,) = error.args
        logger.warning(
            "template %r: %s %r; using %r instead",
            template,
            _LACKING.get(_steps(key)[0], "the start document has no"),
            key,
            fallback,
        )
        uid = start.get("uid")
        return _fill(fallback, {**start, "uid": uid if isinstance(uid, str) and uid else "unknown"})


def filled_path(template: str, values: Mapping[str, Any]) -> str:
    """Fill the keys of a path that is only read: a value may hold folders.

    Raises
    ------
    LookupError
        A key has no value.
    """
    parts = []
    for literal, key, spec, _ in Formatter().parse(template):
        parts.append(literal)
        if key is not None:
            parts.append(_format(key, _look_up(key, values), spec or ""))
    return "".join(parts)


def _fill(template: str, start: Mapping[str, Any]) -> str:
    filled = []
    for literal, key, spec, _ in Formatter().parse(template):
        filled.append(literal)
        if key is not None:
            text = _format(key, _look_up(key, start), spec or "")
            filled.append(clean(text))
            if "/" in text:
                _tell_of_flattening(template, key, text)
    return "".join(filled)


def _tell_of_flattening(template: str, key: str, text: str) -> None:
    """Tell once a session that a value is a path and names one folder or file all the same."""
    mine = object()
    if len(_told_of) >= _TOLD_KEPT or _told_of.setdefault((template, key), mine) is not mine:
        return  # at once: the threads of several formats ask
    logger.warning(
        "%r: the metadata has %s = %r. A value never makes folders, nor leads elsewhere: it is "
        "called %r. Remedy: put the folders into DIRECTORY or FILE_NAME, each with a key of its "
        "own, such as {cycle}/{proposal}.",
        template,
        key,
        text[:LONGEST_NAME],
        clean(text),
    )


def _look_up(key: str, start: Mapping[str, Any]) -> Any:
    first, *inner = _steps(key)
    value = start.get(first)
    for name in inner:
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None and key == "scan_id":
        return 0
    if value is None and key != "time":
        raise LookupError(key)
    return value


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
