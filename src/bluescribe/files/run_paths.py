"""Names and places of files: templates filled from the start document, safety, collisions."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

from . import Claims, Folder, Place, Rights
from .filling import NOWHERE, Roots, filled, fixed_part, path_filled
from .run_names import LONGEST_PART, clean, free_names, shortened
from .templates import COUNTER, DEFAULT_TEMPLATE, PATH, check_fields, default_in, steps_of

__all__ = [
    "DEFAULT_TEMPLATE",
    "Roots",
    "check_keys",
    "check_template",
    "claim",
    "clean",
    "counts",
    "filled",
    "fixed_part",
    "late_keys",
    "place_of_run",
    "run_path",
]

logger = logging.getLogger(__name__)

_LATE = {"config": "config[device][key]", "event": "event[field]"}
"""Roots of keys whose values come after the start document, and how such keys are written."""

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
        keys = [(key, spec) for _, key, spec, _ in Formatter().parse(template) if key is not None]
    except ValueError as error:
        raise ValueError(f"not a template: {error}; see {DEFAULT_TEMPLATE}") from None
    for key, spec in keys:
        name, _ = default_in(key)
        if not _KEY.fullmatch(name):
            raise ValueError(
                f"{{{key}}} is not a key of the start document; see {DEFAULT_TEMPLATE}"
            )
        if not may_be_late and (name == COUNTER or spec == PATH):
            raise ValueError(f"{{{key}:{spec}}} is for DIRECTORY and FILE_NAME only")
        _check_late_key(name, may_be_late=may_be_late)
    check_fields(template)


def _check_late_key(key: str, *, may_be_late: bool) -> None:
    root, *inner = steps_of(key)
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
    keys = [steps_of(key) for _, key, _, _ in Formatter().parse(template) if key]
    return frozenset(steps for steps in keys if steps[0] in _LATE)


def counts(template: str) -> bool:
    """Tell whether a template has the counter of runs, ``{#}``."""
    return any(key and steps_of(key)[0] == COUNTER for _, key, _, _ in Formatter().parse(template))


def run_path(
    directory: Path,
    template: str,
    start: Mapping[str, Any],
    *,
    fallback: str = DEFAULT_TEMPLATE,
    roots: Roots = NOWHERE,
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
    roots
        Below which a key may lead that is a path: ``{data_session_directory:path}``.

    Returns
    -------
    Path
        Inside `directory`, whatever the document holds, or below one of `roots`. A warning tells
        of a missing key.
    """
    return path_filled(directory, template, start, fallback, roots)


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
