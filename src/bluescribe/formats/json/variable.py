"""One variable of an xarray Dataset in its dictionary form: a field's values and their attributes.

JSON has neither NaN nor infinities. They are ``null`` among the values, and the attribute
``not_finite`` says which is where; a ``null`` that it does not name is a value that is missing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
import orjson

from ...files.json_text import dumps, plain, strict
from ...model.column_type import ColumnType
from ...model.values import Array, as_array, hides_truth
from .spool import Spool, SpooledColumn

__all__ = ["Variable", "joined"]

_NO_NUMBER = (b"NaN", b"Infinity")
_ENCODING = "JSON text of each value: the values have several types or shapes"
_SHORT = {float, int, bool, type(None)}
"""Types whose text has no comma: many of them are put in words at once."""
_AS_PYTHON = {np.dtype(float), np.dtype(bool), *map(np.dtype, "bhilqBHILQ")}
"""Types of arrays whose values Python's own numbers are: not those of fewer digits."""

Rows = tuple[bytes, bytes, int]
"""Lines of values, lines that name those that are not finite, and the number of the latter."""


class Variable:
    """The values of one field, one a row.

    Parameters
    ----------
    spool
        Where they wait until the run has ended.
    """

    def __init__(self, spool: Spool) -> None:
        self._values = SpooledColumn(spool)
        self._not_finite = SpooledColumn(spool)
        self._type: ColumnType | None = None
        """Of the values that there are."""
        self._is_mixed = False
        """Whether they have no type together."""
        self._has_gaps = False

    @property
    def rows(self) -> int:
        """Number of values, those included that are missing."""
        return self._values.rows

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that all values have; of one number, and of JSON text, ``()``."""
        return () if self.is_encoded or self._type is None else self._type.shape

    @property
    def is_encoded(self) -> bool:
        """Whether the values are JSON text each, as no array holds all of them as they are."""
        is_array = self._type is not None and bool(self._type.shape)
        return self._is_mixed or (is_array and self._has_gaps)

    def text_of(self, values: Sequence[Any] | Array, first: int) -> Rows:
        """Return values as lines of strict JSON; nothing is added yet.

        Parameters
        ----------
        values
            One a row.
        first
            The number of the first row.
        """
        texts = _texts(values)
        if not any(word in text for text in texts for word in _NO_NUMBER):
            return b"".join(text + b"\n" for text in texts), b"", 0
        named: list[list[Any]] = []
        lines = []
        for row, (text, value) in enumerate(zip(texts, values, strict=True), first):
            is_finite = not any(word in text for word in _NO_NUMBER)
            line = text if is_finite else _dumps(_without(plain(value), [row], named))
            lines.append(line + b"\n")
        return b"".join(lines), b"".join(dumps(name) + b"\n" for name in named), len(named)

    def put(self, rows: Rows, values: Sequence[Any] | Array) -> None:
        """Add rows that `text_of` returned for `values`."""
        lines, names, named = rows
        self._values.put(lines, len(values))
        self._not_finite.put(names, named)
        self._look_at(values)

    def pad(self, rows: int) -> None:
        """Add rows without a value."""
        if rows > 0:
            self._values.put(b"null\n" * rows, rows)
            self._has_gaps = True

    def text(
        self, file: BinaryIO, dims: Iterable[str], attrs: Mapping[str, Any]
    ) -> Iterator[bytes]:
        """Yield the variable as JSON.

        Parameters
        ----------
        file
            The spool, open for reading.
        dims, attrs
            Of the variable.
        """
        attrs = {**attrs, "encoding": _ENCODING} if self.is_encoded else attrs
        yield b'{"dims":' + dumps(list(dims)) + b',"attrs":'
        yield _dumps(strict(attrs)).removesuffix(b"}")
        if self._not_finite.rows:
            yield b',"not_finite":[' if attrs else b'"not_finite":['
            yield from joined(self._not_finite.chunks(file))
            yield b"]"
        yield b'},"data":['
        chunks = self._values.chunks(file)
        yield from joined(map(_as_texts, chunks) if self.is_encoded else chunks)
        yield b"]}"

    def _look_at(self, values: Sequence[Any] | Array) -> None:
        present = values if isinstance(values, np.ndarray) else [v for v in values if v is not None]
        self._has_gaps |= len(present) < len(values)
        if self.is_encoded or not len(present):
            return
        array = as_array(present)
        if array is None or array.dtype.kind == "c" or hides_truth(present, array):
            types = {_type_of(value) for value in present}
        else:
            types = {ColumnType.of_rows(array)}
        for each in types:
            self._take(each)

    def _take(self, other: ColumnType | None) -> None:
        """Have values of one more type among those that there are."""
        if other is None or self._type is None:
            self._type, self._is_mixed = other, other is None or self._is_mixed
        elif other != self._type:
            joined = self._type.joined(other)
            is_one = joined is not None and not joined.is_ragged
            self._is_mixed |= not is_one or self._type.is_told_apart(other)
            self._type = joined


def _texts(values: Sequence[Any] | Array) -> list[bytes]:
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype in _AS_PYTHON:
        values = values.tolist()
    if set(map(type, values)) <= _SHORT and len(values):
        with suppress(TypeError):  # an integer beyond 64 bits
            text = orjson.dumps(list(values))
            if b"null" not in text:  # of what is not finite, dumps has other words
                return text[1:-1].split(b",")
    return [dumps(value) for value in values]


def joined(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines with commas between them."""
    separator = b""
    for chunk in chunks:
        yield separator + chunk.rstrip(b"\n").replace(b"\n", b",")
        separator = b","


def _as_texts(lines: bytes) -> bytes:
    return b"".join(dumps(line.decode()) + b"\n" for line in lines.splitlines())


def _type_of(value: Any) -> ColumnType | None:
    """Return the type of a value; complex numbers are text in JSON."""
    found = ColumnType.of(value)
    if found is None or found.kind != "complex":
        return found
    is_plain = isinstance(value, complex | np.generic | np.ndarray)
    return ColumnType(np.dtype(str), found.shape) if is_plain else None


def _without(value: Any, place: list[int], named: list[list[Any]]) -> Any:
    """Return a plain value with None for what is not finite, and name that with its place."""
    if isinstance(value, list):
        return [_without(item, [*place, number], named) for number, item in enumerate(value)]
    if isinstance(value, dict):
        return strict(value)
    if isinstance(value, float) and not math.isfinite(value):
        named.append([*place, json.dumps(value)])
        return None
    return value


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits, a lone surrogate
        return dumps(value)
