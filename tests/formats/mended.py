"""What is in the files of killed writers, once they are mended; each row tells its number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

STREAMS = "/entry/instrument/bluesky/streams"


def check_columns(path: Path) -> None:
    """Fail unless all rows that are there have their values: row n has what is made of n."""
    with h5py.File(path) as file:
        for stream in file.get(STREAMS, {}).values():
            shared = {len(stream[name]) for name in ("seq_num", "EPOCH", "time") if name in stream}
            rows = max(shared, default=0)
            assert shared <= {rows}
            if rows:
                numbers = np.arange(rows)
                assert np.array_equal(stream["seq_num"], numbers + 1)
                assert np.array_equal(stream["EPOCH"], numbers + 1.0)
                for name in set(stream) - {"seq_num", "EPOCH", "time"}:
                    _check_field(name, stream[name], numbers)


def _check_field(name: str, group: h5py.Group, numbers: Any) -> None:
    assert len(group["EPOCH"]) == len(group["value"]) == len(numbers)
    assert np.array_equal(group["EPOCH"], numbers + 1.0)
    values = group["value"]
    if name == "text":
        assert values.asstr()[()].tolist() == [f"t{number}" for number in numbers]
    elif name == "gaps":
        missing = numbers % 3 == 2
        assert np.array_equal(np.isnan(values), missing)
        assert np.array_equal(values[()][~missing], numbers[~missing])
        assert set(group.get("value_missing", np.array([]))[()]) <= set(numbers[missing])
    elif name == "ragged":
        # the first rows may be of one shape
        shapes = group["value_shape"][()] if "value_shape" in group else [values.shape[1:]] * 9
        for number, row in enumerate(values):
            assert row[: shapes[number][0]].tolist() == [number] * (number % 4 + 1)
    elif name == "spectrum":
        assert np.array_equal(values, np.repeat(numbers[:, None], 700, axis=1))
    else:
        assert np.array_equal(values, numbers + (0.0 if name == "m" else 0.5))
