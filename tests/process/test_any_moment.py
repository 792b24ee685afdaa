"""Processes, sessions, or both, are killed at any moment: no value is wrong, missing or double."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bluescribe.archive.adoption.adopting import adopt
from bluescribe.spool.folder import has_left_folders
from bluescribe.spool.home import known_homes
from tests import warm
from tests.extent import IS_LONG
from tests.process.children import FORMATS, eventually, processes, strike, writing
from tests.process.test_deaths import ALL, check, scan

pytestmark = [pytest.mark.ci, pytest.mark.usefixtures("processes"), pytest.mark.timeout(300)]
TOP = Path(__file__).resolve().parents[2]
SEEDS = range(int(os.environ.get("BLUESCRIBE_KILLS", "6" if IS_LONG else "2")))
RUNS, POINTS = 6, 30


@pytest.mark.parametrize("seed", SEEDS)
def test_processes_are_killed_at_any_moment(seed, tmp_path):
    """Too seldom for a run to be given up."""
    dice, is_over = random.Random(seed), threading.Event()

    def kill() -> None:
        for _ in range(3):
            if is_over.wait(dice.uniform(0.0, 2.5)):
                return
            strike()

    with writing(tmp_path, (*FORMATS, "jsonl")) as (engine, writers, documents):
        killer = threading.Thread(target=kill)
        killer.start()
        for _ in range(RUNS):
            engine(scan(points=POINTS))
        is_over.set()
        killer.join()
        assert writers.flush(60)
        statuses = writers.status()
        assert not any(status.failures or status.late for status in statuses.values())
    check(tmp_path, documents, (*FORMATS, "jsonl"))
    for name in FORMATS:
        uids = [run.uid for run in ALL[name]().read_back(tmp_path)]
        assert len(uids) == len(set(uids)) == RUNS, "each run has one file that is not put aside"
    assert not list(tmp_path.glob("*.owed"))
    assert not list(tmp_path.glob("*.part"))


SESSION = """
import json, sys
from bluescribe import subscribe_writers
from bluescribe.testing.shapes.engine import recording
from tests.process.test_deaths import scan
with recording() as (engine, _):
    subscribe_writers(engine, json.loads(sys.argv[1]))
    print("begun", flush=True)
    while True:
        engine(scan(points=30))
"""


@pytest.mark.parametrize("both", [False, True], ids=["session", "both"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_session_is_killed_at_any_moment(seed, both, tmp_path):
    """The spool has what the journal has, and is the last tenth of a second behind."""
    blocks = {f"{n.upper()}_DATA_FILES": {"ENABLE": True} for n in (*FORMATS, "jsonl")}
    config = json.dumps({"DATA_FILES": {"DIRECTORY": str(tmp_path)}, **blocks})
    command = [sys.executable, "-c", SESSION, config]
    process = warm.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(random.Random(f"{seed} {both}").uniform(0.2, 3.0))
    children = processes(of=process.pid)
    process.kill()
    if both:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
    process.communicate()
    eventually(lambda: not processes(of=1))
    if not any(map(has_left_folders, known_homes(None))):
        assert not list(tmp_path.iterdir()), "it had hardly begun"
        return
    steps = adopt()
    others = [str(step) for step in steps if step.outcome != "written anew"]
    assert not others, others
    found = {name: runs_of(name, tmp_path) for name in (*FORMATS, "jsonl")}
    for name in FORMATS:
        assert found[name] == found["jsonl"], name


def runs_of(name, folder):
    """Return the points of each run; a run has one file that is not put aside."""
    runs = ALL[name]().read_back(folder)
    points = {run.uid: list(run.seq_num.get("primary", ())) for run in runs}
    assert len(points) == len(runs)
    assert all(each == list(range(1, len(each) + 1)) for each in points.values())
    return {uid: each for uid, each in points.items() if each}  # dx has no file without an image
