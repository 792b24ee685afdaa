"""Times as documents have them: seconds since 1970, or whatever somebody put there."""

from __future__ import annotations

import logging
import math
from array import array
from collections.abc import Mapping
from datetime import datetime
from numbers import Number
from typing import Any

import numpy as np

from ..errors import shown
from ..log_once import LogOnce

__all__ = ["dated", "local_time", "page_with_seconds", "seconds_of", "with_seconds"]

logger = logging.getLogger(__name__)

_told = LogOnce()
"""Descriptors of events whose times were told of."""


def seconds_of(value: Any) -> float:
    """Return a time in epoch seconds; NaN for what is no number."""
    if type(value) is float:
        return value
    try:
        is_real = not (isinstance(value, bool) or np.iscomplexobj(value))
        if is_real and isinstance(value, Number | np.ndarray):
            return float(value)  # type: ignore[arg-type]  # of those that have none it is refused
    except (TypeError, ValueError, OverflowError):
        pass
    return math.nan


def dated(doc: Any) -> Any:
    """Return a document whose time is a float, if it is a number of another kind: a decimal, say.

    As a value it would become a text, and as a time it is known what is meant.
    """
    if type(doc) is not dict or math.isnan(seconds := seconds_of(doc.get("time"))):
        return doc
    return {**doc, "time": seconds}


def local_time(epoch: float) -> datetime | None:
    """Return a time with the offset of the local zone; None where no calendar has such a day.

    Of numbers that are milliseconds or nanoseconds, too: those years have five digits or more.
    """
    try:
        return datetime.fromtimestamp(epoch).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def with_seconds(doc: Mapping[str, Any], stream: str) -> Mapping[str, Any]:
    """Return an event whose time is a float: NaN, told once a stream, for what is no number."""
    moment = doc.get("time")
    if type(moment) is float or "time" not in doc:
        return doc
    _tell_of_times(doc.get("seq_num"), moment, stream, doc)
    return {**doc, "time": seconds_of(moment)}


def page_with_seconds(doc: Mapping[str, Any], stream: str) -> Mapping[str, Any]:
    """Return an event_page whose times are floats, as `with_seconds` does."""
    times = doc.get("time")
    if type(times) is array:
        return doc if times.typecode == "d" else {**doc, "time": [*map(float, times)]}
    if not isinstance(times, list | tuple) or {float}.issuperset(map(type, times)):
        return doc
    for number, moment in enumerate(times):
        _tell_of_times(f"{number + 1} of a page", moment, stream, doc)
    return {**doc, "time": [*map(seconds_of, times)]}


def _tell_of_times(number: Any, moment: Any, stream: str, doc: Mapping[str, Any]) -> None:
    is_number = isinstance(moment, float | np.floating) or not math.isnan(seconds_of(moment))
    if not is_number and _told.is_new(doc.get("descriptor")):
        logger.warning(
            "event %s of stream %r: its time is %s, which is no number of seconds; files have NaN "
            "for such times, and everything else",
            number,
            stream,
            shown(moment),
        )
