"""How a SPEC file ends: in a whole line, in one whose line end is missing, or in half a line.

Many programs leave the line end of the last line away, and that line is whole: a row, a spectrum,
a comment, whatever the grammar of its scan allows. It gets its line end and nothing else. Only what
the grammar rules out is half a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...files import Place
from .marks import ENDINGS, HEADER, RUN

__all__ = ["ROW", "Tail", "tail"]

ROW = re.compile(rb"[-+]?[\d.ni]")
"""How a row begins: a number, nan or inf."""

_NUMBER = rb"[-+]?(?:\d[\d.]*|\.\d+|nan|inf)(?:[eE][-+]?\d+)?"
_NUMBERS = re.compile(rb"(?:%b[ \t]+)*(?:%b|[-+\d.eEnaif]*)\s*" % (_NUMBER, _NUMBER))
"""What a row is made of; the last number may be cut."""

_OPENING = 3
"""Lines that begin each scan of ours, up to the one that shows whose it is."""


@dataclass(frozen=True, slots=True)
class Tail:
    """What is at the end of a file."""

    start: int
    """Where the last line begins that has no line end; the end of the file if all have one."""
    text: bytes
    """That line."""
    is_torn: bool
    """Whether it is half a line."""
    missing_spectra: int
    """How many spectra the last point of a scan of ours lacks."""


def tail(place: Place) -> Tail:
    """Judge the last line of a file by the scan that it stands in.

    Parameters
    ----------
    place
        A SPEC file.
    """
    scan = _LastScan()
    position, text = 0, b""
    with place.open() as lines:
        for line in lines:
            if line.endswith(b"\n"):
                position += len(line)
                scan.add(line)
            else:
                text = line
    return Tail(position, text, scan.is_cut_by(text), scan.missing_spectra)


class _LastScan:
    """The grammar of the scan, or header, that came last; whole lines are added to it."""

    def __init__(self) -> None:
        self._has_our_header = False
        self._begin()

    def _begin(self) -> None:
        self._lines = self._rows = self._declared = self._spectra = 0
        self._is_scan = self._has_our_uid = self._is_ended = self._goes_on = False
        self._columns: int | None = None
        self._is_even = True
        """Whether each row has as many numbers as #N says."""

    def add(self, line: bytes) -> None:
        """Take in a whole line."""
        was_going_on, self._goes_on = self._goes_on, line.rstrip(b"\r\n").endswith(b"\\")
        self._lines += 1
        if line.startswith((b"#", b"@")):
            self._add_control_line(line)
        elif not was_going_on and ROW.match(line):
            self._rows, self._spectra = self._rows + 1, 0
            self._is_even = self._is_even and len(line.split()) == self._columns

    def _add_control_line(self, line: bytes) -> None:
        if line.startswith(b"#S "):
            self._begin()
            self._is_scan, self._lines = True, 1
        elif line.startswith(b"#F "):
            self._begin()
            self._has_our_header = False
        elif line.startswith(b"#C "):
            self._add_comment(line)
        elif line.startswith(b"#N "):
            words = line.split()
            self._columns = int(words[1]) if len(words) > 1 and words[1].isdigit() else None
        elif line.startswith(b"#@DET_"):
            self._declared += 1
        elif line.startswith(b"@A"):
            self._spectra += 1

    def _add_comment(self, line: bytes) -> None:
        """Learn from a comment whose the scan is, and whether it is over."""
        if HEADER.is_in(line) and not self._is_scan:
            self._has_our_header = True
        elif RUN.is_in(line):
            self._has_our_uid = True
        elif any(mark.is_in(line) for mark in ENDINGS):
            self._is_ended = True

    @property
    def _is_ours(self) -> bool:
        """Whether bluescribe was writing it: each line with its line end, in one block."""
        is_opening = not self._is_scan or self._lines < _OPENING
        is_ours = self._has_our_header and (is_opening or self._has_our_uid)
        return is_ours and not self._is_ended

    @property
    def missing_spectra(self) -> int:
        """How many spectra the last row lacks: silx opens no file of ours that lacks one."""
        return max(self._declared - self._spectra, 0) if self._rows and self._is_ours else 0

    def is_cut_by(self, line: bytes) -> bool:
        """Tell whether a line that has no line end is half a line; when in doubt, it is not."""
        if not line.strip(b"\0"):  # nothing, or what a machine that stopped leaves
            return False
        if self._is_ours:
            return True
        row = line.rstrip(b"\0")
        is_row = not self._goes_on and ROW.match(row) and _NUMBERS.fullmatch(row)
        has_rule = self._rows > 0 and self._is_even
        return bool(is_row and has_rule and len(row.split()) != self._columns)
