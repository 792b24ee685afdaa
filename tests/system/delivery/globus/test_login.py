"""Who may send: service accounts, logins that are stored, and the command."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import yaml

from tests import warm
from tests.system.delivery.globus.service import error
from tests.system.delivery.globus.sessions import (
    CREDENTIALS,
    DESTINATION,
    SOURCE,
    delivered,
    iconfig_for,
    scan,
    told,
    wait,
)


def test_an_expired_token_is_renewed(begin, service, caplog):
    RE, writers = begin()
    scan(RE)
    delivered(writers)
    service.before["submission_id"] = [error(401, "AuthenticationFailed", "expired")]
    scan(RE)
    delivered(writers, 2)
    assert service.requests.count("oauth2") == 2
    assert not told(caplog)


def test_nobody_is_asked_for_a_login_and_it_is_told_how(begin, service, monkeypatch, caplog):
    monkeypatch.setattr("builtins.input", None)
    monkeypatch.delenv("GLOBUS_CLIENT_SECRET")
    RE, writers = begin()
    scan(RE)
    wait(lambda: writers.globus.status().trouble)
    assert "Globus wants a login: No token data for transfer.api.globus.org" in told(caplog)[0]
    assert "bluescribe globus login" in told(caplog)[0]
    monkeypatch.setenv("GLOBUS_CLIENT_SECRET", "now it is there")
    delivered(writers)


@pytest.mark.parametrize(
    ("variable", "cause"),
    [
        ("GLOBUS_CLIENT_ID=", "there are no credentials for Globus"),
        ("GLOBUS_SDK_ENVIRONMENT=nowhere", "the login for Globus cannot be used"),
    ],
)
def test_an_environment_that_names_nobody_is_told(begin, monkeypatch, caplog, variable, cause):
    for service in ("AUTH", "TRANSFER"):
        monkeypatch.delenv(f"GLOBUS_SDK_SERVICE_URL_{service}")
    monkeypatch.setenv(*variable.split("="))
    RE, writers = begin()
    scan(RE)
    wait(lambda: writers.globus.status().trouble)
    assert cause in told(caplog)[0]
    assert "GLOBUS_CLIENT_ID" in told(caplog)[0]
    assert writers.globus.status().waiting == 1


@pytest.mark.parametrize(
    "case",
    [
        ("oauth2", error(401, "invalid_client", "wrong secret"), "check GLOBUS_CLIENT_ID and"),
        ("transfer", error(401, "AuthenticationFailed", "no"), "check GLOBUS_CLIENT_ID and"),
        ("transfer", error(403, "PermissionDenied", "no"), "have its owner let this account read"),
        ("transfer", error(403, "ConsentRequired", "no"), "set DATA_ACCESS in the GLOBUS block"),
    ],
)
def test_what_is_forbidden_waits_until_it_is_allowed(begin, service, caplog, case):
    kind, fault, remedy = case
    service.before[kind] = [fault] * 5
    RE, writers = begin()
    scan(RE)
    delivered(writers)
    first, *_, last = told(caplog)
    assert f"Remedy: {remedy}" in first
    assert "delivering again" in last
    assert sum("cannot be delivered now" in text for text in told(caplog)) == 1
    assert len(service.tasks) == 1


def test_consent_is_asked_for_with_the_token(begin, service):
    asked = []
    handle = service._answer

    def answer(kind, parts, sent):
        asked.append(sent.decode())
        return handle(kind, parts, sent)

    service._answer = answer
    RE, writers = begin(DATA_ACCESS="source")
    scan(RE)
    delivered(writers)
    assert f"{SOURCE}%2Fdata_access" in asked[0]
    assert DESTINATION not in asked[0]


STORE = "transfer.api.globus.org"


def test_a_stored_login_is_used(begin, service, monkeypatch):
    from globus_sdk import GlobusAppConfig
    from globus_sdk.token_storage import JSONTokenStorage, TokenStorageData

    monkeypatch.delenv("GLOBUS_CLIENT_SECRET")
    number = CREDENTIALS["GLOBUS_CLIENT_ID"]
    storage = JSONTokenStorage.for_globus_app(
        app_name="bluescribe", config=GlobusAppConfig(), client_id=number, namespace="DEFAULT"
    )
    login = TokenStorageData(
        resource_server=STORE,
        identity_id=None,
        scope=f"urn:globus:auth:scope:{STORE}:all",
        access_token="stored",
        refresh_token="refresh",
        expires_at_seconds=int(time.time()) + 3600,
        token_type="Bearer",
    )
    storage.store_token_data_by_resource_server({STORE: login})
    RE, writers = begin()
    scan(RE)
    delivered(writers)
    assert "oauth2" not in service.requests


def login(tmp_path, **keys):
    iconfig = tmp_path / "iconfig.yml"
    iconfig.write_text(yaml.safe_dump(iconfig_for(tmp_path, ["csv"], **keys)))
    program = "from bluescribe.commands.cli import main; main()"
    return warm.run(
        [sys.executable, "-c", program, "globus", "login", "--iconfig", str(iconfig)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_tries_a_service_account(service, tmp_path):
    done = login(tmp_path)
    assert (done.stdout, done.stderr) == ("Globus accepts it: runs can be sent\n", "")
    assert service.requests == ["oauth2", "submission_id"]
    service.before["oauth2"] = [error(401, "invalid_client", "wrong secret")]
    done = login(tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("bluescribe: Globus does not accept it: ")


def test_the_command_asks_a_person(service, tmp_path, monkeypatch):
    monkeypatch.delenv("GLOBUS_CLIENT_SECRET")
    done = login(tmp_path, DATA_ACCESS="both")
    assert f"{service.url}v2/oauth2/authorize?" in done.stdout
    assert f"{DESTINATION}%2Fdata_access" in done.stdout
    assert done.returncode == 2  # nobody is there


@pytest.mark.parametrize(
    ("variable", "enable", "message"),
    [
        ("", True, "set GLOBUS_CLIENT_ID in the environment"),
        ("x", False, "GLOBUS is not switched on"),
    ],
)
def test_the_command_says_what_it_needs(tmp_path, monkeypatch, variable, enable, message):
    monkeypatch.setenv("GLOBUS_CLIENT_ID", variable)
    done = login(tmp_path, ENABLE=enable)
    assert done.returncode == 2
    assert message in done.stderr
