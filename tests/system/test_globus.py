"""Runs are sent by Globus: a RunEngine, several formats, and a server that speaks its API."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath
from textwrap import dedent

import bluesky.plans as bp
import pytest
import yaml
from bluesky import RunEngine
from hypothesis import given
from hypothesis import strategies as st
from ophyd.sim import det, direct_img, motor

from bluescribe import subscribe_writers
from bluescribe.delivery import courier, trouble
from bluescribe.delivery.outbox import Outbox
from bluescribe.errors import ConfigError
from bluescribe.formats.csv import CsvFile
from bluescribe.formats.nexus import NexusFile

pytest.importorskip("globus_sdk", reason="globus-sdk is not installed: it is in the extra `test`")
pytest.importorskip("responses", reason="responses, which globus_sdk.testing wants, is missing")

from globus_sdk import GlobusAppConfig
from globus_sdk.token_storage import JSONTokenStorage, TokenStorageData

from bluescribe.delivery.globus import GlobusSettings, transfer
from bluescribe.delivery.globus.placing import label_of, place
from tests.system.globus_service import GlobusService, error, no_answer

SOURCE, DESTINATION = (f"{n * 8}-0000-4000-8000-{n * 12}" for n in "12")
CREDENTIALS = {"GLOBUS_CLIENT_ID": "3" * 8 + "-0000-4000-8000-" + "3" * 12}
CREDENTIALS["GLOBUS_CLIENT_SECRET"] = "a secret of the test"


@pytest.fixture
def service(monkeypatch, tmp_path):
    service = GlobusService()
    variables = {**service.variables, **CREDENTIALS, "HOME": str(tmp_path / "home")}
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(trouble, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(courier, "_LOOK_SECONDS", 0.2)
    monkeypatch.setattr(transfer, "SHORTEST_POLL", 0.05)
    monkeypatch.setattr(transfer, "LONGEST_POLL", 0.1)
    monkeypatch.setattr(transfer, "RESUBMIT_SECONDS", 0.1)
    yield service
    service.close()


def iconfig_for(folder, formats=("jsonl",), **keys):
    block = {
        "ENABLE": True,
        "SOURCE_ENDPOINT": SOURCE,
        "DESTINATION_ENDPOINT": DESTINATION,
        "LOCAL_ROOT": str(folder),
        "SOURCE_PATH": "/instrument",
        "DESTINATION_PATH": "/beamline/{proposal}",
        "OUTBOX": str(folder / "outbox"),
        **keys,
    }
    shared = {"DIRECTORY": str(folder / "data"), "RETRY_SECONDS": 0}
    on = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in formats}
    return {"DATA_FILES": shared, **on, "GLOBUS": {k: v for k, v in block.items() if v != "-"}}


@pytest.fixture
def begin(service, tmp_path):
    """Return what begins a session: a RunEngine and its writers."""
    begun = []

    def make(formats=("jsonl",), **keys):
        RE = RunEngine({"proposal": "GUP-7"}, context_managers=[])
        begun.append(subscribe_writers(RE, iconfig_for(tmp_path, formats, **keys)))
        return RE, begun[-1]

    yield make
    for writers in begun:
        writers.close()


def scan(RE, **md):
    (uid,) = RE(bp.scan([det], motor, 0, 1, 3), **md)
    return uid


def wait(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.01)


def delivered(writers, runs=1):
    wait(lambda: writers.globus.status().delivered == runs)
    assert not Outbox(writers.globus.outbox.folder).paths()


def told(caplog, level=logging.WARNING):
    return [r.getMessage() for r in caplog.records if r.levelno >= level and "bluescribe" in r.name]


def items(document):
    return {item["source_path"]: item["destination_path"] for item in document["DATA"]}


def here(folder):
    """Return what a transfer of all files in the data folder has as items."""
    paths = [p.relative_to(folder) for p in (folder / "data").rglob("*") if p.is_file()]
    return {f"/instrument/{p}": f"/beamline/GUP-7/{p}" for p in paths}


# --- what is sent ---------------------------------------------------------------------------------


def test_all_files_of_a_run_go_in_one_transfer(begin, service, tmp_path):
    RE, writers = begin(("jsonl", "spec", "nexus", "csv", "json", "tiff"))
    RE(bp.count([det, direct_img], 2), sample="Fe\nfoil")
    delivered(writers)
    ((_, document),) = service.tasks.items()
    assert items(document) == here(tmp_path)
    assert len(document["DATA"]) == 8  # csv has tables and a package, tiff its list and a stack
    assert document["label"].startswith("1 count ")
    assert (document["source_endpoint"], document["destination_endpoint"]) == (SOURCE, DESTINATION)
    assert (document["sync_level"], document["verify_checksum"]) == (3, True)
    assert (document["notify_on_succeeded"], document["notify_on_failed"]) == (False, True)
    assert str(writers.globus.status()) == "globus: 1 run delivered"
    assert "globus: 1 run delivered" in str(writers.status())


def test_each_run_has_its_own_and_a_session_file_goes_with_each(begin, service, tmp_path):
    RE, writers = begin(("jsonl", "spec"))
    scan(RE)
    before = here(tmp_path)
    scan(RE)
    delivered(writers, 2)
    first, second = service.tasks.values()
    assert items(first) == before
    new = here(tmp_path).items() - before.items()
    (session,) = [path for path in before if path.endswith(".dat")]
    assert items(second).items() == new | {(session, before[session])}


def test_only_the_formats_that_are_wanted_are_sent(begin, service, tmp_path):
    RE, writers = begin(("jsonl", "csv"), FORMATS=["csv"])
    scan(RE)
    delivered(writers)
    (document,) = service.tasks.values()
    assert items(document) == {k: v for k, v in here(tmp_path).items() if "jsonl" not in k}


def test_what_a_format_gave_up_is_left_out_and_named(begin, service, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    RE, writers = begin(("jsonl", "csv"))
    monkeypatch.setattr(CsvFile, "sync", refuse)
    scan(RE)
    delivered(writers)
    (document,) = service.tasks.values()
    assert [PurePosixPath(path).suffix for path in items(document)] == [".jsonl"]
    assert any("its files of csv are incomplete and are not sent" in text for text in told(caplog))


def test_a_run_waits_for_images_that_are_copied(begin, service, monkeypatch):
    copied = []

    def work(_give_up):
        time.sleep(0.3)
        copied.append(len(service.tasks))
        return []

    monkeypatch.setattr(NexusFile, "afterwards", lambda _: work)
    RE, writers = begin(("jsonl", "nexus"))
    scan(RE)
    delivered(writers)
    assert copied == [0]
    (document,) = service.tasks.values()
    assert len(document["DATA"]) == 2


def test_what_the_collection_cannot_see_is_told(begin, service, tmp_path, caplog):
    root = tmp_path / "elsewhere"
    RE, writers = begin(LOCAL_ROOT=str(root))
    scan(RE)
    assert not writers.globus.outbox.paths()
    (text,) = told(caplog)
    assert f"not sent, as not below LOCAL_ROOT ({root}): {tmp_path / 'data'}" in text
    assert "Remedy: set LOCAL_ROOT" in text
    assert not service.tasks


def test_what_comes_without_a_run_engine_is_sent_too(begin, service, tmp_path):
    """As `listen` does: documents that nobody waits for."""
    RE, writers = begin()
    RE.unsubscribe(0)
    documents = []
    RE.subscribe(lambda name, doc: documents.append((name, doc)))
    scan(RE)
    for name, doc in documents:
        writers.post(name, doc)
    delivered(writers, writers.globus.status().delivered + 1)


# --- what fails -----------------------------------------------------------------------------------


def test_a_server_that_is_away_is_waited_for(begin, service, caplog):
    RE, writers = begin()
    port = service.port
    service.close()
    scan(RE)
    scan(RE)
    wait(lambda: writers.globus.status().trouble)
    status = writers.globus.status()
    assert str(status) == (
        "globus: 0 runs delivered, 2 waiting: ConnectionError on request (ConnectionError)"
    )
    time.sleep(0.5)
    again = GlobusService(port)
    try:
        delivered(writers, 2)
    finally:
        again.close()
    assert len(again.tasks) == 2
    first, second = told(caplog)
    assert "cannot be delivered now: ConnectionError" in first
    assert "Remedy: wait, or check the network" in first
    assert "globus: delivering again, after: ConnectionError" in second
    service._server.server_close()


@pytest.mark.parametrize("kind", ["submission_id", "transfer", "task", "oauth2"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(begin, service, caplog, kind, status):
    service.before[kind] = [error(status, "ServiceUnavailable", "busy") for _ in range(4)]
    RE, writers = begin()
    scan(RE)
    delivered(writers)
    assert len(service.tasks) == 1
    assert f"Globus answers {status} ServiceUnavailable: busy" in told(caplog)[0]


def test_the_time_that_a_server_asks_for_is_given_to_it(begin, service):
    busy = error(429, "TooManyRequests", "slow down", **{"Retry-After": "1"})
    service.before["transfer"] = [busy, busy]
    RE, writers = begin()
    began = time.monotonic()
    scan(RE)
    delivered(writers)
    assert time.monotonic() - began > 1


def test_an_answer_that_is_lost_makes_no_second_transfer(begin, service):
    service.after["transfer"] = [no_answer] * 3  # the SDK itself tries twice
    RE, writers = begin()
    scan(RE)
    delivered(writers)
    assert service.requests.count("transfer") == 4
    assert len(service.tasks) == 1
    assert service.requests.count("submission_id") == 1


def test_a_transfer_that_failed_is_submitted_anew(begin, service, caplog):
    fatal = {"code": "ENDPOINT_ERROR", "description": "its disk\nis full"}
    service.default_state = {"status": "FAILED", "fatal_error": fatal}
    RE, writers = begin()
    scan(RE)
    wait(lambda: len(service.tasks) == 2)
    service.default_state = {"status": "SUCCEEDED"}
    delivered(writers)
    first, second = service.tasks.values()
    assert first["submission_id"] != second["submission_id"]
    assert first["DATA"] == second["DATA"]
    (task, _) = service.tasks
    assert f"transfer {task} failed: ENDPOINT_ERROR; its disk is full" in told(caplog)[0]
    assert f"https://app.globus.org/activity/{task}" in told(caplog)[0]


def test_one_that_fails_too_often_is_kept_aside_and_can_be_tried_again(begin, service, caplog):
    service.default_state = {"status": "FAILED", "nice_status": "PERMISSION_DENIED"}
    RE, writers = begin()
    scan(RE)
    wait(lambda: writers.globus.status().refused == 1)
    assert len(service.tasks) == transfer.MOST_TASKS
    (kept,) = (writers.globus.outbox.folder / "refused").iterdir()
    assert f"move {kept} back to {writers.globus.outbox.folder}" in told(caplog)[-1]
    assert f"REFUSED:     1, kept in {kept.parent}" in str(writers.status())
    assert "PERMISSION_DENIED" in json.loads(kept.read_text())["refused"]
    service.default_state = {"status": "SUCCEEDED"}
    kept.rename(writers.globus.outbox.folder / kept.name)
    delivered(writers)


@pytest.mark.parametrize(
    "state",
    [
        {"status": "ACTIVE", "is_paused": True, "nice_status": "PAUSED_BY_ADMIN"},
        {"status": "INACTIVE", "nice_status": "EXPIRED"},
        {"status": "ACTIVE", "nice_status": "CONNECTION_FAILED", "nice_status_details": "no"},
    ],
    ids=lambda state: state["nice_status"],
)
def test_a_transfer_that_is_held_up_is_told_once_and_goes_on(begin, service, caplog, state):
    service.default_state = state
    RE, writers = begin()
    scan(RE)
    wait(lambda: service.requests.count("task") > 3)
    status = writers.globus.status()
    assert (status.under_way, status.waiting) == (1, 0)
    assert state["nice_status"] in str(status)
    service.default_state = {"status": "SUCCEEDED"}
    delivered(writers)
    first, second = told(caplog)
    assert state["nice_status"] in first
    assert "delivering again" in second
    assert len(service.tasks) == 1


def test_one_under_way_is_left_to_the_next_session(begin, service, caplog):
    service.default_state = {"status": "ACTIVE", "nice_status": "Queued"}
    RE, writers = begin()
    scan(RE)
    wait(lambda: service.requests.count("task") > 3)
    assert str(writers.globus.status()) == "globus: 0 runs delivered, 1 under way"
    began = time.monotonic()
    writers.close()
    assert time.monotonic() - began < 2
    assert not told(caplog)
    service.default_state = {"status": "SUCCEEDED"}
    _, later = begin()
    delivered(later)
    assert len(service.tasks) == 1


def test_what_is_refused_costs_no_other_run(begin, service, caplog):
    service.before["transfer"] = [error(400)]
    RE, writers = begin()
    scan(RE)
    wait(lambda: writers.globus.status().refused == 1)
    scan(RE)
    wait(lambda: writers.globus.status().delivered == 1)
    (text,) = told(caplog)
    assert "400 ClientError.BadRequest.NoTransferItems: A transfer requires at least" in text


def test_the_end_of_a_session_tells_what_waits(begin, service, caplog):
    service.before["transfer"] = [error(503, "Outage", "away") for _ in range(100)]
    RE, writers = begin()
    scan(RE)
    wait(lambda: writers.globus.status().trouble)
    writers.close()
    assert told(caplog)[-1] == (
        f"globus: 1 runs were not delivered (Globus answers 503 Outage: away). They wait in "
        f"{writers.globus.outbox.folder}: the next session, or another process with this outbox, "
        "delivers them."
    )
    service.before.clear()
    _, later = begin()
    delivered(later)


def test_a_transfer_that_is_not_known_any_more_can_be_sent_anew(begin, service):
    service.before["task"] = [error(404, "TaskNotFound", "no such task")]
    RE, writers = begin()
    scan(RE)
    wait(lambda: writers.globus.status().refused == 1)
    (kept,) = writers.globus.outbox.refused()
    kept.rename(writers.globus.outbox.folder / kept.name)
    delivered(writers)
    assert len(service.tasks) == 2


def test_whatever_fails_each_run_is_transferred_once(begin, service, caplog):
    """A lost answer, a lost question or a busy server at every third request or so."""
    chance = random.Random(7)
    faults = [no_answer, error(503, "Busy", "x"), error(429, "Slow", "x"), error(500, "Oh", "x")]
    for name in ("submission_id", "transfer", "task"):
        service.before[name] = faulty = []
        service.after[name] = lost = []
        for _ in range(60):
            faulty.append(chance.choice(faults) if chance.random() < 0.25 else None)
            lost.append(no_answer if chance.random() < 0.25 else None)
    RE, writers = begin(("jsonl", "csv"))
    uids = [scan(RE) for _ in range(12)]
    wait(lambda: writers.globus.status().delivered == 12, 100)
    sent = [item["source_path"] for task in service.tasks.values() for item in task["DATA"]]
    assert len(service.tasks) == 12
    assert len(sent) == len(set(sent)) == 12 * 3
    assert all(any(uid[:7] in path for path in sent) for uid in uids)


# --- who may --------------------------------------------------------------------------------------


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
    program = "from bluescribe.cli import main; main()"
    return subprocess.run(
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


# --- crashes and company --------------------------------------------------------------------------

SESSION = """
    import json, sys, time
    from bluesky import RunEngine
    import bluesky.plans as bp
    from ophyd.sim import det, motor
    from bluescribe import subscribe_writers
    from bluescribe.delivery.globus import transfer

    if __name__ == "__main__":
        transfer.SHORTEST_POLL = 0.05
        RE = RunEngine({"proposal": "GUP-7"}, context_managers=[])
        writers = subscribe_writers(RE, json.loads(sys.argv[1]))
        for _ in range(int(sys.argv[2])):
            RE(bp.scan([det], motor, 0, 1, 3))
        print("ready", flush=True)
        sys.stdin.readline()
