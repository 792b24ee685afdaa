"""How much is tested: everything in CI, a part of it elsewhere, so that nobody waits for long."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

from bluescribe.testing.shapes import SHAPES

IS_LONG = bool(os.environ.get("BLUESCRIBE_LONG_FAULTS"))
"""Whether all is tested; .ci/run sets it."""


def is_left_out(item: pytest.Item) -> bool:
    """Tell whether a test is left out here: numpy's values in three of four shapes of run.

    All shapes are written with Python's values, in each format; of those with numpy's, which are
    the same documents otherwise, every fourth.
    """
    chosen = getattr(getattr(item, "callspec", None), "params", {})
    is_numpified = chosen.get("manner") == "numpified"
    return not IS_LONG and is_numpified and chosen.get("name") not in some(SHAPES)


def some(names: Iterable[str]) -> list[str]:
    """Return every fourth of the names; all of them where all is tested."""
    return list(names)[:: 1 if IS_LONG else 4]
