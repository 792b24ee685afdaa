"""What the tests of faults have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.faults.preloading import preloaded
from tests.system.faults.striking import Striker


@pytest.fixture(scope="session")
def striker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Striker]:
    """Return who plays sessions that meet faults."""
    found = Striker(preloaded("strike.c", tmp_path_factory.mktemp("strike")))
    yield found
    found.close()
