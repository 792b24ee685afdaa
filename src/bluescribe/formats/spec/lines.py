"""Control lines that no value can forge, break, or make too long for a reader."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Container, Iterator
from typing import Any

from ...errors import DocumentError
from ...files.json_text import dumps

__all__ = [
    "LONGEST",
    "comment",
    "label",
    "literal",
    "metadata",
    "one_line",
    "plain",
    "remark",
    "unique",
]

LONGEST = 4_980
"""Bytes of a control line: silx and PyMca copy each one into 5,000 bytes without a look at its
length, and the process that reads a longer one dies."""

_PART = 4_700
"""Bytes of a value in each of several lines; names and marks have the rest."""

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff#@]|(?<=Scan) (?=aborted|resumed)"
)
"""What begins a line for some reader, or stands for something at the beginning of one.

spec2nexus splits lines where ``str.splitlines`` does; silx counts spectra by ``@`` anywhere
between rows; xrayutilities looks for ``#C ... Scan aborted`` anywhere in a line, spec2nexus for
``Scan aborted after`` anywhere in a comment."""

_NOT_IN_LABELS = re.compile(r"[^ -~]|[\\#]")
_NEAREST = str.maketrans({"µ": "u", "μ": "u", "ß": "ss", "Ω": "Ohm", "°": "deg"})
_JSON_BEGINNINGS = ('"', "[", "{", "|")


def literal(value: Any) -> str:
    """Return any value as JSON that is safe inside a control line."""
    try:
        text = dumps(value).decode()
    except DocumentError as error:
        text = dumps(f"({error})").decode()
    return _UNSAFE.sub(_escaped, text)


def plain(text: str) -> str:
    """Return text as itself where nobody can take it for anything else, or else as JSON."""
    escapes = any(match[0] != "@" for match in _UNSAFE.finditer(text))
    is_bare = text == text.strip() and not text.startswith(_JSON_BEGINNINGS) and text[-1:] != "\\"
    return text if text and is_bare and not escapes and not _is_json(text) else literal(text)


def one_line(text: str) -> str:
    """Return text in which escapes stand for what no reader may see in a control line."""
    return _UNSAFE.sub(_escaped, text)


def comment(text: str) -> bytes:
    """Return ``#C text``, in numbered parts when it is too long for one line.

    Parameters
    ----------
    text
        Words of ours, with values as `literal` gives them.
    """
    line = f"#C {text}\n".encode()
    if len(line) <= LONGEST:
        return line
    return b"".join(f"#C {mark} |{part}|\n".encode() for mark, part in _parts(text))


def remark(when: str, text: str) -> bytes:
    """Return what somebody said as SPEC's ``com`` writes it, each of its lines in a comment.

    Parameters
    ----------
    when
        The date.
    text
        Any text; as JSON where a reader would take it for something else.
    """
    said = [line.strip() for line in text.splitlines()]
    safe = [literal(line) if "@" in line else plain(line) for line in said if line]
    return b"".join(comment(f"{when}.  {line}") for line in safe)


def metadata(key: str, text: str) -> bytes:
    """Return ``#MD key = text``, in numbered parts when it is too long for one line.

    Parameters
    ----------
    key
        One word.
    text
        The value as `plain` or `literal` gives it.
    """
    line = f"#MD {key} = {text}\n".encode()
    if len(line) <= LONGEST:
        return line
    return b"".join(f"#MD {key}{mark} = |{part}|\n".encode() for mark, part in _parts(text))


def label(name: str, *, longest: int = 100) -> str:
    """Return a name as it can stand in ``#L`` and ``#O``, where two blanks separate names.

    Single blanks stay; what is not ASCII is replaced by what is nearest. xrayutilities drops it,
    and silx' spech5 does not open a file that has it in a label.

    Parameters
    ----------
    name
        Of a field, a device or a plan.
    longest
        Characters; silx has room for 256.
    """
    letters = unicodedata.normalize("NFKD", " ".join(name.split()).translate(_NEAREST))
    ascii_only = "".join(c for c in letters if not unicodedata.combining(c))
    return " ".join(_NOT_IN_LABELS.sub("_", ascii_only).split())[:longest].strip() or "_"


def unique(name: str, taken: Container[str]) -> str:
    """Return `name`, or with ``_1``, ``_2``... where it is taken."""
    if name not in taken:
        return name
    number = 1
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """Yield parts with their marks.

    The bars around a part keep blanks at its ends, and a backslash from ending the line, which
    would join it with the next one.
    """
    data = text.encode()
    parts = []
    while data:
        end = min(_PART, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:  # not inside a character
            end -= 1
        parts.append(data[:end].decode())
        data = data[end:]
    yield from ((f"({i}/{len(parts)})", part) for i, part in enumerate(parts, 1))
