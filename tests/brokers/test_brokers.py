"""What a broker is asked for: jobs, who has them, what is refused; users and TLS."""

from __future__ import annotations

import logging
import subprocess
import sys
import time

import pytest

from bluescribe import JsonlWriter
from bluescribe.listening.jobs import Jobs
from bluescribe.listening.ledger import Ledger
from bluescribe.sources.brokers import BrokerOptions, Job, frames_of, open_broker
from bluescribe.sources.brokers.base import BrokerAwayError
from bluescribe.sources.brokers.kafka.settings import client_settings
from tests.brokers.flood import run, send
from tests.brokers.servers import QUEUES, serving
from tests.brokers.tls_proxy import TlsProxy

IDLE_SECONDS = 1.0


@pytest.fixture(params=QUEUES)
def server(request, tmp_path):
    with serving(request.param, tmp_path / "server") as found:
        yield found


def broker_at(server, name="one", group="g", idle_seconds=IDLE_SECONDS):
    options = BrokerOptions(name=name, group=group, idle_seconds=idle_seconds)
    return open_broker(server.address, options)


def taken(broker, number, seconds=10):
    """Return so many jobs."""
    jobs: list[Job] = []
    deadline = time.monotonic() + seconds
    while len(jobs) < number and time.monotonic() < deadline:
        jobs += broker.take(number - len(jobs))
        time.sleep(0.02)
    return jobs


def read(broker, documents, seconds=10):
    """Return the names of so many documents that come, by their runs."""
    found: dict[str, list[str]] = {}
    deadline = time.monotonic() + seconds
    while sum(len(names) for names in found.values()) < documents and time.monotonic() < deadline:
        for incoming in broker.poll(0.05):
            found.setdefault(incoming.uid, []).append(incoming.frame.name)
    return found


def test_a_run_is_one_listeners_and_what_is_done_is_gone(server):
    one, two = broker_at(server, "one"), broker_at(server, "two")
    uids = set(send(one, range(4)))
    mine, others = taken(one, 2), taken(two, 2)
    assert {job.uid for job in (*mine, *others)} == uids
    names = ["start", "descriptor", *["event"] * 10, "stop"]
    assert read(one, 26) == {job.uid: names for job in mine}
    assert read(two, 26) == {job.uid: names for job in others}
    for broker, jobs in ((one, mine), (two, others)):
        for job in jobs:
            broker.done(job.uid)
    time.sleep(1.5 * IDLE_SECONDS)
    assert one.take(5) == two.take(5) == []
    one.close()
    two.close()


def test_the_runs_of_a_silent_listener_go_to_another_from_their_start(server):
    one, two = broker_at(server, "one"), broker_at(server, "two")
    (uid,) = send(one, range(1))
    assert [job.uid for job in taken(one, 1)] == [uid]
    read(one, 13)
    for _ in range(4):  # it lives
        time.sleep(IDLE_SECONDS / 3)
        assert one.beat() == set()
        assert two.take(1) == []
    (job,) = taken(two, 1)
    assert job.uid == uid
    assert len(read(two, 13)[uid]) == 13
    if server.name == "redis":  # NATS does not say whose a run is
        assert one.beat() == {uid}
    one.close()
    two.close()


def test_what_is_sent_again_is_no_second_run(server):
    one = broker_at(server, idle_seconds=30)
    uids = send(one, range(2), seed=3)
    documents = list(run(0))
    uid = documents[0][1]["uid"]
    for _ in range(2):
        for number, (name, doc) in enumerate(documents, 1):
            frames = frames_of(number, name, doc, encoding="msgpack", part_bytes=99)
            one.send(uid, frames)
    jobs = taken(one, 4, seconds=2)
    assert sorted(job.uid for job in jobs) == sorted([*uids, uid])
    one.close()


