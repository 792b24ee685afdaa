"""Times as documents have them: seconds since 1970, or whatever somebody put there."""

from __future__ import annotations

import math
from datetime import datetime
from numbers import Number
from typing import Any

import numpy as np

__all__ = ["local_time", "seconds_of"]


def seconds_of(value: Any) -> float:
    """Return a time in epoch seconds; NaN for what is no number."""
    if type(value) is float:
        return value
    try:
        if isinstance(value, Number | np.ndarray) and not isinstance(value, bool | complex):
            return float(value)  # type: ignore[arg-type]  # of those that have none it is refused
    except (TypeError, ValueError, OverflowError):
        pass
    return math.nan


def local_time(epoch: float) -> datetime | None:
    """Return a time with the offset of the local zone; None where no calendar has such a day.

    Of numbers that are milliseconds or nanoseconds, too: those years have five digits or more.
    """
    try:
        return datetime.fromtimestamp(epoch).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
