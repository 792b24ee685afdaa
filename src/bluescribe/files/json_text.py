"""Exact JSON text of any value that a document may hold.

orjson does the work. What it cannot say exactly goes the long way round: it would write null for
a non-finite number, refuse an integer beyond 64 bits, and shorten a float32 to digits that are
another number when read as a double.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from collections.abc import Mapping, Set
from datetime import date, time
from enum import Enum
from functools import partial
from typing import Any

import numpy as np
import orjson

from ..errors import DocumentError

__all__ = ["ascii_dumps", "dumps", "event_with_arrays", "plain", "strict"]

_AS_WE_DO = orjson.OPT_PASSTHROUGH_DATACLASS
"""Leaves to `_word` what the long way round would write in another manner."""

_ARRAYS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_EXACT_SCALARS = {float, int, str, bool, type(None)}
_EXACT = {*_EXACT_SCALARS, np.ndarray}
_EVENT_KEYS = {"uid", "descriptor", "time", "seq_num", "data", "timestamps", "filled"}


def event_with_arrays(doc: Mapping[str, Any], *, is_strict: bool = False) -> bytes:
    """Return ``["event", doc]`` and the end of the line, as `dumps` says it but in half the time.

    orjson's own words for arrays, and its line end, save copies of text; for small values the
    look at their types costs more than it saves.

    Raises
    ------
    DocumentError
        As `dumps`.
    """
    try:
        if _has_exact_arrays(doc):
            return orjson.dumps(["event", doc], option=_ARRAYS)
    except (TypeError, AttributeError, KeyError):  # damaged, or with an integer of many digits
        pass
    return dumps(["event", doc], is_strict=is_strict) + b"\n"


def dumps(value: Any, *, is_strict: bool = False) -> bytes:
    """Return `value` as one line of JSON in UTF-8, without its end.

    Non-finite numbers are written as Python's ``json`` writes and reads them: ``NaN``,
    ``Infinity``, ``-Infinity``.

    Parameters
    ----------
    value
        What is to be written.
    is_strict
        Whether those stand in quotes, as strict readers want it.

    Raises
    ------
    DocumentError
        The value contains itself, or has more digits or levels than can be written.
    """
    try:
        default = _numpy_or_words if is_strict else _numpy_or_plain
        text = orjson.dumps(value, default=default, option=_AS_WE_DO)
    except (TypeError, RecursionError):  # orjson.JSONEncodeError is a TypeError
        return _slow(value, is_strict=is_strict)
    return _slow(value, is_strict=is_strict) if b"null" in text else text


def ascii_dumps(value: Any) -> str:
    """Return the text of `dumps` in ASCII, as some readers take no other: the same JSON.

    Raises
    ------
    DocumentError
        As `dumps`.
    """
    text = dumps(value).decode()  # what is not ASCII can only be inside of its strings
    return (
        text if text.isascii() else _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)
    )


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


def _has_exact_arrays(doc: Mapping[str, Any]) -> bool:
    """Return whether an event has arrays, and orjson's own words for all that it has are exact."""
    data, stamps = doc["data"], doc["timestamps"]
    kinds = set(map(type, data.values()))
    if np.ndarray not in kinds or not kinds <= _EXACT or not doc.keys() <= _EVENT_KEYS:
        return False
    named = [doc[key] for key in ("uid", "descriptor", "time", "seq_num")]
    scalars = [*named, *stamps.values(), *doc.get("filled", {}).values()]
    are_exact = all(type(value) in _EXACT_SCALARS and _is_exact(value) for value in scalars)
    return are_exact and all(map(_is_exact, data.values()))


def _is_exact(value: Any) -> bool:
    """Return whether orjson's words for a value are exact; they are not for what is not finite."""
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is not np.ndarray:
        return True
    kind, size = value.dtype.kind, value.dtype.itemsize
    if not (value.ndim and value.dtype.isnative and value.flags.c_contiguous):
        return False
    return kind in "biu" or (kind == "f" and size == 8 and bool(np.isfinite(value).all()))


def _slow(value: Any, *, is_strict: bool) -> bytes:
    try:
        simple = _finite(plain(value)) if is_strict else plain(value)
        return json.dumps(simple, separators=(",", ":")).encode()
    except RecursionError:
        raise DocumentError("values are nested too deeply to be written") from None
    except ValueError as error:  # Python prints no integer of more than 4300 digits
        raise DocumentError(str(error)) from None


def _numpy_or_plain(value: Any, *, is_strict: bool = False) -> Any:
    """Serialise what orjson does not know; it calls this for each such object."""
    if isinstance(value, np.ndarray):
        return orjson.Fragment(_array_text(value, is_strict=is_strict))
    if isinstance(value, np.generic):
        return value.item() if value.dtype.kind in "biuf" else plain(value)
    if isinstance(value, Mapping):
        return dict(value)
    return plain(value)


_numpy_or_words = partial(_numpy_or_plain, is_strict=True)


def _array_text(array: np.ndarray[Any, Any], *, is_strict: bool) -> bytes:
    is_finite = array.dtype.kind != "f" or bool(np.isfinite(array).all())
    if is_finite and _is_exact(array):
        return orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY)
    return _slow(array, is_strict=is_strict)


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
