"""What the rows of a field are: how many will come, when they were read, which are elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .numbers import is_real
from .run import Field, Run, Stream
from .times import seconds_of
from .values import Array

__all__ = ["FieldRows", "epochs", "field_rows", "rows_expected"]


class FieldRows(NamedTuple):
    """A page's values of one field: what was measured, and what only refers to a file."""

    values: Sequence[Any] | Array
    datum_ids: Sequence[Any]
    has_values: bool
    """Whether there is one, missing or not: a field that never has any needs no column."""
    has_datum_ids: bool
    begins_with_datum_id: bool = False


def field_rows(declared: Field, values: Sequence[Any] | Array) -> FieldRows:
    """Return what each value of a field is; only one that is declared external refers to files."""
    if not declared.external:
        return FieldRows(values, (), has_values=True, has_datum_ids=False)
    are_ids = [isinstance(value, str) for value in values]
    are_values = [
        not is_id and value is not None for value, is_id in zip(values, are_ids, strict=True)
    ]
    if not any(are_ids):
        return FieldRows(values, [None] * len(values), any(are_values), has_datum_ids=False)
    return FieldRows(
        [value if is_one else None for value, is_one in zip(values, are_values, strict=True)],
        [value if is_id else None for value, is_id in zip(values, are_ids, strict=True)],
        any(are_values),
        has_datum_ids=True,
        begins_with_datum_id=True not in are_values[: are_ids.index(True)],
    )


def rows_expected(run: Run, stream: Stream) -> int:
    """Return how many events the stream will have, as far as the start document tells."""
    if stream.is_baseline:
        return 2
    number = run.start.get("num_points") if stream.name == "primary" else None
    return int(number) if isinstance(number, int | np.integer) and number > 0 else 256


def epochs(stamps: Sequence[Any]) -> Array:
    """Return timestamps as doubles; NaN where there is none."""
    try:
        found = np.asarray(stamps)
    except (TypeError, ValueError, OverflowError):  # they have no shape together
        found = np.empty(())
    if found.ndim == 1 and is_real(found.dtype):
        return found.astype(np.float64, copy=False)
    return np.array([seconds_of(stamp) for stamp in stamps], np.float64)
