"""Reads NaN and infinities back from a journal that has them as texts (``STRICT: true``).

A text becomes a number where its field is declared to hold numbers. In metadata it stays a text.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from typing import Any

__all__ = ["NumbersPutBack"]

_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_MARKS = b'"NaN"', b'Infinity"'
_TEXT = "US"
"""Kinds of numpy's types that are text."""


class NumbersPutBack:
    """Returns the documents of one journal, line after line, with numbers instead of texts."""

    def __init__(self) -> None:
        self._numeric: dict[Any, Container[str]] = {}
        """The fields that hold numbers, by descriptor."""

    def __call__(self, name: str, doc: Mapping[str, Any], line: bytes) -> Mapping[str, Any]:
        """Return the document of a line."""
        if name == "descriptor":
            self._numeric[str(doc.get("uid"))] = _numeric(doc.get("data_keys"))
        if not any(mark in line for mark in _MARKS):
            return doc
        if name in ("event", "event_page"):
            return _read(doc, self._numeric.get(str(doc.get("descriptor")), ()))
        if name == "descriptor" and isinstance(doc.get("configuration"), Mapping):
            devices = doc["configuration"].items()
            return {**doc, "configuration": {key: _configured(value) for key, value in devices}}
        return doc


def _configured(entry: Any) -> Any:
    return _read(entry, _numeric(entry.get("data_keys"))) if isinstance(entry, Mapping) else entry


def _read(doc: Mapping[str, Any], numeric: Container[str]) -> Mapping[str, Any]:
    """Return readings, and timestamps, with numbers instead of texts."""
    read = dict(doc)
    if "time" in doc:
        read["time"] = _number(doc["time"])
    for part in ("data", "timestamps"):
        if isinstance(values := doc.get(part), Mapping):
            are_times = part == "timestamps"
            read[part] = {
                key: _number(value) if are_times or key in numeric else value
                for key, value in values.items()
            }
    return read


def _numeric(data_keys: Any) -> Container[str]:
    keys = data_keys.items() if isinstance(data_keys, Mapping) else ()
    return {name for name, key in keys if isinstance(key, Mapping) and _holds_numbers(key)}


def _holds_numbers(key: Mapping[str, Any]) -> bool:
    kind = str(key.get("dtype_numpy", "")).lstrip("<>|=")[:1]
    return key.get("dtype") in ("number", "integer", "array") and kind not in (*_TEXT,)


def _number(value: Any) -> Any:
    """Return the number of a text; a list that has other texts too stays as it is."""
    return _put_back(value) if _are_words(value) else value


def _are_words(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_are_words, value))
    return not isinstance(value, str) or value in _NUMBERS


def _put_back(value: Any) -> Any:
    if isinstance(value, list):
        return [_put_back(item) for item in value]
    return _NUMBERS[value] if isinstance(value, str) else value
