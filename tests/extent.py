"""How much is tested: everything in CI, a part of it elsewhere, so that nobody waits for long."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import product
from typing import TypeVar

import pytest

from bluescribe.testing.shapes import SHAPES

Row = TypeVar("Row")
Column = TypeVar("Column")

IS_LONG = bool(os.environ.get("BLUESCRIBE_LONG_FAULTS"))
"""Whether all is tested; .ci/run sets it."""


def some(names: Iterable[str]) -> list[str]:
    """Return every twelfth of the names; all of them where all is tested."""
    return list(names)[:: 1 if IS_LONG else 12]


def crossed(rows: Sequence[Row], columns: Iterable[Column]) -> list[tuple[Row, Column]]:
    """Return all pairs where all is tested; elsewhere every third, with each row and column."""
    pairs = product(enumerate(rows), enumerate(columns))
    return [(row, column) for (i, row), (j, column) in pairs if IS_LONG or (i + j) % 3 == 0]


def examples(number: int) -> int:
    """Return how many examples a property is tested with: a quarter, or all of them."""
    return number if IS_LONG else number // 4


def is_left_out(item: pytest.Item) -> bool:
    """Tell whether a test is left out here: marked so, or one of most that are alike."""
    return not IS_LONG and (_is_one_of_many(item) or item.get_closest_marker("ci") is not None)


def _is_one_of_many(item: pytest.Item) -> bool:
    """Tell whether others say the same of another shape of run or of another format.

    Each shape is written with Python's values, in a third of our formats; with numpy's, which are
    the same documents otherwise, and in those of the documentation, as many as `some` says.
    """
    chosen = getattr(getattr(item, "callspec", None), "params", {})
    name, manner = chosen.get("name", "count"), chosen.get("manner")
    if manner == "numpified" or item.path.name == "test_how_to_formats.py":
        return name not in some(SHAPES)
    if manner != "plain" or not isinstance(item, pytest.Function):
        return False
    if item.cls is None or item.path.name != "test_contract.py":
        return False
    number = [*vars(item.module)].index(item.cls.__name__)
    return bool(([*SHAPES].index(name) + number) % 3)
