"""A server that speaks the Transfer API, and sessions that send to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bluesky import RunEngine

from bluescribe import retry_policy, subscribe_writers
from bluescribe.delivery import courier


@pytest.fixture
def service(monkeypatch, tmp_path):
    from bluescribe.delivery.globus import transfer
    from tests.system.delivery.globus.service import GlobusService
    from tests.system.delivery.globus.sessions import CREDENTIALS

    service = GlobusService()
    variables = {**service.variables, **CREDENTIALS, "HOME": str(tmp_path / "home")}
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(
        retry_policy, "FOR_DELIVERIES", replace(retry_policy.FOR_DELIVERIES, first=0.05)
    )
    monkeypatch.setattr(courier, "_LOOK_SECONDS", 0.2)
    monkeypatch.setattr(transfer, "SHORTEST_POLL", 0.05)
    monkeypatch.setattr(transfer, "LONGEST_POLL", 0.1)
    monkeypatch.setattr(transfer, "RESUBMIT_SECONDS", 0.1)
    yield service
    service.close()


@pytest.fixture
def begin(service, tmp_path):
    """Return what begins a session: a RunEngine and its writers."""
    from tests.system.delivery.globus.sessions import iconfig_for

    begun = []

    def make(formats=("jsonl",), **keys):
        RE = RunEngine({"proposal": "GUP-7"}, context_managers=[])
        begun.append(subscribe_writers(RE, iconfig_for(tmp_path, formats, **keys)))
        return RE, begun[-1]

    yield make
    for writers in begun:
        writers.close()
