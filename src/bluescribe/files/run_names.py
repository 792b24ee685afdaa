"""Names of files of runs: made here, and recognised here by all that look for such files.

A run's file is ``STEM.ENDING``, where the stem is the template filled for the run; while that is
taken, ``STEM-2.ENDING``, ``STEM-3.ENDING``. A session's file of SPEC has `SESSION_TEMPLATE`. Beside
a file may stand, named after it:

* ``NAME.damaged``, ``NAME.damaged-2``: its backup, from before a recovery;
* ``NAME.recovering``: the same, while the recovery goes on;
* ``.NAME.0123456789abcdef.part``: its replacement, half written;
* ``NAME.owed``: the note of a post-run job that is still to be done to it;
* ``STEM-S00042-1f5a9c3-open.ENDING``: a scan that waits until its session's file is free.
"""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from string import Formatter

from .templates import DEFAULT_TEMPLATE

__all__ = [
    "LONGEST_NAME",
    "LONGEST_PART",
    "OWED",
    "SESSION_TEMPLATE",
    "begins_by",
    "clean",
    "free_names",
    "is_at_work",
    "is_beside_a_file",
    "is_by_default",
    "is_note_of",
    "is_owed",
    "is_part_of",
    "is_surely_by",
    "kept_names",
    "name_at_work",
    "name_before_work",
    "name_of_part",
    "of_noted",
    "open_stem",
    "session_of_open",
    "shortened",
]

SESSION_TEMPLATE = "{time:%Y%m%d-%H%M%S}"
"""Template for a file that takes the runs of a session, filled from the first run."""

OWED = ".owed"
_DAMAGED, _AT_WORK, _PART, _OPEN = ".damaged", ".recovering", ".part", "-open"

LONGEST_PART = 255
"""Bytes that file systems allow for one part of a path."""
LONGEST_NAME = 180
"""Bytes of one part of a path, to which formats add stream and ending."""
_LONGEST_OF_PART = 200
"""Bytes of a file's name that the name of its part has."""
_LONGEST_MARK = 40
"""Bytes for a number and the ending behind the stem of an open scan."""
_UID_DIGITS = 7
_NUMBER = r"(-\d+)?"
"""What `_numbered` puts behind a name that is taken, as a pattern."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029/\\:*?"<>|#;\[\]]')
"""Separators, control characters, line ends, what Windows shares refuse, and what readers take for
the end of a name or for a pattern: silx and frictionless do not open ``Fe #3.hdf``."""

_BESIDE = re.compile(
    "|".join(
        [
            rf"{re.escape(_DAMAGED)}{_NUMBER}$",
            *(f"{re.escape(ending)}$" for ending in (_AT_WORK, _PART, OWED)),
            r"^\.",
        ]
    )
)
_OPEN_STEM = re.compile(rf"(?P<session>.+)-S-?\d+-.{{1,{_UID_DIGITS}}}{_OPEN}{_NUMBER}", re.DOTALL)

_CODES = {
    **dict.fromkeys("mdHMSyI", r"\d\d"),
    "Y": r"\d{1,4}",  # the year 999 has three digits
    "j": r"\d{3}",
    "f": r"\d{6}",
    "%": "%",
}
"""Patterns of the strftime codes that give digits."""
_ANY = r".+"


def clean(text: str) -> str:
    """Return `text` as one part of a path: no separator, control character or leading dot."""
    encodable = text.encode("utf-8", "replace").decode()  # lone surrogates become question marks
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", encodable)).strip()
    undotted = name.lstrip(". ")
    return shortened("_" * (undotted != name) + undotted) or "_"


def shortened(name: str, most: int = LONGEST_NAME) -> str:
    """Return a name, or as many of its characters as fit into so many bytes."""
    data = os.fsencode(name)
    return name if len(data) <= most else data[:most].decode(errors="ignore")


def free_names(stem: str, ending: str) -> Iterator[str]:
    """Yield the names that a file may get: its own first, then numbered ones."""
    yield stem + ending
    for number in count(2):
        yield _numbered(stem, number) + ending


def _numbered(name: str, number: int) -> str:
    """Return the name with a number, for when it is taken; `_NUMBER` recognises it."""
    return f"{name}-{number}"


