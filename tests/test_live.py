"""Another process sees the files grow while a real scan goes on, and complete at its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import bluesky.plans as bp
import h5py
import pytest
from event_model import compose_run

from bluescribe import NexusWriter, subscribe_writers
from bluescribe.testing.shapes.devices import gauss, motor
from bluescribe.testing.shapes.engine import recording
from tests import warm
from tests.contracts import CONTRACTS
from tests.readers.watch import READERS

POINTS = int(os.environ.get("BLUESCRIBE_LIVE_POINTS", "200"))
RATE = 50.0
IS_LONG = os.environ.get("BLUESCRIBE_LONG_LIVE") == "1"
GRID, READS = ((200, 200), 1000) if IS_LONG else ((50, 100), 100)
PATIENCE = 2.0
"""Seconds after which a point has to be in the files: one is promised, and machines are busy."""


@pytest.fixture
def watcher(tmp_path):
    """Another process, which opens the files twice a second."""
    command = [sys.executable, "-m", "tests.readers.watch", str(tmp_path)]
    top = Path(__file__).resolve().parent.parent
    with warm.Popen(
        command, cwd=top, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == "ready"
        yield process
        process.kill()


@pytest.mark.timeout(120)
def test_files_grow_while_a_scan_goes_on(tmp_path, watcher):
    switches: dict[str, Any] = {
        f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in CONTRACTS
    }
    with recording() as (engine, documents):
        writers = subscribe_writers(
            engine, {"DATA_FILES": {"DIRECTORY": str(tmp_path)}, **switches}
        )
        m1 = motor()
        engine(bp.count([gauss(m1)], num=POINTS, delay=1 / RATE))
        seen, _ = watcher.communicate("end", timeout=30)
        for name, contract in CONTRACTS.items():  # before close(): complete when RE() returns
            contract().check_runs(contract().read_back(tmp_path), documents)
            assert not getattr(writers, name).status().failures
        (path,) = tmp_path.glob("*.hdf")
        with h5py.File(path, "r") as file:
            assert len(file["entry/data/det"]) == POINTS
        writers.close()
    looks = [json.loads(line) for line in seen.splitlines()]
    times = [doc["time"] for name, doc in documents if name == "event"]
    for name in READERS:
        check_growth([look for look in looks if look[f"{name} at"] < times[-1]], name, times)


def check_growth(looks, name, times):
    """Fail unless every look saw all points but the latest, and more and more of them."""
    points = [look[name] for look in looks]
    wrong = [found for found in points if not isinstance(found, int)]
    assert not wrong, f"{name}: {wrong}"
    assert points == sorted(points), f"{name}: points vanished: {points}"
    assert len({*points}) > len(times) / RATE / 2, f"{name}: hardly grew: {points}"
    for look in looks:
        due = sum(time < look[f"{name} at"] - PATIENCE for time in times)
        assert look[name] >= due, f"{name}: {look[name]} of {due} points were there: {points}"


@pytest.mark.timeout(300)
def test_silx_never_fails_to_plot_a_grid_that_grows(tmp_path):
    """BLUESCRIBE_LONG_LIVE=1 takes 200 x 200 points and reads a thousand times."""
    command = [sys.executable, "-m", "tests.readers.watch_plot", str(tmp_path), str(READS)]
    top = Path(__file__).resolve().parent.parent
    with (
        warm.Popen(command, cwd=top, text=True, stdout=subprocess.PIPE) as process,
        NexusWriter(tmp_path) as writer,
    ):
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == "ready"
        late = feed_grid(writer)
        reads = json.loads(process.stdout.readline())
    failed = [found for found in reads["seen"] if not isinstance(found, int)]
    print(
        f"{len(reads['seen'])} reads in {reads['seconds']:.1f} s, {len(failed)} failed; "
        f"opened again {reads['opened again']} times; {len({*reads['seen']})} sizes seen; "
        f"the feeding was {late:.3f} s late at the most"
    )
    assert not failed, failed[:3]
    assert reads["seen"] == sorted(reads["seen"]), "points vanished"
    assert len({*reads["seen"]}) > 2, "it hardly grew"
    assert not writer.status().failures


def feed_grid(writer: NexusWriter) -> float:
    """Feed a snaked grid at 1 kHz; return by how many seconds the slowest event was late."""
    slow, fast = GRID
    metadata = {
        "scan_id": 1,
        "plan_name": "grid_scan",
        "motors": ["m1", "m2"],
        "shape": GRID,
        "extents": [[0, slow - 1], [0, fast - 1]],
        "snaking": [False, True],
        "num_points": slow * fast,
        "hints": {"dimensions": [[["m1"], "primary"], [["m2"], "primary"]]},
        "detectors": ["det"],
    }
    made = compose_run(metadata=metadata)
    key = {"dtype": "number", "shape": [], "source": "x"}
    names = ("m1", "m2", "det")
    stream = made.compose_descriptor(
        name="primary",
        data_keys={name: {**key, "object_name": name} for name in names},
        hints={name: {"fields": [name]} for name in names},
        object_keys={name: [name] for name in names},
    )
    docs: list[tuple[str, Any]] = [
        ("start", made.start_doc),
        ("descriptor", stream.descriptor_doc),
    ]
    for name, doc in docs:
        writer(name, doc)
    began, late = time.monotonic(), 0.0
    stamps = dict.fromkeys(names, 1.0)
    for number in range(slow * fast):
        line, at = divmod(number, fast)
        position = fast - 1 - at if line % 2 else at
        data = {"m1": float(line), "m2": float(position), "det": float(number)}
        event: Any = stream.compose_event(data=data, timestamps=stamps, validate=False)
        wait = began + number / 1000 - time.monotonic()
        late = max(late, -wait)
        if wait > 0:
            time.sleep(wait)
        writer("event", event)
    stop: Any = made.compose_stop()
    writer("stop", stop)
    return late
