"""Files with a document a line.

A line is ``["event", {...}]``, or ``{"name": "event", "doc": {...}}`` as bluesky's JSONLinesWriter
writes it. bluesky's JSONWriter puts such lines into a JSON array: brackets are lines of their own,
and commas end the others. Both go on in one file for all runs that they receive.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from ..files.nonfinite import NumbersPutBack
from ..model.run import Document
from .base import SourceError

__all__ = ["first_start", "is_json_of_documents", "one_run", "read_journal", "starts_in"]

logger = logging.getLogger(__name__)

_BRACKETS = (b"[", b"]", b"],")
_HEAD = 30
"""Bytes of a line in which the name of its document is."""
_TAIL = 65_536
"""Bytes at the end of a file in which its last line is looked for."""
_PARENTS = ("run_start", "descriptor", "stream_resource", "resource")
"""What names the run, or the document that does, in the order in which it is believed."""


def read_journal(path: Path, byte: int = 0, line: int = 1) -> Iterator[tuple[str, Document]]:
    """Read the documents of a journal.

    A last line that is there in part, as a crash leaves it, is left out with a warning.

    Parameters
    ----------
    path
        The journal.
    byte, line
        Where to begin, and the number of the line that begins there.

    Raises
    ------
    SourceError
        Another line is no document; it names file and line.
    """
    put_back = NumbersPutBack()
    with path.open("rb") as lines:
        lines.seek(byte)
        for number, text in enumerate(lines, line):
            document = _parse(text)
            if document is not None:
                name, doc = document
                yield name, put_back(name, doc, text)
            elif text.strip() in _BRACKETS:
                continue
            elif text.endswith(b"\n"):
                raise SourceError(f"{path}, line {number}: not a document: {text[:60]!r}")
            else:
                logger.warning(
                    "%s: the last line is there in part only, as a crash leaves it; "
                    "the %d documents before it are used",
                    path,
                    number - line,
                )


def first_start(path: Path) -> Document | None:
    """Return the start document with which a journal begins; None if it is no journal."""
    with path.open("rb") as lines:
        text = lines.readline()
        document = _parse(lines.readline() if text.strip() in _BRACKETS else text)
    return document[1] if document is not None and document[0] == "start" else None


def starts_in(path: Path, first: Document) -> Iterator[tuple[int, int, Document]]:
    """Yield the start documents of a journal, with the byte and the number of their lines.

    A journal that ends with the stop of the run that it began with is not read for others: folders
    of journals can be large, and nearly all hold one run each.
    """
    last = _last(path)
    if last is not None and last[0] == "stop" and last[1].get("run_start") == first.get("uid"):
        yield 0, 1, first
        return
    byte = 0
    with path.open("rb") as lines:
        for number, text in enumerate(lines, 1):
            document = _parse(text) if b'"start"' in text[:_HEAD] else None
            if document is not None and document[0] == "start":
                yield byte, number, document[1]
            byte += len(text)


def one_run(documents: Iterator[tuple[str, Document]]) -> Iterator[tuple[str, Document]]:
    """Give the documents of the run whose start is the first one, until its stop."""
    name, start = next(documents)
    yield name, start
    known = {start.get("uid")}
    for name, doc in documents:
        parent = next((doc[key] for key in _PARENTS if key in doc), None)
        if name == "start" or (parent is not None and parent not in known):
            continue
        if name in ("descriptor", "resource", "stream_resource"):
            known.add(doc.get("uid"))
        yield name, doc
        if name == "stop":
            return


def is_json_of_documents(path: Path) -> bool:
    """Tell whether a .json file is one of bluesky's JSONWriter; there are many others."""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD).startswith(b'[\n{"name": "start"')
    except OSError:
        return False


def _last(path: Path) -> tuple[str, Document] | None:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        lines = [text for text in file.read().splitlines() if text.strip() not in _BRACKETS]
    return _parse(lines[-1]) if lines else None


def _parse(line: bytes) -> tuple[str, Document] | None:
    # The standard json, not orjson: it reads NaN, and integers of more than 64 bits as they are.
    try:
        found = json.loads(line.rstrip().rstrip(b","))
        name, doc = (found["name"], found["doc"]) if isinstance(found, dict) else found
    except (ValueError, KeyError, TypeError):  # also what is no pair, and no UTF-8
        return None
    return (name, doc) if isinstance(name, str) and isinstance(doc, dict) else None
