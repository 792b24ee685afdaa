"""Whether two values are the same to the last bit, their types and the order of their keys too."""

from __future__ import annotations

import struct
from itertools import chain
from typing import Any

import numpy as np


def same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return same([*chain(*one.items())], [*chain(*other.items())])
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray | np.generic):
        return _same_array(np.asarray(one), np.asarray(other))
    if isinstance(one, float | complex):
        return struct.pack("dd", one.real, one.imag) == struct.pack("dd", other.real, other.imag)
    return bool(one == other)


def _same_array(one: Any, other: Any) -> bool:
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    if one.dtype.hasobject:
        return same(one.tolist(), other.tolist())
    if one.dtype.char in "gG":  # between their bits is room, in which anything stands
        return bool(np.array_equal(one, other, equal_nan=True))
    return bool(one.tobytes() == other.tobytes())
