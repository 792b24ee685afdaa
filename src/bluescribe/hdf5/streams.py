"""What a stream's events are as columns: how many, when they were read, and which are elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..run import Field, Run, Stream
from ..times import seconds_of
from ..values import Array

__all__ = ["are_datum_ids", "epochs", "rows_expected"]


def are_datum_ids(declared: Field, values: Sequence[Any] | Array) -> bool:
    """Tell whether an external field's values only refer to a file."""
    return declared.external and any(isinstance(value, str) for value in values)


def rows_expected(run: Run, stream: Stream) -> int:
    """Return how many events the stream will have, as far as the start document tells."""
    if stream.is_baseline:
        return 2
    number = run.start.get("num_points") if stream.name == "primary" else None
    return int(number) if isinstance(number, int | np.integer) and number > 0 else 256


def epochs(stamps: Sequence[Any]) -> Array:
    """Return timestamps as doubles; NaN where there is none."""
    try:
        return np.array(stamps, np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([seconds_of(stamp) for stamp in stamps], np.float64)
