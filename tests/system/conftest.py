"""What the tests of sessions have in common."""

from __future__ import annotations

import os
import shutil

import pytest

from bluescribe.archive import adoption
from tests.system.adopting import adopted


@pytest.fixture
def soon(monkeypatch):
    """What cannot be adopted yet is tried again soon, and for no longer than the test takes."""
    monkeypatch.setattr(adoption, "_FIRST_PAUSE", 0.1)
    monkeypatch.setattr(adoption, "_LONGEST_PAUSE", 0.2)
    yield
    shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)
    adopted()
