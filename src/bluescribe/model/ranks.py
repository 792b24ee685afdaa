"""How many dimensions values have, whatever they hold: a scalar, a row of elements, or more."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import numpy as np

from .values import Array

__all__ = ["rank_of", "ranks_of"]

_SEQUENCES = (list, tuple, np.ndarray)


def rank_of(value: Any) -> int:
    """Return 0 for a scalar, text or structure, 1 for a list or array, 2 for more dimensions.

    A list of lists has two, be they of one length or not.
    """
    if isinstance(value, np.ndarray):
        return min(value.ndim, 2)
    if not isinstance(value, list | tuple):
        return 0
    return 2 if value and all(isinstance(item, _SEQUENCES) for item in value) else 1


def ranks_of(values: Sequence[Any] | Array, types: Set[type]) -> list[int | None]:
    """Return the rank of each value, None of one that is missing; nothing when all are scalars.

    Parameters
    ----------
    values
        One a row.
    types
        The types of the values.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return [min(values.ndim - 1, 2)] * len(values) if values.ndim > 1 else []
    if not any(issubclass(kind, _SEQUENCES) for kind in types):
        return []
    return [None if value is None else rank_of(value) for value in values]
