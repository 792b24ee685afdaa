"""The scans in a SPEC file, ours or others', as its own lines tell of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...contract.held_run import HeldRun
from .marks import NO_ROWS, ROWS_OF, RUN
from .tail import ROW

__all__ = ["scans_in"]

_STATUS = b"#C exit_status = "


def scans_in(path: Path, format_name: str) -> Iterator[HeldRun]:
    """Yield the scans of a file, in their order."""
    scan: _Scan | None = None
    with path.open("rb") as lines:
        for line in lines:
            if line.startswith((b"#S ", b"#F ")):
                if scan is not None:
                    yield scan.told(path, format_name)
                scan = _Scan(_begun(line)) if line.startswith(b"#S ") else None
            elif scan is not None:
                scan.add(line)
    if scan is not None:
        yield scan.told(path, format_name)


class _Scan:
    """What the lines of one scan tell.

    Parameters
    ----------
    start
        What its first line does.
    """

    def __init__(self, start: dict[str, Any]) -> None:
        self._start = start
        self._stop: dict[str, Any] | None = None
        self._stream = "primary"
        self._rows = 0

    def add(self, line: bytes) -> None:
        """Take in one of its lines."""
        if ROW.match(line):
            self._rows += line.endswith(b"\n")
        elif RUN.is_in(line):
            self._start.setdefault("uid", RUN.value(line))
        elif ROWS_OF.is_in(line):
            self._stream = ROWS_OF.value(line)
        elif NO_ROWS.is_in(line):
            self._stream = ""
        elif line.startswith(_STATUS):
            self._stop = {"exit_status": _parsed(line[len(_STATUS) :].strip())}
        else:
            _note(self._start, line)

    def told(self, path: Path, format_name: str) -> HeldRun:
        """Return the scan."""
        events = {self._stream: self._rows} if self._stream else {}
        return HeldRun(path, format_name, self._start, self._stop, events)


def _begun(line: bytes) -> dict[str, Any]:
    """Return what the first line of a scan tells: its number, and the command."""
    words = line[3:].decode(errors="replace").strip()
    number, _, command = words.partition(" ")
    told = {"plan_name": command.strip()}
    return {**told, "scan_id": int(number)} if number.isdecimal() else told


def _note(start: dict[str, Any], line: bytes) -> None:
    """Note the metadata on a line; those of a foreign file are its date only."""
    if line.startswith(b"#MD "):
        key, sign, value = line[4:].partition(b" = ")
        if sign:
            start[key.decode(errors="replace").strip()] = _parsed(value.strip())
    elif line.startswith(b"#D ") and "time" not in start:
        words = line[3:].decode(errors="replace").split()
        try:
            start["time"] = time.mktime(time.strptime(" ".join(words), "%a %b %d %H:%M:%S %Y"))
        except (ValueError, OverflowError):  # of another locale, say
            return


def _parsed(value: bytes) -> Any:
    text = value.decode(errors="replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
