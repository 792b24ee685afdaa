"""A column is the same, whether its values come one by one or at once, whatever they are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bluescribe.files import Place
from bluescribe.hdf5.columns.column import Column
from bluescribe.hdf5.file import LiveFile
from bluescribe.model.run import Field
from tests.extent import IS_LONG

RECORDS = np.array([(1, 2.5, (1, 2)), (3, np.nan, (0.5, 1e-5))], "i2,f8,2f4")
VALUES: list[Any] = [None, RECORDS[0], [1, 2], np.array([1j]), "text", 1.5]
if IS_LONG:
    VALUES += [[1], (2, 0.5, (0.0, 1.0)), True, 2**70, RECORDS]
TYPES = [None, RECORDS.dtype, *([np.dtype(code) for code in ("<f8", "<U8", "|b1")] * IS_LONG)]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LiveFile]:
    (tmp_path / "columns.h5").touch()
    file = LiveFile(Place.at(tmp_path / "columns.h5"), is_live=False)
    yield file
    file.close()


@pytest.mark.parametrize("declared", TYPES, ids=str)
def test_a_column_does_not_depend_on_how_its_values_come(
    file: LiveFile, declared: np.dtype[Any] | None
) -> None:
    field = Field("x") if declared is None else Field("x", dtype_numpy=declared)
    for number, values in enumerate(product(VALUES, repeat=3)):
        one_by_one, at_once = (
            Column(file, f"/{how}-{number}", "x", field, {}, rows_expected=3) for how in "ab"
        )
        for value in values:
            add(one_by_one, [value])
        add(at_once, list(values))
        found, wanted = (stored(file.h5[column.group]) for column in (one_by_one, at_once))
        assert found == wanted, values


def add(column: Column, values: list[Any]) -> None:
    block = column.fit(values)
    block = column.make_fit(values) if block is None else block
    column.append(block)
    column.advance(block)


def stored(group: h5py.Group) -> dict[str, Any]:
    """Return the datasets of a column, each by its name."""
    return {name: (data.dtype, data.shape, data[()].tobytes()) for name, data in group.items()}
