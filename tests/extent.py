"""How much is tested: everything in CI, a part of it elsewhere, so that nobody waits for long."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

from bluescribe.testing.shapes import SHAPES

IS_LONG = bool(os.environ.get("BLUESCRIBE_LONG_FAULTS"))
"""Whether all is tested; .ci/run sets it."""


def some(names: Iterable[str]) -> list[str]:
    """Return every sixth of the names; all of them where all is tested."""
    return list(names)[:: 1 if IS_LONG else 6]


def examples(number: int) -> int:
    """Return how many examples a property is tested with: a quarter, or all of them."""
    return number if IS_LONG else number // 4


def is_left_out(item: pytest.Item) -> bool:
    """Tell whether a test is left out here: marked so, or numpy's values in most shapes of run.

    All shapes are written with Python's values, in each format; with numpy's, which are the same
    documents otherwise, as many as `some` says.
    """
    chosen = getattr(getattr(item, "callspec", None), "params", {})
    is_wide = chosen.get("manner") == "numpified" and chosen.get("name") not in some(SHAPES)
    return not IS_LONG and (is_wide or item.get_closest_marker("ci") is not None)
