"""What the tests of sessions have in common."""

from __future__ import annotations

import os
import shutil

import pytest

from bluescribe import retry_policy
from bluescribe.retry_policy import RetryPolicy
from tests.system.adopting import adopted


@pytest.fixture
def soon(monkeypatch):
    """What cannot be adopted yet is tried again soon, and for no longer than the test takes."""
    monkeypatch.setattr(retry_policy, "FOR_ADOPTION", RetryPolicy(0.1, 0.2))
    yield
    shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)
    adopted()