def begins_by(template: str, name: str) -> bool:
    """Return whether a file's name begins like one that a template makes: it may be a run's.

    Parameters
    ----------
    template
        As `FILE_NAME` has it; its folders are ignored.
    name
        A name without folders. Number, stream and ending may follow.
    """
    return _pattern(template).match(name) is not None


def is_surely_by(template: str, name: str) -> bool:
    """Return whether a name is surely a writer's: the template has the time or the uid in it."""
    keys = [key for _, key, _, _ in Formatter().parse(template.rpartition("/")[2])]
    return bool({"time", "uid"}.intersection(keys)) and begins_by(template, name)


def is_by_default(name: str) -> bool:
    """Return whether a file's name begins like one by the default templates."""
    return begins_by(DEFAULT_TEMPLATE, name) or begins_by(SESSION_TEMPLATE, name)


@lru_cache(maxsize=100)
def _pattern(template: str) -> re.Pattern[str]:
    """Return a pattern of the names by a template: times are digits, other values anything."""
    parts: list[str] = []
    for literal, key, spec, _ in Formatter().parse(template.rpartition("/")[2]):
        parts.append(re.escape(literal))
        if key is not None:
            parts.append(_times(spec or "") if key == "time" else _ANY)
    return re.compile("".join(parts), re.DOTALL)


def _times(spec: str) -> str:
    """Return a pattern of times that are formatted with strftime codes."""
    parts, rest = [], spec
    while rest:
        literal, sign, rest = rest.partition("%")
        parts.append(re.escape(_UNSAFE.sub("_", literal)))
        if sign:
            parts.append(_CODES.get(rest[:1], _ANY))
            rest = rest[1:]
    return "".join(parts) or _ANY


def kept_names(name: str) -> Iterator[str]:
    """Yield the names that a backup may get."""
    yield name + _DAMAGED
    for number in count(2):
        yield _numbered(name + _DAMAGED, number)


def name_at_work(name: str) -> str:
    """Return the name of a file's backup while the file is being recovered."""
    return name + _AT_WORK


def is_at_work(name: str) -> bool:
    """Return whether a name is that of such a backup."""
    return name.endswith(_AT_WORK)


def name_before_work(name: str) -> str:
    """Return the file's own name from that of such a backup."""
    return name.removesuffix(_AT_WORK)


def name_of_part(name: str) -> str:
    """Return a name for the replacement of a file, which nobody can foresee."""
    return f".{_head(name)}.{secrets.token_hex(8)}{_PART}"


def is_part_of(name: str, part: str) -> bool:
    """Return whether a name is that of a replacement of a file."""
    return re.fullmatch(rf"\.{re.escape(_head(name))}\.[0-9a-f]{{16}}{_PART}", part) is not None


def _head(name: str) -> str:
    return os.fsencode(name)[: _LONGEST_OF_PART - 1].decode(errors="ignore")


def is_owed(name: str) -> bool:
    """Return whether a name is that of a note of a post-run job."""
    return name.endswith(OWED)


def is_note_of(name: str, note: str) -> bool:
    """Return whether a name is that of a note of this file's post-run job."""
    return re.fullmatch(rf"{re.escape(name)}{_NUMBER}{re.escape(OWED)}", note) is not None


def of_noted(note: str) -> str:
    """Return the name of a note's file."""
    return note.removesuffix(OWED)


def is_beside_a_file(name: str) -> bool:
    """Return whether a name is not a run's file, but one of those that may stand beside it."""
    return _BESIDE.search(name) is not None


def open_stem(session: str, number: int, uid: str) -> str:
    """Return the stem of a scan's own file, while its session's file is not free.

    Parameters
    ----------
    session
        Stem of the session's file.
    number
        The scan.
    uid
        The run.
    """
    mark = f"-S{number:05d}-{clean(uid[:_UID_DIGITS])[:_UID_DIGITS]}{_OPEN}"
    return shortened(session, LONGEST_PART - _LONGEST_MARK - len(os.fsencode(mark))) + mark


def session_of_open(stem: str) -> str | None:
    """Return the stem of the session's file that a scan waits for; None for every other file."""
    found = _OPEN_STEM.fullmatch(stem)
    return None if found is None else found["session"]
