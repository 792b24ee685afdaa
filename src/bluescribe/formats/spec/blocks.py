"""The parts of a SPEC file, as they follow on each other: headers and scans."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ...files import Place
from .tail import ENDINGS, ROW

__all__ = ["Block", "blocks", "is_open_ended", "is_ours"]

_HEAD = 1 << 16
_CHUNK = 1 << 20
_MARK = b"\n#C bluescribe  User = "
_BEGINNING = re.compile(rb"^#[FS] ", re.MULTILINE)
_TAIL = 1 << 16
_STOPPED, _NEVER_STOPPED = ENDINGS


@dataclass(slots=True)
class Block:
    """A header, or a scan, and where it stands; an empty line before it belongs to it."""

    is_scan: bool
    start: int
    end: int = 0
    run: str = ""
    """The run's uid; empty for a scan that is not ours."""
    stream: str = "primary"
    """Whose events the rows are; empty if there are none."""
    rows: int = 0
    has_stop: bool = False
    is_ended: bool = False
    """Whether it tells how it ended, or that nothing tells."""
    has_half_line: bool = False

    def add(self, line: bytes) -> None:
        """Take in one of its lines."""
        if ROW.match(line):
            self.rows += line.endswith(b"\n")
        elif line.startswith(b"#C uid = "):
            self.run = self.run or _value(line.partition(b" = ")[2])
        elif line.startswith(b"#C the rows are the events of "):
            word = line.partition(b" events of ")[2].strip()
            self.stream = _value(word.removeprefix(b"stream ")) if word != b"no stream" else ""
        elif line.startswith(_STOPPED):
            self.has_stop = self.is_ended = True
        elif line.startswith(_NEVER_STOPPED):
            self.is_ended = True
        elif line.startswith(b"#C half a line that was here: "):
            self.has_half_line = True


def is_ours(path: Path, *, most: int | None = None) -> bool:
    """Tell whether bluescribe wrote to a SPEC file, to one that others began too.

    Parameters
    ----------
    path
        Any file.
    most
        Bytes at its end that are searched when its beginning is of others; None for all.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        is_spec = _BEGINNING.search(head) is not None
        if not is_spec or _MARK in head:
            return is_spec
        size = file.seek(0, os.SEEK_END)
        file.seek(max(_HEAD - len(_MARK), 0 if most is None else size - most))
        last = b""
        while chunk := file.read(_CHUNK):
            if _MARK in last + chunk:
                return True
            last = chunk[-len(_MARK) :]
    return False


def is_open_ended(path: Path) -> bool:
    """Tell whether the last scan of a file does not say how it ended, from the file's end."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        before, scan, last = file.read().rpartition(b"\n#S ")
    if not scan:
        last = before if size > _TAIL else b""  # in the midst of a long scan, or a header alone
    return bool(last) and not any(b"\n" + words in last for words in (_STOPPED, _NEVER_STOPPED))


def blocks(path: Path | Place) -> list[Block]:
    """Return the headers and scans of a file, in order."""
    found: list[Block] = []
    position, is_after_blank = 0, False
    with path.open("rb") as lines:
        for line in lines:
            if line.startswith((b"#F ", b"#S ")):
                start = position - is_after_blank
                if found:
                    found[-1].end = start
                found.append(Block(line.startswith(b"#S "), start))
            if found:
                found[-1].add(line)
            position += len(line)
            is_after_blank = line == b"\n"
    if found:
        found[-1].end = position
    return found


def _value(word: bytes) -> str:
    """Return text that stands as itself or as JSON."""
    text = word.decode("utf-8", "replace").strip()
    try:
        return str(json.loads(text)) if text.startswith('"') else text
    except ValueError:
        return text
