"""Comments as apstools keeps them: lines with a date, by the kind of document they belong to."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import datetime

__all__ = ["KEYS", "SPEC_TIME_FORMAT", "dated", "none", "said_at"]

SPEC_TIME_FORMAT = "%a %b %d %H:%M:%S %Y"
KEYS = ("start", "descriptor", "event", "resource", "datum", "stop")

_LINE = re.compile(r"(\w+ \w+ +\d+ \d+:\d+:\d+ \d{4})\.  (.*)", re.DOTALL)


def none() -> dict[str, list[str]]:
    """Return no comments of any kind."""
    return {key: [] for key in KEYS}


def dated(text: str, seconds: float) -> str:
    """Return the line of a comment, without ``#C``."""
    return f"{datetime.fromtimestamp(seconds):{SPEC_TIME_FORMAT}}.  {text}"  # noqa: DTZ006


def said_at(line: str) -> tuple[float, str]:
    """Return when a line was said, in epoch seconds, and what it says."""
    if (found := _LINE.fullmatch(line)) is not None:
        with suppress(ValueError):
            return datetime.strptime(found[1], SPEC_TIME_FORMAT).timestamp(), found[2]  # noqa: DTZ007
    return time.time(), line
