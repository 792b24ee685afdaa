"""Measured values as the digits of a row: exact, and readable by every reader."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from ...model.numbers import Number, number_of, rows_of_numbers
from ...model.values import Array

__all__ = ["BEYOND", "digits", "is_finite", "number", "pointed", "spectra"]

BEYOND = 10**38
"""silx has room for 39 characters of a motor's position."""

_NON_FINITE = {math.inf: "+inf", -math.inf: "-inf"}


def number(value: Any, codes: Mapping[str, int] | None = None) -> Number | None:
    """Return a value as a number that a row has room for, or None where it is none."""
    return number_of(value, codes, BEYOND)


def is_finite(value: Any) -> bool:
    """Tell whether a value is a number that is neither infinite nor nan; enum strings are."""
    plain = number(value)
    return isinstance(value, str) or (plain is not None and math.isfinite(plain))


def digits(value: Number | None) -> str:
    """Return the shortest digits that read back as the same number.

    The sign of ``+nan`` is what makes silx count it as a value at the end of a row and in a
    spectrum; others read it as nan.
    """
    if value is None or math.isnan(value):
        return "+nan"
    if isinstance(value, float) and math.isfinite(value):
        return orjson.dumps(value).decode()  # as among others, where repr has 1e-08
    return _NON_FINITE.get(value) or repr(value)


def spectra(values: Sequence[Any] | Array) -> list[bytes | None]:
    """Return the channels of each row's spectrum, None where the value is none.

    None also stands for a spectrum without a single finite channel: spec2nexus would fail on it.
    """
    rows = rows_of_numbers(values)
    if isinstance(rows, np.ndarray):
        return _channels(rows)
    return [None if row is None else _channels(row.reshape(1, -1))[0] for row in rows]


def _channels(stack: Array) -> list[bytes | None]:
    """Return rows of numbers as text."""
    if stack.dtype.kind == "b":
        stack = stack.astype(np.int8)
    elif stack.dtype.kind == "f":
        return [_floats(row) for row in stack.astype(np.float64)]
    native = np.ascontiguousarray(stack, stack.dtype.newbyteorder("="))
    text = orjson.dumps(native, option=orjson.OPT_SERIALIZE_NUMPY)
    return list(text[2:-2].replace(b",", b" ").split(b"] ["))


def _floats(row: Array) -> bytes | None:
    """Return floats as text with a decimal point: spec2nexus reads integers where it sees none."""
    if np.isfinite(row).all():
        packed = orjson.dumps(np.ascontiguousarray(row), option=orjson.OPT_SERIALIZE_NUMPY)
        text = packed[1:-1].replace(b",", b" ")
    else:
        text = " ".join(map(digits, row.tolist())).encode()
    return text if b"." in text or not text else pointed(text)


def pointed(text: bytes) -> bytes | None:
    """Put a decimal point behind the first digits, or return None where there are none."""
    return re.sub(rb"\d+", rb"\g<0>.0", text, count=1) if re.search(rb"\d", text) else None
