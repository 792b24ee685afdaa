"""Arrays of integers that come from a journal, in the type in which another file has them.

JSON has one kind of integer. Where the descriptor does not tell the type of an array, as many do
not, a camera's 16 bits would come back as 64, which programs for images refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..model.numbers import is_integer
from ..model.run import Document
from ..model.values import as_array, as_dtype
from .recovery import Source

__all__ = ["ArrayTypes", "in_types"]

ArrayTypes = Mapping[tuple[str | None, str], np.dtype[Any]]
"""Types of arrays by stream and field; None stands for any stream."""


def in_types(source: Source, types: ArrayTypes) -> Source:
    """Return a run whose arrays have types, where these hold the values exactly."""
    return Source(source.run, lambda: _read(source, types)) if types else source


def _read(source: Source, types: ArrayTypes) -> Iterator[tuple[str, Document]]:
    of_streams: dict[str, dict[str, np.dtype[Any]]] = {}
    for name, doc in source.read():
        if name == "descriptor":
            stream = str(doc.get("name", "primary"))
            of_streams[str(doc.get("uid"))] = {
                f: t for (s, f), t in types.items() if s in (stream, None)
            }
        fields = of_streams.get(str(doc.get("descriptor")), {})
        if name in ("event", "event_page") and fields and isinstance(doc.get("data"), Mapping):
            told = {field: _typed(value, fields.get(field)) for field, value in doc["data"].items()}
            yield name, {**doc, "data": told}
        else:
            yield name, doc


def _typed(value: Any, dtype: np.dtype[Any] | None) -> Any:
    """Return lists of integers as an array of a type, or as they are if it does not hold them."""
    if dtype is None or not isinstance(value, list):
        return value
    rows = as_array([value])
    if rows is None or not is_integer(rows.dtype):
        return value
    typed = as_dtype(rows[0], dtype)
    return value if typed is None else typed
