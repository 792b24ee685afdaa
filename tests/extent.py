"""How much is tested: everything in CI, a part of it elsewhere, so that nobody waits for long."""

from __future__ import annotations

import os
from collections.abc import Iterable

IS_LONG = bool(os.environ.get("BLUESCRIBE_LONG_FAULTS"))
"""Whether all is tested; .ci/run sets it."""


def some(names: Iterable[str]) -> list[str]:
    """Return every fourth of the names; all of them where all is tested."""
    return list(names)[:: 1 if IS_LONG else 4]
