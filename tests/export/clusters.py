"""A Dask cluster in processes that can be killed, and an export that it carries out meanwhile.

``python -m tests.export.clusters FOLDER --runs 100000 --kills 10`` plays it at length.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from bluescribe.archive.exporting import Manifest
from bluescribe.archive.exporting.part import PARTS
from tests import warm
from tests.brokers.servers import Server
from tests.queue_server import is_open

POINTS = 10
IN_A_FOLDER = 1000
EXPORT = [sys.executable, "-m", "bluescribe", "export"]


class Cluster:
    """A scheduler and its workers."""

    def __init__(self, folder: Path, *options: str, workers: int = 2) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._options = folder, options
        self.port = Server.free_port()
        self.address = f"dask://127.0.0.1:{self.port}"
        self._log = (folder / "log").open("ab")
        self.scheduler = self._started("scheduler", "--host", "127.0.0.1", "--port", str(self.port))
        self.workers = [self._worker() for _ in range(workers)]

    def wait(self) -> None:
        """Wait until the scheduler answers."""
        deadline = time.monotonic() + 60
        while not is_open(self.port):
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def _started(self, kind: str, *options: str) -> subprocess.Popen[bytes]:
        module = f"distributed.cli.dask_{kind}"
        return warm.Popen(
            [sys.executable, "-m", module, "--no-dashboard", *options],
            stdout=self._log,
            stderr=self._log,
            cwd=self.folder,  # another one than that of the export
        )

    def _worker(self) -> subprocess.Popen[bytes]:
        place = ["--local-directory", str(self.folder / "scratch")]
        address = self.address.replace("dask", "tcp")
        return self._started(
            "worker", address, "--nthreads", "1", "--no-nanny", *place, *self._options
        )

    def kill_worker(self, index: int) -> None:
        """Kill a worker, and start another one."""
        self.workers[index].kill()
        self.workers[index].wait()
        self.workers[index] = self._worker()

    def kill_scheduler(self) -> None:
        """Kill the scheduler; its workers are left to themselves."""
        self.scheduler.kill()
        self.scheduler.wait()

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            with suppress(OSError):
                process.kill()
            process.wait()
        self._log.close()


def make_runs(folder: Path, count: int, points: int = POINTS) -> Path:
    """Write journals of synthetic runs, in folders as an instrument has them by day."""
    for number in range(1, count + 1):
        day = folder / f"{number // IN_A_FOLDER:04d}"
        day.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(pair) for pair in documents(number, points)]
        (day / f"{number:07d}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def documents(number: int, points: int) -> list[tuple[str, dict]]:
    uid, at = uid_of(number), 1.7e9 + number
    keys = {
        "x": {"dtype": "number", "shape": [], "source": "sim"},
        "n": {"dtype": "integer", "shape": [], "source": "sim"},
    }
    start = {"uid": uid, "time": at, "scan_id": number, "plan_name": "scan"}
    descriptor = {"uid": f"{uid}-d", "run_start": uid, "time": at, "name": "primary"}
    events: list[tuple[str, dict]] = [
        (
            "event",
            {
                "uid": f"{uid}-{row}",
                "descriptor": f"{uid}-d",
                "seq_num": row,
                "time": at + row,
                "data": {"x": value(number, row), "n": number * row},
                "timestamps": {"x": at, "n": at},
            },
        )
        for row in range(1, points + 1)
    ]
    stop = {"uid": f"{uid}-s", "run_start": uid, "time": at, "exit_status": "success"}
    return [
        ("start", start),
        ("descriptor", {**descriptor, "data_keys": keys}),
        *events,
        ("stop", {**stop, "num_events": {"primary": points}}),
    ]


def uid_of(number: int) -> str:
    return f"{number:07d}-run"


def value(number: int, row: int) -> float:
    return number + row / 7


def check_exactly_once(out: Path, count: int, points: int = POINTS) -> None:
    """Fail unless each run is there once in CSV and in JSON Lines, with all its values."""
    numbers = {uid_of(number): number for number in range(1, count + 1)}
    journals, packages = list(out.glob("*.jsonl")), list(out.glob("*.datapackage.json"))
    seen: Counter[str] = Counter()
    for journal in journals:
        docs = [json.loads(line) for line in journal.read_bytes().splitlines()]
        uid = docs[0][1]["uid"]
        seen[uid] += 1
        events = [doc for name, doc in docs if name == "event"]
        found = [(doc["seq_num"], doc["data"]["x"], doc["data"]["n"]) for doc in events]
        assert found == rows_of(numbers[uid], points), journal
        assert docs[-1][0] == "stop", journal
    assert seen == dict.fromkeys(numbers, 1)
    seen.clear()
    for package in packages:
        said = json.loads(package.read_bytes())
        seen[said["id"]] += 1
        assert said["state"] == "complete", package
        (resource,) = said["resources"]
        with (out / resource["path"]).open(newline="") as file:
            rows = list(csv.DictReader(file))
        read = [(int(row["seq_num"]), float(row["x"]), int(row["n"])) for row in rows]
        assert read == rows_of(numbers[said["id"]], points), package
    assert seen == dict.fromkeys(numbers, 1)
    tables = {json.loads(path.read_bytes())["resources"][0]["path"] for path in packages}
    known = {path.name for path in (*journals, *packages)} | tables | {Manifest.name}
    others = [path.name for path in out.iterdir() if path.name not in known]
    assert not others, f"{others} were left behind"


def rows_of(number: int, points: int) -> list[tuple[int, float, int]]:
    return [(row, value(number, row), number * row) for row in range(1, points + 1)]


class Written:
    """How many runs are over, in batches that go on and in those that are over."""

    def __init__(self, out: Path) -> None:
        self._out, self._read, self._lines = out, 0, 0

    def __call__(self) -> int:
        with suppress(OSError), (self._out / Manifest.name).open("rb") as manifest:
            manifest.seek(self._read)
            text = manifest.read()
            self._read += len(text)
            self._lines += text.count(b'["done"')
        now = 0
        for part in (self._out / PARTS).glob("export-*-*"):
            with suppress(OSError):
                now += part.read_bytes().count(b'["done"')
        return (self._lines + now) // 2


def begun(folder: Path, address: str, *options: str) -> subprocess.Popen[str]:
    command = [*EXPORT, "src", "--all", "--to", "csv,jsonl", "--out", "out", "--executor", address]
    return warm.Popen(
        [*command, *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def play(folder: Path, count: int, kills: int, points: int = POINTS, seed: int = 7) -> None:
    """Export while workers are killed and, half way, the scheduler; then the rest."""
    chance = random.Random(seed)
    out = folder / "out"
    clusters = [Cluster(folder / name) for name in ("first", "second")]  # they begin side by side
    cluster, spare = clusters
    cluster.wait()
    process = begun(folder, cluster.address)
    at = sorted(chance.sample(range(1, count), kills))
    half, written = count // 2, Written(out)
    try:
        for target in sorted([*at, half]):
            wait_until(lambda target=target: written() >= target, process)
            if target == half:
                cluster.kill_scheduler()
                told, _ = process.communicate(timeout=120)
                assert process.returncode == 1, told
                assert "is gone, or has dropped this export" in told, told
                assert "--resume" in told
                cluster = spare
                process = begun(folder, cluster.address, "--resume")
            else:
                cluster.kill_worker(chance.randrange(2))
        told, _ = process.communicate()
        assert process.returncode == 0, told
    finally:
        process.kill()
        for each in clusters:
            each.close()
    print(told.splitlines()[-1])
    check_exactly_once(out, count, points)


def wait_until(is_so, process, pause: float = 0.02) -> None:
    while not is_so():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(pause)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    asked = parser.parse_args()
    make_runs(asked.folder / "src", asked.runs)
    began = time.monotonic()
    play(asked.folder, asked.runs, asked.kills)
    print(f"{asked.runs} runs, each exactly once, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
