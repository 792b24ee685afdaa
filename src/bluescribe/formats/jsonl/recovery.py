"""Journals after a crash: all lines but the last one are whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ...contract.held_run import HeldRun
from ...contract.recovery import Found, Keep, Recovery, RecoveryError, Source, changing
from ...files.nonfinite import NumbersPutBack
from ...model.run import Document

__all__ = ["JournalRecovery"]

_CHUNK = 1 << 16
_START, _STOP = b'["start",', b'["stop",'


class JournalRecovery(Recovery):
    """Reads journals; cuts the half line at an end."""

    is_journal: ClassVar[bool] = True
    has_parts: ClassVar[bool] = True

    def examine(self, path: Path) -> list[Found]:
        """Return the run of a journal; its events are not counted here."""
        if not self.has_ending(path):
            return []
        with path.open("rb") as file:
            first = _parsed(file.readline())
            last, rest = _end(file)
        if first is None or first[0] != "start":
            is_begun = not last and _START.startswith(rest[: len(_START)])
            return [Found(path, self._stem(path), problem=_NOTHING)] if is_begun else []
        torn = "its last line is torn" if rest and _parsed(rest) is None else ""
        open_ended = "its last line has no end" if rest and not torn else ""
        has_stop = last.startswith(_STOP) or (not torn and rest.startswith(_STOP))
        uid = str(first[1].get("uid", ""))
        return [Found(path, self._stem(path), uid, has_stop=has_stop, problem=torn or open_ended)]

    def runs_in(self, path: Path, head: bytes) -> Iterator[HeldRun]:
        """Yield the run of a journal, from its first line and its last."""
        if not head.startswith(_START):
            return
        with path.open("rb") as file:
            first = _parsed(file.readline())
            last, _ = _end(file)
        stop = _parsed(last) if last.startswith(_STOP) else None
        if first is not None:
            yield HeldRun(path, self.name, first[1], None if stop is None else stop[1])

    def seems_cut_short(self, path: Path) -> bool:
        """Tell whether the last line is no stop document."""
        if not self.has_ending(path):
            return False
        with path.open("rb") as file:
            last, rest = _end(file)
        return bool(rest) or not last.startswith(_STOP)

    def documents(self, path: Path) -> Iterator[tuple[str, Document]]:
        """Yield what is on its whole lines; a line that is damaged is left out."""
        put_back = NumbersPutBack()
        with path.open("rb") as file:
            for line in file:
                if (document := _parsed(line)) is not None:
                    name, doc = document
                    yield name, put_back(name, doc, line)

    def mend(self, path: Path, keep: Keep) -> str:
        """Cut a half line, or finish a whole one."""
        with path.open("rb") as file:
            _, rest = _end(file)
            size = file.seek(0, os.SEEK_END)
        if not size or (len(rest) == size and _parsed(rest) is None):
            raise RecoveryError("nothing was written to it before the crash")
        with changing(path, keep) as part, part.open("r+b") as file:
            if _parsed(rest) is None:
                file.truncate(size - len(rest))
            else:
                file.seek(0, os.SEEK_END)
                file.write(b"\n")
        return f"cut {len(rest)} bytes of half a line" if _parsed(rest) is None else "ended a line"

    def rebuild(self, path: Path, sources: Sequence[Source], keep: Keep) -> str:
        """Do as `mend`: nothing knows more than a journal."""
        return self.mend(path, keep)

    def _stem(self, path: Path) -> str:
        return path.name.removesuffix(self.ending)


_NOTHING = "it is empty: nothing was written before the crash"


def _parsed(line: bytes) -> tuple[str, Document] | None:
    """Return the document on a line, None when that is not whole."""
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_document = isinstance(found, list) and len(found) == 2 and isinstance(found[1], dict)
    return (str(found[0]), found[1]) if is_document else None


def _end(file: Any) -> tuple[bytes, bytes]:
    """Return the last line that has an end, and what follows it."""
    size = begin = file.seek(0, os.SEEK_END)
    tail = b""
    while begin > 0:
        begin = max(0, begin - max(_CHUNK, size - begin))
        file.seek(begin)
        tail = file.read(size - begin)
        lines = tail.rsplit(b"\n", 2)
        if len(lines) == 3:
            return lines[1], lines[2]
    *before, rest = tail.rsplit(b"\n", 1)
    return (before[0] if before else b""), rest
