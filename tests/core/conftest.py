"""What the tests of the core share."""

from __future__ import annotations

import pytest

from bluescribe.testing.shapes.engine import recording
from tests.core.books import Play
from tests.core.scanning import Gate


@pytest.fixture
def engine():
    with recording() as (engine, _):
        yield engine


@pytest.fixture
def gate(monkeypatch):
    gate = Gate(monkeypatch)
    yield gate
    gate.is_open.set()


@pytest.fixture
def play(tmp_path):
    return Play(tmp_path)
