"""What an image is, among the values of events: two dimensions of real numbers or truth values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .numbers import is_real_or_truth
from .values import Array, as_array

__all__ = ["as_image"]


def as_image(value: Any) -> Array | None:
    """Return a value as the image that it is, None where it is none.

    An image has a pixel at least. Scalars, which most values are, are not looked at.
    """
    if isinstance(value, np.ndarray) and is_real_or_truth(value.dtype):
        array: Array | None = value  # others are copied
    elif not hasattr(value, "__len__") or isinstance(value, str):
        return None
    else:
        rows = as_array([value])
        array = None if rows is None else rows[0]
    return array if array is not None and is_image(array) else None


def is_image(array: Array) -> bool:
    """Tell whether an array is one image."""
    return array.ndim == 2 and is_real_or_truth(array.dtype) and array.size > 0
