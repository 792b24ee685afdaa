"""A check before beam asks Globus for both collections, and sends nothing."""

from __future__ import annotations

import pytest

from bluescribe.checking import check_iconfig
from tests.core.test_before_beam import everything
from tests.system.delivery.globus.service import error
from tests.system.delivery.globus.sessions import iconfig_for


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("bluescribe.checking.disk._SECONDS", 0.01)


def verdict(folder, **keys):
    before = everything(folder)
    report = check_iconfig(iconfig_for(folder, **keys))
    assert everything(folder) == before
    (found,) = [each for each in report if each.what == "delivery globus"]
    return found


def test_both_collections_answer(service, tmp_path):
    found = verdict(tmp_path)
    assert found.level == "ok", found
    assert found.found.startswith("Globus, from ")
    assert set(service.requests) == {"oauth2", "endpoint"}
    assert not service.tasks


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (403, "PermissionDenied", "Globus answers 403 PermissionDenied"),
        (404, "EndpointNotFound", "Globus answers 404 EndpointNotFound"),
        (503, "ServiceUnavailable", "Globus answers 503 ServiceUnavailable"),
    ],
)
def test_a_collection_that_is_not_ours_is_told(service, tmp_path, status, code, told):
    service.before["endpoint"] = [error(status, code, "no") for _ in range(4)]
    found = verdict(tmp_path)
    assert found.level == "FAILED"
    assert told in found.found
    assert found.remedy


def test_credentials_that_are_missing_are_told(service, tmp_path, monkeypatch):
    monkeypatch.delenv("GLOBUS_CLIENT_ID")
    found = verdict(tmp_path)
    assert found.level == "FAILED"
    assert "no credentials" in found.found
    assert "GLOBUS_CLIENT_ID" in found.remedy
