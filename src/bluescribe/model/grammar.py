"""What a document must have to be taken in: the grammar that every format relies on."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from ..errors import DocumentError

__all__ = ["check_event", "check_event_page", "check_name", "check_start"]

_NAMES = frozenset(
    {"start", "descriptor", "event", "event_page", "bulk_events", "stop"}
    | {"resource", "datum", "datum_page", "bulk_datum", "stream_resource", "stream_datum"}
)
"""Those of event_model, which is not imported for them: it brings a validator of JSON schemas."""
_LONGEST_NAME = 40
_TEXT = frozenset({str})


def check_name(name: str) -> None:
    """Raise a `DocumentError` unless this is the name of a document.

    A name picks what is done, and there are names that only a session may use among its own
    parts: what others sent or wrote is looked at first.
    """
    if name not in _NAMES:
        raise DocumentError(f"there is no document called {name[:_LONGEST_NAME]!r}")


def check_start(doc: Any) -> None:
    """Raise a `DocumentError` unless `doc` can begin a run."""
    if not isinstance(doc, Mapping) or not isinstance(doc.get("uid"), str) or not doc["uid"]:
        raise DocumentError(f"start document without a uid: {_brief(doc)}")


def check_event(doc: Any) -> None:
    """Raise a `DocumentError` unless `doc` has what every event has."""
    seq_num, data = doc.get("seq_num"), doc.get("data")
    fits = (
        (type(seq_num) is int or _is_integer(seq_num))
        and 0 <= seq_num < 2**63
        and _is_number(doc.get("time"))
        and _is_mapping(data)
        and _is_mapping(doc.get("timestamps"))
        and (_TEXT.issuperset(map(type, data)) or all(map(_is_text, data)))
    )
    if not fits:
        raise DocumentError(f"event without seq_num, time, data or timestamps: {_brief(doc)}")


def check_event_page(doc: Any) -> None:
    """Raise a `DocumentError` unless `doc` has what every event_page has."""
    sized = all(hasattr(doc.get(key), "__len__") for key in ("seq_num", "time"))
    mapped = all(isinstance(doc.get(key), Mapping) for key in ("data", "timestamps"))
    if not (sized and mapped and len(doc["seq_num"]) == len(doc["time"])):
        raise DocumentError(f"event_page without seq_num, time, data or timestamps: {_brief(doc)}")
    if not (_are_numbers(doc["seq_num"], "iu") and _are_numbers(doc["time"], "iuf")):
        raise DocumentError("event_page with a seq_num or time that is not a number")


def _are_numbers(values: Any, kinds: str) -> bool:
    """Tell whether all of a page's `values` are numbers of these kinds of dtype."""
    try:
        array = np.asarray(values)
    except ValueError:  # ragged lists
        return False
    return array.ndim == 1 and (array.dtype.kind in kinds or not array.size)


def _is_number(value: Any) -> bool:
    """Tell whether `value` is a real number; floats, as nearly all are, without asking an ABC."""
    return type(value) is float or (isinstance(value, Real) and not isinstance(value, bool))


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _brief(doc: Any) -> str:
    return f"it has {sorted(map(str, doc))}" if isinstance(doc, Mapping) else f"it is a {type(doc)}"


def _is_mapping(value: Any) -> bool:
    return type(value) is dict or isinstance(value, Mapping)
