"""What a lane that is behind reads in the log, a part at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from .log import Cursor
from .problems import BrokenSpoolError
from .segment import NOTE, Entry
from .window import Item

__all__ = ["log_unreadable", "read_part"]

logger = logging.getLogger(__name__)

_MOST_ENTRIES = 1_000
_MOST_BYTES = 64 << 20


def read_part(
    entries: Iterator[tuple[Entry, Cursor]], start: Cursor, end: Cursor, *, key: str, name: str
) -> tuple[list[Item], Cursor]:
    """Return what of some entries is a lane's, and where they end.

    Parameters
    ----------
    entries
        What stands between two places of the log, each with the place behind its record.
    start, end
        These places.
    key, name
        What the lane is called in the log, and in messages.
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
    """Tell that a part of the log is not in the files of a format."""
    logger.error(
        "%s: what came while it was behind cannot be read in the spool, and is not in its "
        "files. Remedy: export these runs again from where all of them is.",
        name,
        exc_info=error,  # it is at hand
    )


def _is_much(start: Cursor, end: Cursor) -> bool:
    return start.segment != end.segment or end.offset - start.offset > _MOST_BYTES
