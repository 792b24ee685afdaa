"""Measured values as the digits of a row: exact, and readable by every reader."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from ...model.values import Array, as_array

__all__ = ["digits", "is_finite", "number", "numbers", "pointed", "spectra", "spectrum"]

Number = int | float

_LARGEST = 10**38
"""silx has room for 39 characters of a motor's position."""

_NON_FINITE = {math.inf: "+inf", -math.inf: "-inf"}


def number(value: Any, codes: Mapping[str, int] | None = None) -> Number | None:
    """Return a value as a plain int or float, or None where it is no number.

    Parameters
    ----------
    value
        A number, truth value or enum string, of Python or numpy.
    codes
        Index of each enum string.
    """
    if isinstance(value, np.generic | np.ndarray):
        is_scalar = value.ndim == 0 and _fits(value.dtype)
        return number(value.item()) if is_scalar else _from_text(value, codes)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value) if -_LARGEST < value < _LARGEST else None
    return _from_text(value, codes)


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


def numbers(values: Sequence[Any] | Array, codes: Mapping[str, int]) -> list[Number | None]:
    """Return a column as plain ints and floats, None where a value is no number."""
    if isinstance(values, np.ndarray):
        values = values.tolist() if values.ndim == 1 and _fits(values.dtype) else list(values)
    types = set(map(type, values))
    if types == {float} or (types == {int} and -_LARGEST < min(values) <= max(values) < _LARGEST):
        return list(values)
    if types == {bool} or (len(types) == 1 and _is_numeric(*types)):
        return [+value for value in np.array(values).tolist()]
    return [number(value, codes) for value in values]


def spectrum(value: Any) -> Array | None:
    """Return one row's array, or None where it is no row of numbers."""
    stack = as_array([value]) if isinstance(value, list | tuple | np.ndarray) else None
    return stack[0] if stack is not None and stack.ndim == 2 and _fits(stack.dtype) else None


def spectra(values: Sequence[Any] | Array) -> list[bytes | None]:
    """Return the channels of each row's spectrum, None where the value is none.

    None also stands for a spectrum without a single finite channel: spec2nexus would fail on it.
    """
    if isinstance(values, np.ndarray) or _are_alike(values):
        stack = as_array(values)
        if stack is not None and stack.ndim == 2 and _fits(stack.dtype):
            return _channels(stack)
    arrays = [spectrum(value) for value in values]
    return [None if a is None else _channels(a.reshape(1, -1))[0] for a in arrays]


def _are_alike(values: Sequence[Any]) -> bool:
    """Tell whether rows are arrays of one type: among floats integers would become such."""
    types = {value.dtype if isinstance(value, np.ndarray) else None for value in values}
    return len(types) == 1 and None not in types


def _from_text(value: Any, codes: Mapping[str, int] | None) -> int | None:
    return codes.get(value) if codes and isinstance(value, str) else None


def _is_numeric(kind: type) -> bool:
    """Tell whether a type is of numpy and holds numbers that Python has."""
    return issubclass(kind, np.generic) and _fits(np.dtype(kind))


def _fits(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "biuf" and dtype.itemsize <= 8


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
