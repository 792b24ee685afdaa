"""Reads the log for a lane that is behind, a part at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from .entries import NOTE, Entry
from .log import Cursor
from .problems import BrokenSpoolError
from .window import Item

__all__ = ["log_unreadable", "read_part"]

logger = logging.getLogger(__name__)

_MOST_ENTRIES = 1_000
_MOST_BYTES = 64 << 20


def read_part(
    entries: Iterator[tuple[Entry, Cursor]], start: Cursor, end: Cursor, *, key: str, name: str
) -> tuple[list[Item], Cursor]:
    """Return the entries of one lane, not too many at a time, and the place where they end.

    Parameters
    ----------
    entries
        The entries between two places of the log, each with the place behind its record.
    start, end
        These places.
    key, name
        Name of the lane in the log, and in messages.
    """
    items: list[Item] = []
    cursor = start
    try:
        for (what, doc, whose), after in entries:
            if after != cursor and (len(items) >= _MOST_ENTRIES or _is_much(start, cursor)):
                return items, cursor
            cursor = after
            if whose in ("", key) and not what.startswith(NOTE):
                items.append((what, doc, 0, None))
    except (OSError, BrokenSpoolError) as error:
        log_unreadable(name, error)
    return items, end


def log_unreadable(name: str, error: Exception) -> None:
    """Log that a part of the log cannot be read, and is not in the files of a format."""
    logger.error(
        "%s: what came while it was behind cannot be read in the spool, and is not in its "
        "files. Remedy: export these runs again from where all of them is.",
        name,
        exc_info=error,  # it is at hand
    )


def _is_much(start: Cursor, end: Cursor) -> bool:
    return start.segment != end.segment or end.offset - start.offset > _MOST_BYTES
