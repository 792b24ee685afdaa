"""Structured values: records of numbers, which HDF5 has a compound type for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...model.numbers import is_number
from ...model.values import Array

__all__ = ["as_records", "record_type"]


def record_type(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """Return the type in which HDF5 holds records: packed, and in this machine's byte order.

    None where a field is no number: of text or times HDF5 would lose something.
    """
    if not dtype.names:
        return None
    fields: list[Any] = []
    for name in dtype.names:
        base, shape = dtype[name].base, dtype[name].shape
        held = record_type(base) if base.names else base.newbyteorder("=")
        is_held = held is not None and (held.names or is_number(held)) and _is_name(name)
        if not is_held or 0 in shape:
            return None
        fields.append((name, held, shape))
    return np.dtype(fields)


def as_records(values: Sequence[Any] | Array) -> Array | None:
    """Return rows of records of one type and shape as one array; None for anything else."""
    if not len(values):
        return None
    rows = [v if isinstance(v, np.void | np.ndarray) else None for v in values]
    first = rows[0]
    dtype = None if first is None else record_type(first.dtype)
    if first is None or dtype is None or 0 in first.shape:
        return None
    if any(v is None or v.dtype != first.dtype or v.shape != first.shape for v in rows):
        return None
    array = np.empty((len(rows), *first.shape), first.dtype)
    for number, row in enumerate(rows):
        array[number] = row
    return array.astype(dtype)


def _is_name(name: str) -> bool:
    """Tell whether HDF5 can call a field so."""
    try:
        return b"\0" not in name.encode() and bool(name)
    except UnicodeEncodeError:
        return False
