"""Another process sees the files grow while a real scan goes on, and complete at its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import bluesky.plans as bp
import h5py
import pytest

from bluescribe import subscribe_writers
from bluescribe.testing.shapes.devices import gauss, motor
from bluescribe.testing.shapes.engine import recording
from tests.contracts import CONTRACTS
from tests.readers.watch import READERS

POINTS = int(os.environ.get("BLUESCRIBE_LIVE_POINTS", "200"))
RATE = 50.0
PATIENCE = 2.0
"""Seconds after which a point has to be in the files: one is promised, and machines are busy."""


@pytest.fixture
def watcher(tmp_path):
    """Another process, which opens the files twice a second."""
    command = [sys.executable, "-m", "tests.readers.watch", str(tmp_path)]
    top = Path(__file__).resolve().parent.parent
    with subprocess.Popen(
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
