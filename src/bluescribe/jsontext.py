"""Exact JSON text of any value that a document may hold.

orjson does the work. What it cannot say exactly goes the long way round: it would write null for
a non-finite number, refuse an integer beyond 64 bits, and shorten a float32 to digits that are
another number when read as a double.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Mapping, Set
from datetime import date, time
from enum import Enum
from typing import Any

import numpy as np
import orjson

from .errors import DocumentError

__all__ = ["dumps", "event_with_arrays", "plain", "strict"]

_AS_WE_DO = orjson.OPT_PASSTHROUGH_DATACLASS
"""Leaves to `_word` what the long way round would write in another manner."""

_EXACT = {float, int, str, bool, type(None), np.ndarray}


def event_with_arrays(doc: Mapping[str, Any]) -> bytes:
    """Return ``["event", doc]`` and the end of the line, as `dumps` says it but in half the time.

    orjson's own words for arrays, and its line end, save copies of text; for small values the
    look at their types costs more than it saves.

    Raises
    ------
    DocumentError
        As `dumps`.
    """
    if not _has_exact_arrays(doc):
        return dumps(["event", doc]) + b"\n"
    option = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    return _dumps(["event", doc], option, b"\n")


def dumps(value: Any) -> bytes:
    """Return `value` as one line of JSON in UTF-8, without its end.

    Non-finite numbers are written as Python's ``json`` writes and reads them: ``NaN``,
    ``Infinity``, ``-Infinity``.

    Raises
    ------
    DocumentError
        The value contains itself, or has more digits or levels than can be written.
    """
    return _dumps(value, _AS_WE_DO, b"")


def plain(value: Any) -> Any:
    """Return `value` in the types that JSON has: dict, list, str, int, float, bool, None.

    Arrays become lists; what JSON has no word for becomes text (times in ISO 8601, bytes in
    base64, anything else as Python prints it).

    Raises
    ------
    DocumentError
        The value contains itself.
    """
    return _plain(value, frozenset())


def strict(value: Any) -> Any:
    """Return metadata in the types of JSON, with words for the numbers that JSON does not have.

    What cannot be put in JSON at all is told in its place.
    """
    try:
        return _finite(plain(value))
    except (DocumentError, RecursionError) as error:
        return {"left_out": f"this cannot be put in JSON: {error}"}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(value)  # NaN, Infinity, -Infinity
    return value


def _dumps(value: Any, option: int, end: bytes) -> bytes:
    try:
        text = orjson.dumps(value, default=_numpy_or_plain, option=option)
    except (TypeError, RecursionError):  # orjson.JSONEncodeError is a TypeError
        return _slow(value) + end
    return _slow(value) + end if b"null" in text else text


def _has_exact_arrays(doc: Mapping[str, Any]) -> bool:
    """Tell whether an event has arrays, and orjson's own words for all of its values are exact.

    What is not finite orjson writes as null, which is seen in the text.
    """
    kinds = set(map(type, doc["data"].values()))
    if np.ndarray not in kinds or not kinds <= _EXACT:
        return False
    arrays = [value for value in doc["data"].values() if type(value) is np.ndarray]
    is_plain = {type(stamp) for stamp in doc["timestamps"].values()} <= _EXACT
    return is_plain and all(map(_is_exact, arrays))


def _is_exact(array: np.ndarray[Any, Any]) -> bool:
    kind, size = array.dtype.kind, array.dtype.itemsize
    is_known = kind in "biu" or (kind == "f" and size == 8)
    return bool(is_known and array.ndim and array.dtype.isnative and array.flags.c_contiguous)


def _slow(value: Any) -> bytes:
    try:
        return json.dumps(plain(value), separators=(",", ":")).encode()
    except RecursionError:
        raise DocumentError("values are nested too deeply to be written") from None
    except ValueError as error:  # Python prints no integer of more than 4300 digits
        raise DocumentError(str(error)) from None


def _numpy_or_plain(value: Any) -> Any:
    """Serialise what orjson does not know; it calls this for each such object."""
    if isinstance(value, np.ndarray):
        return orjson.Fragment(_array_text(value))
    if isinstance(value, np.generic):
        return value.item() if value.dtype.kind in "biuf" else plain(value)
    if isinstance(value, Mapping):
        return dict(value)
    return plain(value)


def _array_text(array: np.ndarray[Any, Any]) -> bytes:
    is_finite = array.dtype.kind != "f" or bool(np.isfinite(array).all())
    if is_finite and _is_exact(array):
        return orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY)
    return _slow(array)


def _plain(value: Any, above: frozenset[int]) -> Any:
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind in "mM":  # tolist says integers for some of them
            value = np.array([str(v) for v in value.ravel()], object).reshape(value.shape)
        items = value.tolist()
        return _plain(items if not isinstance(items, np.generic) else str(items), above)
    if isinstance(value, Enum):
        return _plain(value.value, above)
    if isinstance(value, Mapping | list | tuple | Set):
        if id(value) in above:
            raise DocumentError("a value contains itself and has no end to be written")
        inside = above | {id(value)}
        if isinstance(value, Mapping):
            return _plain_mapping(value, inside)
        return [_plain(item, inside) for item in value]
    return _word(value)


def _plain_mapping(mapping: Mapping[Any, Any], above: frozenset[int]) -> dict[str, Any]:
    """Return a mapping with text for keys; their type is told where two would be one."""
    texts = {key: str(key) for key in mapping}
    if len(set(texts.values())) < len(texts):
        others = [key for key in mapping if not isinstance(key, str)]
        texts |= {key: f"{key} ({type(key).__name__})" for key in others}
    return {texts[key]: _plain(item, above) for key, item in mapping.items()}


def _word(value: Any) -> Any:
    """Put into words a single value of a type that JSON does not have."""
    for builtin in (bool, int, float, str):
        if isinstance(value, builtin):  # or a subclass
            return builtin(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    try:
        return str(value)
    except Exception:  # the object's own fault
        return object.__repr__(value)
