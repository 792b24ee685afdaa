"""Tells of values that could not be written, once for each field of a run."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from ..log_once import LogOnce
from ..model.run import Document, Run
from ..model.writable import Unwritable

__all__ = ["Replaced"]

logger = logging.getLogger(__name__)

_MOST_TOLD = 20
"""Fields of a stream, or of a kind of document, that are told one by one."""

_told = LogOnce()
"""Fields of runs that were told of: one word is enough for all formats."""

_PARTS = {"data": "the value", "timestamps": "the timestamp"}


class Replaced:
    """What was replaced in one run, in one format.

    Parameters
    ----------
    run
        The run.
    format_name
        The format, where it is the one that cannot write a value.
    """

    def __init__(self, run: Run, format_name: str = "") -> None:
        self._run = run
        self._format = format_name
        self._told: dict[str, set[tuple[str, ...]]] = {}
        """Fields that were told of, by stream or kind of document."""

    def tell(self, name: str, doc: Document, found: Iterable[Unwritable], stream: str = "") -> None:
        """Tell of values that were replaced in a document.

        Parameters
        ----------
        name, doc
            The document.
        found
            What was replaced in it.
        stream
            The stream of an event or a page of them.
        """
        for each in found:
            is_of_event = name.startswith("event") and each.path[:1] and each.path[0] in _PARTS
            told = self._told.setdefault(f"event {stream}" if is_of_event else name, set())
            if each.path[:2] not in told:
                told.add(each.path[:2])
                what = _in_event(doc, each, stream) if is_of_event else _in_document(name, each)
                key = self._run.uid, self._format, stream, name, each.path[:2]
                if len(told) <= _MOST_TOLD and _told.is_new(key):
                    self._tell(what, each, is_last=len(told) == _MOST_TOLD)

    def _tell(self, what: str, unwritable: Unwritable, *, is_last: bool) -> None:
        logger.warning(
            "%s%s: %s cannot be written: %s. The text %s stands in its place, and everything "
            "else is written. %s",
            f"{self._format}: " if self._format else "",
            self._run.label,
            what,
            unwritable.cause,
            unwritable.text,
            "More such fields of this run are not told one by one."
            if is_last
            else "It is told once for this field and run.",
        )


def _in_event(doc: Document, unwritable: Unwritable, stream: str) -> str:
    part, field, *inside = unwritable.path if len(unwritable.path) > 1 else (*unwritable.path, "")
    number: Any = doc.get("seq_num")
    if isinstance(number, list):  # of a page
        row = int(inside[0]) if inside else 0
        number = number[row] if row < len(number) else number
    return f"{_PARTS[part]} of {field!r} in event {number} of stream {stream!r}"


def _in_document(name: str, unwritable: Unwritable) -> str:
    return f"{'/'.join(unwritable.path)!r} in the {name} document"
