"""Values that JSON has no word for, as their descriptor declares them.

A journal has complex numbers as text and records as lists. Where ``dtype_numpy`` tells what they
were, they become that again; a value that would not come back as it was stays what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .values import Array

__all__ = ["as_declared"]


def as_declared(
    values: Sequence[Any] | Array, dtype: np.dtype[Any] | None
) -> Sequence[Any] | Array:
    """Return values, some of which came by way of JSON, in the types that were declared.

    Parameters
    ----------
    values
        One a row.
    dtype
        What the descriptor says, if it does.
    """
    if dtype is None or isinstance(values, np.ndarray):
        return values
    if dtype.kind == "c":
        return [_complex(value, dtype) for value in values]
    return [_record(value, dtype) for value in values] if dtype.names else values


def _complex(value: Any, dtype: np.dtype[Any]) -> Any:
    """Return text, or nested lists of it, as complex numbers if that is what Python prints."""
    if isinstance(value, str):
        try:
            number = complex(value)
        except ValueError:
            return value
        with np.errstate(over="ignore"):
            narrow = dtype.type(number)
        exact = narrow if repr(complex(narrow)) == repr(number) else number
        return exact if str(number) == value else value
    if isinstance(value, list) and value:
        numbers = [_complex(item, dtype) for item in value]
        is_changed = any(a is not b for a, b in zip(numbers, value, strict=True))
        return numbers if is_changed else value
    return value


def _record(value: Any, dtype: np.dtype[Any]) -> Any:
    """Return a list or tuple as a record, or nested lists as an array of them."""
    if not isinstance(value, list | tuple):
        return value
    try:
        made = np.array(_nested(value, dtype), dtype)
        return made[()] if _listed(made.tolist()) == _listed(value) else value
    except (TypeError, ValueError, OverflowError):
        return value


def _nested(value: Any, dtype: np.dtype[Any]) -> Any:
    """Return lists with a tuple for each record, as numpy wants them."""
    if not isinstance(value, list | tuple):
        raise TypeError(f"{type(value).__name__} where a record was declared")
    names = dtype.names or ()
    is_record = len(value) == len(names) and not all(isinstance(v, list | tuple) for v in value)
    if not is_record:
        return [_nested(item, dtype) for item in value]
    parts = zip(value, names, strict=True)
    return tuple(
        _nested(part, dtype[name].base) if dtype[name].base.names else part for part, name in parts
    )


def _listed(value: Any) -> Any:
    """Return values that tell 1 from 1.0 and from True, and NaN equal to itself."""
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    return _listed(value.tolist()) if isinstance(value, np.ndarray) else repr(value)