def test_each_group_gets_all_runs(server):
    one, two = broker_at(server, group="files"), broker_at(server, group="archive")
    two.take(1)  # it is known from now on
    one.take(1)
    (uid,) = send(one, range(1))
    assert [job.uid for job in taken(one, 1)] == [uid]
    one.done(uid)
    assert [job.uid for job in taken(two, 1)] == [uid]
    assert len(read(two, 13)[uid]) == 13
    two.done(uid)
    one.close()
    two.close()


def test_a_run_that_ends_its_listeners_is_put_aside(server, tmp_path, caplog):
    sender = broker_at(server)
    (uid,) = send(sender, range(1))
    sender.close()
    ledger = Ledger(tmp_path / "data")
    for number in range(5):
        victim = broker_at(server, f"victim {number}", idle_seconds=0.3)
        assert [job.uid for job in taken(victim, 1)] == [uid]
        ledger.begin(uid, "jsonl", f"victim {number}")
        victim.close()
    last = broker_at(server, "last", idle_seconds=0.3)
    with JsonlWriter(tmp_path / "data") as writer:
        jobs, deadline = Jobs(last, [writer], BrokerOptions()), time.monotonic() + 10
        while "put aside" not in caplog.text and time.monotonic() < deadline:
            jobs.take(5)
            time.sleep(0.05)
    (told,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert uid in told.getMessage()
    time.sleep(0.6)
    assert last.take(5) == []
    last.close()


DEADLY = """
import os, sys
from bluescribe.listening import jobs, listen_to_broker
from bluescribe.sources.brokers import BrokerOptions
post = jobs.Jobs._post

def deadly(self, run, name, doc):
    if name == "stop" and run.uid == sys.argv[3]:
        os._exit(9)
    post(self, run, name, doc)

jobs.Jobs._post = deadly
iconfig = {"DATA_FILES": {"DIRECTORY": sys.argv[2]}, "JSONL_DATA_FILES": {"ENABLE": True}}
listen_to_broker(sys.argv[1], iconfig, options=BrokerOptions(group="g", idle_seconds=1.0))
"""


@pytest.mark.ci
def test_a_run_that_ends_its_listeners_takes_no_other_aside(server, tmp_path):
    """Though the others that a listener has are charged with its end, too."""
    sender = broker_at(server)
    uids = send(sender, range(40))
    sender.close()
    deadly, ended = uids[12], 0
    command = [sys.executable, "-c", DEADLY, server.address, str(tmp_path / "data"), deadly]
    said, told = tmp_path / "said", ""
    while "put aside" not in told and ended < 9:
        with said.open("w") as stderr, subprocess.Popen(command, stderr=stderr) as listener:
            deadline = time.monotonic() + 60
            while listener.poll() is None and "put aside" not in told:
                assert time.monotonic() < deadline, "it neither ends nor puts a run aside"
                time.sleep(0.05)
                told = said.read_text()
            while listener.poll() is None and written(tmp_path / "data") < 39:
                assert time.monotonic() < deadline, "the others are put aside as well"
                time.sleep(0.05)
            listener.terminate()
        ended += listener.returncode == 9
        told = said.read_text()
    assert ended == 5
    (line,) = [line for line in told.splitlines() if "put aside" in line]
    assert line.startswith(f"run {deadly}")
    assert written(tmp_path / "data") == 39


def written(folder):
    return sum(b'["stop",' in path.read_bytes() for path in folder.glob("*.jsonl"))


@pytest.mark.parametrize("name", ["redis", pytest.param("nats", marks=pytest.mark.ci)])
def test_a_broker_that_is_not_there_is_away(name):
    pytest.importorskip(name, reason=f"not installed: {name}")
    broker = open_broker(f"{name}://127.0.0.1:9", BrokerOptions(client={}))
    with pytest.raises(BrokerAwayError, match=r"Redis|NATS"):
        broker.take(1)
    broker.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("openssl makes no certificate")
    return folder / "cert.pem", folder / "key.pem"


def test_redis_with_tls_and_a_password(certificate, tmp_path):
    cert, key = map(str, certificate)
    tls = ("--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert)
    secured = (*tls, "--tls-auth-clients", "no", "--requirepass", "secret")
    with serving("redis", tmp_path / "server", "--tls-port", "0", *secured) as plain:
        port = plain.free_port()
        plain.stop()
        plain.restart("--tls-port", str(port), *secured)
        address = f"rediss://127.0.0.1:{port}"
        client = {"ssl_ca_certs": cert, "password": "secret"}
        broker = open_broker(address, BrokerOptions(client=client))
        (uid,) = send(broker, range(1))
        assert [job.uid for job in taken(broker, 1)] == [uid]
        broker.close()
        refused = open_broker(address, BrokerOptions(client={"ssl_ca_certs": cert}))
        with pytest.raises(BrokerAwayError, match="uthenticat"):
            refused.take(1)
        refused.close()


def test_nats_with_tls_and_a_user(certificate, tmp_path):
    cert, key = map(str, certificate)
    secured = ("--tls", "--tlscert", cert, "--tlskey", key, "--user", "me", "--pass", "secret")
    with serving("nats", tmp_path / "server", *secured) as server:
        address = server.address.replace("nats://", "tls://")
        client = {"ssl_ca_certs": cert, "user": "me", "password": "secret"}
        broker = open_broker(address, BrokerOptions(client=client))
        (uid,) = send(broker, range(1))
        assert [job.uid for job in taken(broker, 1)] == [uid]
        broker.close()


def test_kafka_with_tls(certificate, tmp_path, monkeypatch):
    pytest.importorskip("confluent_kafka", reason="not installed: confluent_kafka")
    from bluescribe.sources.brokers.kafka import group

    monkeypatch.setattr(group, "_CALL_SECONDS", 1.0)
    cert, key = certificate
    with serving("kafka", tmp_path) as server:
        proxy = TlsProxy(server.port, cert, key)
        address = f"kafkas://127.0.0.1:{proxy.port}"
        client = {"ssl_ca_certs": str(cert), **server.quick}
        broker = open_broker(address, BrokerOptions(client=client))
        (uid,) = send(broker, range(1))
        jobs: list[Job] = []
        deadline = time.monotonic() + 10
        while not jobs and time.monotonic() < deadline:
            jobs = broker.take(1)
            broker.poll(0.1)
        assert [job.uid for job in jobs] == [uid]
        broker.close()
        stranger = open_broker(address, BrokerOptions(client=server.quick))
        with pytest.raises(BrokerAwayError, match="certificate verify failed"):
            stranger.take(1)
        stranger.close()
        proxy.close()


@pytest.mark.parametrize(
    ("address", "client", "expected"),
    [
        ("kafka://h", {}, {"security.protocol": "PLAINTEXT", "bootstrap.servers": "h:9092"}),
        (
            "kafkas://me:se%40cret@h:9093,i",
            {"sasl_mechanism": "SCRAM-SHA-512"},
            {
                "bootstrap.servers": "h:9093,i:9092",
                "security.protocol": "SASL_SSL",
                "sasl.mechanisms": "SCRAM-SHA-512",
                "sasl.username": "me",
                "sasl.password": "se@cret",
            },
        ),
        (
            "kafka://h",
            {"sasl.mechanism": "GSSAPI", "security.protocol": "SASL_PLAINTEXT"},
            {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "GSSAPI"},
        ),
        (
            "kafka://h",
            {"ssl_ca_certs": "/ca", "ssl_certfile": "/c", "ssl_keyfile": "/k"},
            {
                "security.protocol": "SSL",
                "ssl.ca.location": "/ca",
                "ssl.certificate.location": "/c",
                "ssl.key.location": "/k",
            },
        ),
    ],
)
def test_users_and_certificates_of_kafka(address, client, expected):
    found = client_settings(address, client)
    assert {key: found.get(key) for key in expected} == expected