"""


@pytest.fixture
def session(tmp_path):
    """Return what begins a session in a process of its own."""
    program = tmp_path / "session.py"
    program.write_text(dedent(SESSION))
    children = []

    def start(runs, **keys):
        arguments = [json.dumps(iconfig_for(tmp_path, **keys)), str(runs)]
        child = subprocess.Popen(
            [sys.executable, str(program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def test_a_process_killed_before_the_answer_makes_no_second_transfer(begin, service, session):
    def kill():
        child.kill()
        return no_answer()

    service.after["transfer"] = [kill]
    child = session(1)
    assert child.wait(60) == -signal.SIGKILL
    assert len(service.tasks) == 1
    _, writers = begin()
    delivered(writers)
    assert service.requests.count("transfer") == 2
    assert len(service.tasks) == 1


def test_a_process_that_ends_submits_what_is_ready(service, session, tmp_path):
    child = session(2)
    _, errors = child.communicate("\n", timeout=60)
    assert (child.returncode, errors) == (0, "")
    assert len(service.tasks) == 2


def test_one_process_sends_for_all_and_another_takes_over(begin, service, session):
    service.default_state = {"status": "ACTIVE"}
    child = session(1)
    assert child.stdout.readline() == "ready\n"
    wait(lambda: len(service.tasks) == 1)
    RE, writers = begin()
    scan(RE)
    time.sleep(0.5)
    assert writers.globus.status().under_way == 0, "the child has the lock"
    assert len(writers.globus.outbox.paths()) == 2
    service.default_state = {"status": "SUCCEEDED"}
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    wait(lambda: not writers.globus.outbox.paths())
    assert len(service.tasks) == 2


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formats", "keys", "message"),
    [
        ((), {}, "GLOBUS.ENABLE: found True; there are no files to send; switched on are: none"),
        (["csv"], {"FORMATS": ["nexus"]}, "GLOBUS.FORMATS: found 'nexus'; not written; switched"),
        (["csv"], {"SOURCE_ENDPOINT": "-"}, "GLOBUS.SOURCE_ENDPOINT: found nothing; needed: UUID"),
        (["csv"], {"SOURCE_ENDPOINT": "aps"}, "GLOBUS.SOURCE_ENDPOINT: found 'aps'; input should"),
        (["csv"], {"LOCAL_ROOT": "data"}, "GLOBUS.LOCAL_ROOT: found 'data'; an absolute folde"),
        (["csv"], {"DESTINATION_PATH": "x"}, "GLOBUS.DESTINATION_PATH: found 'x'; a folder that"),
        (["csv"], {"DESTINATION_PATH": "/x/../y"}, "GLOBUS.DESTINATION_PATH: found '/x/../y'; a"),
        (["csv"], {"DESTINATION_PATH": "/{0}{"}, "GLOBUS.DESTINATION_PATH: found '/{0}{'; not a"),
        (["csv"], {"LABEL": " "}, "GLOBUS.LABEL: found ' '; it must not be empty"),
        (["csv"], {"SYNC_LEVEL": "sum"}, "GLOBUS.SYNC_LEVEL: found 'sum'; input should be 'exist"),
        (["csv"], {"NOTIFI": "all"}, "GLOBUS.NOTIFI: unknown key; did you mean NOTIFY? Allowed "),
        (["csv"], {"ENABLE": "yes"}, "GLOBUS.ENABLE: found 'yes'; allowed are true and false"),
    ],
)
def test_mistakes_are_told(tmp_path, formats, keys, message):
    with pytest.raises(ConfigError) as caught:
        subscribe_writers(RunEngine(), iconfig_for(tmp_path, formats, **keys))
    assert str(caught.value).startswith(f"iconfig: {message}")


@pytest.mark.parametrize("key", ["CLIENT_SECRET", "TOKEN", "REFRESH_TOKENS", "PASSWORD", "api_key"])
@pytest.mark.parametrize("enable", [True, False])
def test_a_secret_is_refused_and_not_repeated(tmp_path, key, enable):
    with pytest.raises(ConfigError) as caught:
        subscribe_writers(
            RunEngine(), iconfig_for(tmp_path, ["csv"], ENABLE=enable, **{key: "hunter2"})
        )
    assert "Credentials come from the environment (GLOBUS_CLIENT_ID" in str(caught.value)
    assert key.upper() in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_sdk_is_not_imported_before_it_is_needed(tmp_path):
    program = """
        import json, sys
        from bluesky import RunEngine
        from bluescribe import subscribe_writers
        import bluescribe.formats
        for name in bluescribe.formats.format_names():
            bluescribe.formats.load_format(name)
        iconfig = json.loads(sys.argv[1])
        iconfig["GLOBUS"]["ENABLE"] = False
        subscribe_writers(RunEngine(), iconfig).close()
        print("globus_sdk" in sys.modules)
        iconfig["GLOBUS"]["ENABLE"] = True
        writers = subscribe_writers(RunEngine(), iconfig)
        print("globus_sdk.services.transfer" in sys.modules, "requests" in sys.modules)
        sys.modules["globus_sdk"] = None
        try:
            subscribe_writers(RunEngine(), iconfig)
        except ImportError as error:
            print(error)
    """
    arguments = [json.dumps(iconfig_for(tmp_path, ["csv"]))]
    done = subprocess.run(
        [sys.executable, "-c", dedent(program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    off, on, missing = done.stdout.splitlines()
    assert (off, on) == ("False", "True True")
    command = "pip install 'bluescribe[globus]'"
    assert missing == f"GLOBUS needs globus_sdk, which is not installed: {command}"


# --- names ----------------------------------------------------------------------------------------

VALUES = st.text(min_size=0, max_size=200) | st.sampled_from(["..", "/etc", "~", "a/../../b", "\0"])


def settings_for(**keys):
    known = {"source_endpoint": SOURCE, "destination_endpoint": DESTINATION, "local_root": "/data"}
    return GlobusSettings.validated("test", {**known, **keys})


@given(proposal=VALUES, user=VALUES)
def test_no_metadata_leads_out_of_the_destination(proposal, user):
    settings = settings_for(destination_path="/beamline/{proposal}/x{user}")
    files = [Path("/data/2026/a.h5"), Path("/data/b.h5")]
    start = {"uid": "u", "proposal": proposal, "user": user}
    found, outside = place(settings, files, start)
    assert not outside
    assert [source for source, _ in found] == ["/data/2026/a.h5", "/data/b.h5"]
    for (_, destination), depth in zip(found, (6, 5), strict=True):
        path = PurePosixPath(destination)
        assert path.is_relative_to("/beamline")
        assert ".." not in path.parts
        assert len(path.parts) == depth
        assert destination.isprintable() or "\x7f" not in destination
        destination.encode()


@given(sample=VALUES, number=st.none() | VALUES | st.integers())
def test_a_label_is_one_that_globus_takes(sample, number):
    start = {"uid": "0123456789", "sample": sample, "scan_id": number}
    label = label_of(settings_for(destination_path="/x", label="{sample}: {scan_id} {uid}"), start)
    assert 0 < len(label) <= 128
    assert label == label.strip()
    assert not set(label) & set("\r\n")
    label.encode()


def test_files_are_found_below_a_root_that_is_a_link(tmp_path):
    (tmp_path / "disk" / "run").mkdir(parents=True)
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    settings = settings_for(destination_path="/~/x").model_copy(
        update={"local_root": tmp_path / "data"}
    )
    files = [tmp_path / "disk" / "run" / "a.csv", tmp_path / "disk2" / "b.csv"]
    found, outside = place(settings, files, {})
    assert found == [(f"{tmp_path}/data/run/a.csv", "/~/x/run/a.csv")]
    assert outside == files[1:]
