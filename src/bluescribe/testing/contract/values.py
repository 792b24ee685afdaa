"""Whether a value that was read is the value that was measured."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np

__all__ = ["in_json", "plain", "same_number", "same_value"]


def plain(value: Any) -> Any:
    """Return a value in Python's own types; arrays and tuples become lists.

    Parameters
    ----------
    value : object
        Anything that a document holds.
    """
    if isinstance(value, np.ndarray | np.generic):
        return _listed(np.asarray(value))
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    for builtin in (str, float):  # subclasses of them
        if isinstance(value, builtin):
            return builtin(value)
    return value


def _listed(array: np.ndarray[Any, Any]) -> Any:
    if array.dtype.kind == "M":  # numpy makes integers of those that datetime cannot hold
        return np.datetime_as_string(array).tolist()
    items = array.tolist()
    return str(items) if isinstance(items, np.generic) else plain(items)


def in_json(value: Any) -> Any:
    """Return a value as JSON text gives it back: what JSON has no word for is text.

    Parameters
    ----------
    value : object
        Anything that a document holds. Bytes become base64, times ISO 8601, complex numbers and
        everything else what Python prints.
    """
    value = plain(value)
    if isinstance(value, dict):
        return {key: in_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [in_json(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return b64encode(value).decode() if isinstance(value, bytes) else str(value)


def same_value(expected: Any, found: Any) -> bool:
    """Tell whether two values are the same, in type and to the last digit; NaN is NaN.

    Parameters
    ----------
    expected, found : object
        Measured and read. Only lists, tuples and arrays are taken for one another, and numpy's
        scalars for Python's.
    """
    return _same(plain(expected), plain(found))


def same_number(expected: Any, found: Any) -> bool:
    """Tell whether two numbers are equal, whatever their types; anything else as `same_value`.

    Parameters
    ----------
    expected, found : object
        Measured and read. A format with one type a column reads 1 and True back as 1.0; an
        integer that went through a float which cannot hold it is not the same.
    """
    if isinstance(found, np.longdouble) and not isinstance(expected, np.longdouble):
        found = float(found) if np.isnan(found) or found == float(found) else found
    expected, found = plain(expected), plain(found)
    if isinstance(expected, list) and isinstance(found, list):
        pairs = zip(expected, found, strict=False)
        return len(expected) == len(found) and all(same_number(e, f) for e, f in pairs)
    if isinstance(expected, bool | int) and isinstance(found, int | float):
        return bool(expected == found)  # Python compares an int with a float exactly
    if isinstance(expected, int | float) and isinstance(found, complex):
        return found.imag == 0 and same_number(expected, found.real)
    return _same(expected, found)


def _same(expected: Any, found: Any) -> bool:
    if type(expected) is not type(found):
        return False
    if isinstance(expected, dict):
        return expected.keys() == found.keys() and all(
            _same(expected[key], found[key]) for key in expected
        )
    if isinstance(expected, list):
        pairs = zip(expected, found, strict=False)
        return len(expected) == len(found) and all(_same(e, f) for e, f in pairs)
    if isinstance(expected, float | complex):
        return repr(expected) == repr(found)  # tells -0.0 from 0.0, and holds NaN equal to itself
    return bool(expected == found)
