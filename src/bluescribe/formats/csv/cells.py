"""Measured values as cells of CSV (RFC 4180).

Numbers and truth values stand bare, text always in quotes, structures as JSON text in quotes, and
a missing value is nothing at all. So 5 and "5", or an empty text and a missing one, differ in the
file. Values become text at once: orjson writes the shortest digits that read back as the same
double, some ten times faster than `repr`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import orjson

from ...files.json_text import dumps, plain
from ...model.numbers import NUMPY_NUMBERS, is_plain_number
from ...model.ranks import Values
from ...model.values import Array
from .dialect import Dialect

__all__ = ["KINDS", "Cells", "Traits", "cells", "element_cells"]

Traits: TypeAlias = frozenset[str]
"""What was seen in a column: the kinds of its values, and what its readers should be told."""

KINDS = frozenset({"integer", "number", "boolean", "string", "object", "array"})
"""The kinds of values, by their names in Table Schema. The other traits are ``empty``,
``formula``, ``escaped`` and ``null``."""

_KIND_OF: dict[type, str] = {float: "number", int: "integer", bool: "boolean", str: "string"}
_NUMBERS = (frozenset({float}), frozenset({int}), frozenset({int, float}))
_TRUTH = (b"False", b"True")
_NOTHING: Traits = frozenset()


class Cells(NamedTuple):
    """A column, or one array, as text."""

    texts: list[bytes]
    traits: Traits


def cells(values: Values, types: frozenset[type] = frozenset()) -> Cells:
    """Return a cell for each value; it is empty for None.

    Parameters
    ----------
    values
        One value a row.
    types
        The types of the values, when somebody has gone through them already.
    """
    if isinstance(values, np.ndarray):
        bare, traits = _of_array(values)
        return Cells(bare.split(b","), traits) if bare else _of_values(_items(values))
    types = types or frozenset(map(type, values))
    if types in _NUMBERS:
        return Cells(_numbers(values).split(b","), _kinds(types))
    if len(types) == 1 and next(iter(types)) in NUMPY_NUMBERS:
        return cells(np.array(values))
    return _of_values(values)


def element_cells(values: Values, dialect: Dialect) -> tuple[bytes, Traits]:
    """Return the elements of one array, separated by delimiters.

    An element that is None is ``null``: empty cells only fill up rows that are shorter than others.
    """
    if isinstance(values, np.ndarray):
        bare, traits = _of_array(values)
        return (dialect.numbers(bare), traits) if bare else element_cells(_items(values), dialect)
    types = frozenset(map(type, values))
    if types in _NUMBERS:
        return dialect.numbers(_numbers(values)), _kinds(types)
    texts, traits = cells(values)
    if b"" in texts:
        texts, traits = [text or b"null" for text in texts], traits | {"null"}
    return dialect.between.join(dialect.cells(texts)), traits


def _items(array: Array) -> list[Any]:
    """Return the elements of an array; numpy makes None of a time that is not known."""
    items: list[Any] = plain(array) if array.dtype.kind in "mM" else array.tolist()
    return items


def _kinds(types: frozenset[type]) -> Traits:
    return frozenset(_KIND_OF[kind] for kind in types)


def _numbers(values: Values) -> bytes:
    """Return integers and floats, separated by commas."""
    try:
        text = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    except TypeError:  # an integer beyond 64 bits
        return b",".join(map(_number, values))
    if b"null" in text:  # orjson's word for any number that is not finite
        items = values.tolist() if isinstance(values, np.ndarray) else values
        if math.inf in items or -math.inf in items:
            return b",".join(map(_number, items))
        return text.replace(b"null", b"NaN")
    return text


def _number(value: float) -> bytes:
    """Return a number as `_numbers` would have it among others."""
    if type(value) is float and math.isfinite(value):
        return orjson.dumps(value)
    return b"NaN" if value != value else repr(value).encode()  # noqa: PLR0124  true of NaN only


def _of_array(array: Array) -> tuple[bytes, Traits]:
    """Return the numbers of a one-dimensional array; nothing where it has none or others."""
    if not array.size or not is_plain_number(array.dtype):
        return b"", _NOTHING
    kind = array.dtype.kind
    if kind == "b":
        return b",".join([_TRUTH[value] for value in array.tolist()]), frozenset({"boolean"})
    if kind == "f":  # half and single precision too: every one of them is also a double
        return _numbers(np.ascontiguousarray(array, np.float64)), frozenset({"number"})
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    return _numbers(native), frozenset({"integer"})


def _of_values(values: Values) -> Cells:
    """Return the cells of a column that holds more than numbers, one by one."""
    texts: list[bytes] = []
    traits: set[str] = set()
    for value in values:
        text, seen = _cell(value)
        texts.append(text)
        traits |= seen
    return Cells(texts, frozenset(traits))


def _cell(value: Any) -> tuple[bytes, Traits]:
    if value is None:
        return b"", _NOTHING
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is bool:
        return _TRUTH[value], _BOOLEAN
    if kind is float or kind is int:
        return _number(value), _INTEGER if kind is int else _NUMBER
    return _structure(value)


_BOOLEAN = frozenset({"boolean"})
_INTEGER = frozenset({"integer"})
_NUMBER = frozenset({"number"})
_STRING = frozenset({"string"})


def _text(value: str) -> tuple[bytes, Traits]:
    traits = _STRING
    if not value:
        traits |= {"empty"}
    elif value[0] in "=+-@" and not _is_number(value):
        traits |= {"formula"}
    quoted = '"' + value.replace('"', '""') + '"'
    try:
        return quoted.encode(), traits
    except UnicodeEncodeError:
        return quoted.encode(errors="backslashreplace"), traits | {"escaped"}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _structure(value: Any) -> tuple[bytes, Traits]:
    """Return a list, a mapping, or what JSON has no word for, as the journal has it."""
    if isinstance(value, Mapping):
        return _text(dumps(value).decode())[0], frozenset({"object"})
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        return _text(dumps(value).decode())[0], frozenset({"array"})
    simple = plain(value)
    return _structure(simple) if isinstance(simple, Mapping | list) else _cell(simple)
