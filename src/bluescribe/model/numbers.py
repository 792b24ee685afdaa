"""Which values are numbers: of what kind, and which Python's int and float hold exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from .values import Array, as_array

__all__ = [
    "NUMPY_NUMBERS",
    "Number",
    "has_nan",
    "is_integer",
    "is_number",
    "is_one_number",
    "is_plain_number",
    "is_real",
    "is_real_or_truth",
    "number_of",
    "numbers_of",
    "row_of_numbers",
    "rows_of_numbers",
]

Number: TypeAlias = int | float

NUMPY_NUMBERS = frozenset(np.dtype(code).type for code in "?bBhHiIlLqQefd")
"""Types of numpy of which `is_plain_number` is true."""


def is_number(dtype: np.dtype[Any]) -> bool:
    """Tell whether arrays of a type hold numbers: truth values and complex ones are some, too."""
    return dtype.kind in "biufc"


def is_real_or_truth(dtype: np.dtype[Any]) -> bool:
    """Tell whether arrays of a type hold real numbers or truth values, as images do."""
    return dtype.kind in "biuf"


def is_real(dtype: np.dtype[Any]) -> bool:
    """Tell whether arrays of a type hold real numbers, of which plots are made."""
    return dtype.kind in "iuf"


def is_integer(dtype: np.dtype[Any]) -> bool:
    """Tell whether arrays of a type hold integers."""
    return dtype.kind in "iu"


def has_nan(dtype: np.dtype[Any]) -> bool:
    """Tell whether a type has a number that is none."""
    return dtype.kind in "fc"


def is_plain_number(dtype: np.dtype[Any]) -> bool:
    """Tell whether Python's bool, int and float hold all numbers of a type exactly."""
    return is_real_or_truth(dtype) and dtype.itemsize <= 8


def is_one_number(value: Any) -> bool:
    """Tell whether a value is one real number, of Python or numpy, and no truth value."""
    is_real_number = isinstance(value, int | float | np.integer | np.floating)
    return is_real_number and not isinstance(value, bool)


def number_of(
    value: Any, codes: Mapping[str, int] | None = None, beyond: int | None = None
) -> Number | None:
    """Return a value as a plain int or float, or None where it is no number.

    Parameters
    ----------
    value
        A number, truth value or enum string, of Python or numpy.
    codes
        Number of each enum string, as `Field.codes` has it.
    beyond
        Integers from there on, of either sign, have no place where the number goes.
    """
    if isinstance(value, np.generic | np.ndarray):
        if value.ndim == 0 and is_plain_number(value.dtype):
            return number_of(value.item())
        return _from_text(value, codes)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value) if beyond is None or -beyond < value < beyond else None
    return _from_text(value, codes)


def numbers_of(
    values: Sequence[Any] | Array, codes: Mapping[str, int], beyond: int
) -> list[Number | None]:
    """Return a column as plain ints and floats, None where `number_of` has none."""
    if isinstance(values, np.ndarray):
        is_plain = values.ndim == 1 and is_plain_number(values.dtype)
        values = values.tolist() if is_plain else list(values)
    types = set(map(type, values))
    if types == {float} or (types == {int} and -beyond < min(values) <= max(values) < beyond):
        return list(values)
    if types == {bool} or (len(types) == 1 and types <= NUMPY_NUMBERS):
        return [+value for value in np.array(values).tolist()]
    return [number_of(value, codes, beyond) for value in values]


def row_of_numbers(value: Any) -> Array | None:
    """Return an array or a list as one row of plain numbers, None where it is none."""
    stack = as_array([value]) if isinstance(value, list | tuple | np.ndarray) else None
    is_row = stack is not None and stack.ndim == 2 and is_plain_number(stack.dtype)
    return stack[0] if stack is not None and is_row else None


def rows_of_numbers(values: Sequence[Any] | Array) -> Array | list[Array | None]:
    """Return what `row_of_numbers` has for each value, in one array where all are of one type.

    Together with rows of floats, rows of integers would become such.
    """
    if isinstance(values, np.ndarray) or _are_of_one_type(values):
        stack = as_array(values)
        if stack is not None and stack.ndim == 2 and is_plain_number(stack.dtype):
            return stack
    return [row_of_numbers(value) for value in values]


def _are_of_one_type(values: Sequence[Any]) -> bool:
    types = {value.dtype if isinstance(value, np.ndarray) else None for value in values}
    return len(types) == 1 and None not in types


def _from_text(value: Any, codes: Mapping[str, int] | None) -> int | None:
    return codes.get(value) if codes and isinstance(value, str) else None
