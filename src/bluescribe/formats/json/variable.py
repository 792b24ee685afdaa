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
from ...model.values import Array, as_array
from .spool import Spool, SpooledColumn

__all__ = ["Variable", "joined"]

_NO_NUMBER = (b"NaN", b"Infinity")
_KINDS = {"i": "number", "u": "number", "f": "number", "b": "boolean", "U": "text", "c": "text"}
_BOOLEANS = {bool, np.bool_}
_ENCODING = "JSON text of each value: the values have several types or shapes"
_SHORT = {float, int, bool, type(None)}
"""Types whose text has no comma: many of them are put in words at once."""

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
        self._kinds: set[str] = set()
        self._shapes: set[tuple[int, ...]] = set()
        self._has_gaps = False

    @property
    def rows(self) -> int:
        """Number of values, those included that are missing."""
        return self._values.rows

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that all values have; of one number, and of JSON text, ``()``."""
        return () if self.is_encoded else next(iter(self._shapes), ())

    @property
    def is_encoded(self) -> bool:
        """Whether the values are JSON text each, as no array holds all of them as they are."""
        kinds, shapes = self._kinds, self._shapes
        is_array = bool(shapes - {()})
        return (
            len(shapes) > 1 or len(kinds) > 1 or "other" in kinds or (is_array and self._has_gaps)
        )

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
        if self.is_encoded:
            return
        array = as_array(present) if len(present) else None
        if array is not None:
            self._kinds.add(_KINDS[array.dtype.kind])
            self._shapes.add(array.shape[1:])
            if isinstance(present, list) and _BOOLEANS & set(map(type, present)):
                self._kinds.add("boolean")  # beside numbers numpy makes numbers of them
            if array.dtype.kind == "c" and not all(map(_is_complex, present)):
                self._kinds.add("other")  # beside complex numbers numpy makes those of all
            return
        for value in present:
            kind, shape = _kind_and_shape(value)
            self._kinds.add(kind)
            self._shapes.add(shape)


def _texts(values: Sequence[Any] | Array) -> list[bytes]:
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


def _kind_and_shape(value: Any) -> tuple[str, tuple[int, ...]]:
    """Return the kind and the shape of a value that is not alike its neighbours."""
    if isinstance(value, bool):
        return "boolean", ()
    if isinstance(value, int | float):
        return "number", ()
    if isinstance(value, str):
        return "text", ()
    array = as_array([value])
    return ("other", ()) if array is None else (_KINDS[array.dtype.kind], array.shape[1:])


def _is_complex(value: Any) -> bool:
    """Tell whether a value is a complex number, or an array of nothing else."""
    return isinstance(value, complex) or getattr(value, "dtype", np.dtype(bool)).kind == "c"


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
