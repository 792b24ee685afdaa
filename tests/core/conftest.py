"""What the tests of the core share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bluescribe import retry_policy
from bluescribe.delivery import courier
from bluescribe.testing.shapes.engine import recording
from tests.core.baskets import Basket
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


@pytest.fixture
def basket(tmp_path, monkeypatch):
    """Return what makes a basket; all are closed."""
    monkeypatch.setattr(
        retry_policy, "FOR_DELIVERIES", replace(retry_policy.FOR_DELIVERIES, first=0.02)
    )
    monkeypatch.setattr(courier, "_LOOK_SECONDS", 0.05)
    made = []

    def make(*faults, folder=tmp_path / "outbox"):
        made.append(Basket(folder, *faults))
        return made[-1]

    yield make
    for each in made:
        each.close()
