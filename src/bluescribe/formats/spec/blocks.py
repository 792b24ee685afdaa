"""The parts of a SPEC file, as they follow on each other: headers and scans."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ...files import Place
from .marks import ENDINGS, HALF_LINE, HEADER, NO_ROWS, ROWS_OF, RUN, STOPPED
from .tail import ROW

__all__ = ["Block", "blocks", "is_open_ended", "is_ours"]

_HEAD = 1 << 16
_CHUNK = 1 << 20
_MARK = b"\n" + HEADER.begin
_BEGINNING = re.compile(rb"^#[FS] ", re.MULTILINE)
_TAIL = 1 << 16


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
        elif RUN.is_in(line):
            self.run = self.run or RUN.value(line)
        elif ROWS_OF.is_in(line):
            self.stream = ROWS_OF.value(line)
        elif NO_ROWS.is_in(line):
            self.stream = ""
        elif any(mark.is_in(line) for mark in ENDINGS):
            self.is_ended, self.has_stop = True, self.has_stop or STOPPED.is_in(line)
        elif HALF_LINE.is_in(line):
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
    return bool(last) and not any(b"\n" + mark.begin in last for mark in ENDINGS)


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
