"""A listener as a service: its process, asked over HTTP, told to stop, watched by systemd."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from bluescribe import JsonlWriter
from bluescribe.errors import ConfigError
from bluescribe.listening import health as health_module
from bluescribe.listening.health import Health
from bluescribe.listening.service import serving_health
from tests.brokers.mock_kafka import MockKafka
from tests.brokers.topics import Topic, sent
from tests.needs import needs

needs("confluent_kafka", "msgpack", "prometheus_client")

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
UNIT = PACKAGING / "systemd" / "bluescribe-listen@.service"


def asked(address, path):
    """Return the status of an answer, and what it says."""
    try:
        with urllib.request.urlopen(f"{address}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metrics_of(address):
    from prometheus_client.parser import text_string_to_metric_families

    families = text_string_to_metric_families(asked(address, "/metrics")[1])
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def wait_for(condition, seconds=40):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class Service:
    """The command in a process, as systemd starts it."""

    def __init__(self, folder, topic):
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.bind(str(folder / "notify"))
        self.told.settimeout(60)
        iconfig, self.log = folder / "iconfig.yml", folder / "log"
        iconfig.write_text(
            f"DATA_FILES: {{DIRECTORY: {folder / 'data'}}}\n"
            "JSONL_DATA_FILES: {ENABLE: true}\nCSV_DATA_FILES: {ENABLE: true}\n"
        )
        client = folder / "client.yml"
        client.write_text("".join(f"{key}: {value}\n" for key, value in topic.server.quick.items()))
        command = [
            *(sys.executable, "-m", "bluescribe", "listen", "--http", "127.0.0.1:0"),
            *("--kafka", f"127.0.0.1:{topic.server.port}", "--topic", topic.name),
            *("--iconfig", str(iconfig), "--client-file", str(client), "--group", topic.name),
        ]
        environment = {"NOTIFY_SOCKET": str(folder / "notify"), "PYTHONUNBUFFERED": "1"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **environment}
            )

    def says(self):
        return self.told.recv(1000).decode()

    def address(self):
        found = re.search(r"http://127.0.0.1:\d+", self.log.read_text())
        assert found, self.log.read_text()
        return found[0]


def test_metrics_tell_what_was_written(tmp_path):
    server, health = MockKafka(), Health("a topic")
    topic = Topic(server)
    with serving_health("127.0.0.1:0", health) as address:
        assert asked(address, "/ready") == (503, "a topic: it was not reached yet\n")
        assert metrics_of(address)["bluescribe_ready",] == 0
        with topic.listening(JsonlWriter(tmp_path), health=health):
            sent(topic.broker(), 1)
            done = ("bluescribe_runs_total", "jsonl", "complete")
            wait_for(lambda: metrics_of(address).get(done) == 1)
            assert metrics_of(address)["bluescribe_events_written_total", "jsonl"] == 10
            assert asked(address, "/ready") == (200, "ok\n")
        assert asked(address, "/ready") == (503, "it is being stopped\n")
    server.close()


@pytest.mark.ci
def test_a_service_from_its_start_to_its_end(tmp_path):
    server = MockKafka()
    topic = Topic(server)
    service = Service(tmp_path, topic)
    try:
        assert service.says().startswith("READY=1\n")
        address = service.address()
        assert asked(address, "/ready") == (200, "ok\n")
        assert asked(address, "/live") == (200, "ok\n")
        assert asked(address, "/elsewhere")[0] == 404
        sender = topic.broker()
        for number in (1, 2):
            sent(sender, number)
        long = sent(sender, 3, slice(0, 5))
        done = ("bluescribe_runs_total", "jsonl", "complete")
        wait_for(lambda: metrics_of(address).get(done) == 2)
        wait_for(lambda: metrics_of(address).get(("bluescribe_source_lag",)) == 0)
        found = metrics_of(address)
        assert found["bluescribe_source_up",] == found["bluescribe_ready",] == 1
        assert found["bluescribe_received_documents_total",] == 2 * 13 + 5
        assert found["bluescribe_received_bytes_total",] > 1000
        assert found["bluescribe_open_runs",] == 1
        assert found["bluescribe_events_written_total", "csv"] == 2 * 10 + 3
        size = sum(
            p.stat().st_size
            for p in (tmp_path / "data").glob("*.jsonl")
            if long not in p.read_text()
        )
        assert found["bluescribe_file_bytes_total", "jsonl"] == size
        assert abs(found["bluescribe_last_document_timestamp_seconds",] - time.time()) < 60

        server.stop()
        wait_for(lambda: asked(address, "/ready")[0] == 503)
        assert "Kafka" in asked(address, "/ready")[1]
        assert asked(address, "/live")[0] == 200
        assert metrics_of(address)["bluescribe_source_up",] == 0
        server.start()
        wait_for(lambda: asked(address, "/ready")[0] == 200)
        wait_for(lambda: metrics_of(address)["bluescribe_open_runs",] == 1)
        wait_for(lambda: topic.committed() == 2 * 13)

        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(60) == 0, service.log.read_text()
        assert service.says() == "STOPPING=1"
        assert f"the next listener writes anew: run {long}\n" in service.log.read_text()
        assert topic.committed() == 2 * 13  # the next listener begins at the open run's start
    finally:
        service.process.kill()
        service.process.wait()
        service.told.close()
        server.close()


def test_a_listener_whose_disk_refuses_is_not_ready_but_alive(monkeypatch):
    class Refused:
        retrying, late = "No space left on device", ()

    class Writers:
        def on_complete(self, tell):
            pass

        def status(self):
            return {"csv": Refused}

    health = Health("a broker")
    assert health.why_not_ready() == "a broker: it was not reached yet"
    health.watch(Writers())  # type: ignore[arg-type]
    health.turn()
    assert health.why_not_ready() == "csv: No space left on device"
    monkeypatch.setattr(health_module, "_LONGEST_TURN", -1.0)
    assert health.why_not_alive() == ""
    Refused.retrying = ""
    assert health.why_not_ready() == ""
    assert health.why_not_alive().startswith("nothing has turned for")


@pytest.mark.parametrize("place", ["9464", "127.0.0.1:", "127.0.0.1:70000", "no.such.host.:9464"])
def test_a_place_where_nothing_can_be_served_is_told(place):
    with pytest.raises(ConfigError, match="--http"), serving_health(place, Health("x")):
        pass


def test_a_port_that_is_taken_is_told():
    with (
        serving_health("127.0.0.1:0", Health("x")) as address,
        pytest.raises(ConfigError, match="already in use"),
        serving_health(address.removeprefix("http://"), Health("y")),
    ):
        pass


def options_of_listen():
    said = subprocess.run(
        [sys.executable, "-m", "bluescribe", "listen", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    return set(re.findall(r"--[a-z-]+", said.stdout))


def test_the_unit_is_one_that_systemd_takes(tmp_path):
    """Its command has options that there are; systemd says of the rest what it does not know."""
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    assert unit["Service"]["Type"] == "notify"
    command = shlex.split(unit["Service"]["ExecStart"].replace("\\\n", " "))
    assert {word for word in command if word.startswith("--")} <= options_of_listen()
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("not installed: systemd-analyze")
    (tmp_path / "bluescribe").symlink_to("/bin/true")
    tried = tmp_path / "bluescribe-listen@8idi.service"
    text = UNIT.read_text().replace("/opt/bluescribe/bin/", f"{tmp_path}/")
    tried.write_text(text)
    done = subprocess.run([analyze, "verify", tried], capture_output=True, text=True, check=False)
    mine = [line for line in done.stderr.splitlines() if "bluescribe" in line]
    assert not mine, mine


def test_the_container_file_names_what_there_is():
    text = (PACKAGING / "container" / "Containerfile").read_text().replace("\\\n", " ")
    steps = dict(
        re.findall(r"^(?:HEALTHCHECK [^[]*)?(RUN|ENTRYPOINT|CMD|[ ]*CMD) (.*)$", text, re.M)
    )
    extras = re.search(r"\$\{BLUESCRIBE\}\[([a-z,]+)\]", steps["RUN"])
    assert extras
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras[1].split(",")) <= set(project["optional-dependencies"])
    entry = json.loads(steps["ENTRYPOINT"])
    assert entry[:2] == ["bluescribe", "listen"]
    assert {word for word in entry if word.startswith("--")} <= options_of_listen()
