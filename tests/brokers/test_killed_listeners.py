"""Three listeners, killed at random while runs come: each run is in each format, once."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from bluescribe.sources.brokers import BrokerOptions, open_broker
from tests.brokers.flood import POINTS, send, value
from tests.brokers.servers import serving
from tests.contracts import CONTRACTS
from tests.extent import IS_LONG

RUNS = 2000 if IS_LONG else 200
KILLS = 20 if IS_LONG else 1
"""Of each listener."""
LISTENERS = 3
IDLE_SECONDS = 2
FORMATS = ("csv", "jsonl")


class Listeners:
    """Listeners, each of which is started again when it was killed."""

    def __init__(self, folder, server):
        blocks = "".join(f"{name.upper()}_DATA_FILES: {{ENABLE: true}}\n" for name in FORMATS)
        iconfig = folder / "iconfig.yml"
        iconfig.write_text(f"DATA_FILES: {{DIRECTORY: {folder / 'data'}}}\n{blocks}")
        self._command = [
            *(sys.executable, "-m", "bluescribe", "listen", f"--{server.name}", server.address),
            *("--iconfig", str(iconfig), "--idle-seconds", str(IDLE_SECONDS)),
            *(f"--client={key}={value}" for key, value in server.quick.items()),
        ]
        self._log = (folder / "listeners.log").open("ab")
        self._running = [self._start() for _ in range(LISTENERS)]

    def _start(self):
        return subprocess.Popen(self._command, stdout=self._log, stderr=self._log)

    def kill(self, index):
        self._running[index].kill()
        self._running[index].wait()
        self._running[index] = self._start()

    def end(self):
        for process in self._running:
            process.terminate()
        self._log.close()
        return [process.wait(60) for process in self._running]


def stopped(folder):
    """Return how many runs are complete in both formats: one that was killed has written one."""
    if not folder.exists():
        return 0
    journals = sum(b'["stop",' in bytes_of(path) for path in folder.glob("*.jsonl"))
    packages = folder.glob("*.datapackage.json")
    return min(journals, sum(b'"complete"' in bytes_of(path) for path in packages))


def bytes_of(path):
    """Return what a file holds: nothing where a listener has just put it aside."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


@pytest.mark.ci
@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["redis", "nats", "kafka"])
def test_each_run_is_in_each_format_once(name, tmp_path):
    chance = random.Random(7)
    with serving(name, tmp_path / "server") as server:
        broker = open_broker(server.address, BrokerOptions())
        uids: list[str] = []
        sending = threading.Thread(target=lambda: uids.extend(send(broker, range(RUNS))))
        listeners = Listeners(tmp_path, server)
        sending.start()
        kills = [index for index in range(LISTENERS) for _ in range(KILLS)]
        chance.shuffle(kills)
        deadline = time.monotonic() + (1100 if IS_LONG else 100)
        for index in kills:
            time.sleep(chance.uniform(0.5, 2.0))
            listeners.kill(index)
        sending.join()
        while stopped(tmp_path / "data") < RUNS and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(2 * IDLE_SECONDS)  # whatever comes again is known
        assert listeners.end() == [0] * LISTENERS, (tmp_path / "listeners.log").read_text()
        broker.close()
    for format_name in FORMATS:
        runs = CONTRACTS[format_name]().read_back(tmp_path / "data")
        found = Counter(run.uid for run in runs)
        assert found == Counter(uids), format_name
        for run in runs:
            number = (run.start or {})["scan_id"]
            measured = [float(x) for x in run.events["primary"]["x"]]
            assert measured == [value(number, point) for point in range(POINTS)], format_name
