"""Sessions that end, fork, are killed or interrupted, and processes that hang."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import bluesky.plan_stubs as bps
import h5py
import pytest

from bluescribe import NexusWriter
from bluescribe.archive.adoption.adopting import adopt
from bluescribe.contract.report import RunReport
from bluescribe.recording.process import is_safe_in_a_process
from bluescribe.spool.folder import has_left_folders
from bluescribe.spool.home import known_homes
from tests import warm
from tests.process import hooked
from tests.process.children import eventually, processes, strike, writing
from tests.process.test_deaths import check, keyed, scan
from tests.system.faults.instrument import Detector

pytestmark = pytest.mark.usefixtures("processes")
TOP = Path(__file__).resolve().parents[2]
PAIR = ("nexus", "jsonl")


def is_alive(pid: int) -> bool:
    """Tell whether a process has files open: one that is killed ends thread by thread."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return len(threads) > 1 or stat.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def session(tmp_path):
    """Begin sessions that wait in the middle of a run; return each with the pids of its own."""
    begun, told = [], []

    def begin(*steps, formats=PAIR):
        blocks = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in formats}
        config = json.dumps({"DATA_FILES": {"DIRECTORY": str(tmp_path)}, **blocks})
        process = warm.Popen(
            [sys.executable, "-m", "tests.process.hooked", config, *steps],
            cwd=TOP,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        assert process.stdout is not None
        told.append(json.loads(process.stdout.readline()))
        return process, (told[-1]["pid"], *told[-1]["children"])

    yield begin
    for process, its in zip(begun, told, strict=True):
        process.kill()
        if its["fork"]:
            os.kill(its["fork"], signal.SIGKILL)
        process.communicate()


def test_a_session_that_ends_leaves_no_process(session, tmp_path):
    process, (_, *children) = session()
    assert len(children) == 1
    process.communicate("go on\n", timeout=60)
    assert process.returncode == 0
    assert not any(map(is_alive, children))
    check(tmp_path, journal(tmp_path), ("nexus",))


def test_one_that_leaves_at_once_has_its_files_closed(session, tmp_path):
    """As a worker of the queueserver does, by os._exit."""
    process, (_, *children) = session("exit")
    process.communicate("go on\n", timeout=60)
    eventually(lambda: not any(map(is_alive, children)))
    check(tmp_path, journal(tmp_path), ("nexus",))


def journal(folder):
    lines = [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
        for line in path.read_text().splitlines()
    ]
    return [tuple(line) for line in lines]


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("forked", [False, True])
def test_a_session_that_is_killed_is_finished_by_the_next(session, tmp_path, both, forked):
    """Its process ends with it, also where a forked child of the session lives on."""
    process, (pid, *children) = session(*(["fork"] if forked else []))
    os.kill(pid, signal.SIGKILL)
    if both:
        for child in children:
            os.kill(child, signal.SIGKILL)
    eventually(lambda: not any(map(is_alive, [pid, *children])))
    for path in tmp_path.glob("*.hdf"):
        if not both:
            with h5py.File(path) as file:  # it was closed
                assert len(file["entry/data/EPOCH"]) in (5, 8)
    eventually(lambda: any(map(has_left_folders, known_homes(None))))  # the system is slow
    steps = adopt()
    assert {step.outcome for step in steps} == {"written anew"}, steps
    check(tmp_path, journal(tmp_path), PAIR)
    assert process.wait(60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_that_are_meant_for_the_session_leave_its_processes_alone(tmp_path, number):
    with writing(tmp_path, PAIR) as (engine, _, documents):
        engine(scan({4: lambda: strike(number)}))
        before = processes()
        engine(scan())
        assert processes() == before
    check(tmp_path, documents, PAIR)
    assert not list(tmp_path.glob("*.damaged"))


@pytest.mark.ci
def test_one_that_hangs_holds_nobody_up(tmp_path):
    with writing(tmp_path, PAIR, DRAIN_TIMEOUT=0.5) as (engine, writers, documents):
        engine(scan())
        strike(signal.SIGSTOP)
        timer = threading.Timer(6.0, strike, [signal.SIGCONT])
        timer.start()
        began = time.monotonic()
        engine(scan())
        assert writers.status()["nexus"].backlog
        assert not writers.flush(1.0)
        assert time.monotonic() - began < 5
        check(tmp_path, documents, ("jsonl",))
    check(tmp_path, documents, PAIR)


def test_what_a_process_logs_is_logged_in_the_session(tmp_path, caplog):
    """With its level, its logger and its traceback."""
    caplog.set_level(logging.WARNING)
    with writing(tmp_path, ("nexus",), FILE_NAME="{no_such_key}") as (engine, _, _):
        engine(scan())
    told = [r for r in caplog.records if "no_such_key" in r.getMessage()]
    assert [(r.levelname, r.name.split(".")[0]) for r in told] == [("WARNING", "bluescribe")]


@pytest.mark.parametrize(
    ("kind", "is_safe"),
    [(NexusWriter, True), (hooked.HookedWriter, False), (hooked.SafelyHookedWriter, True)],
)
def test_hooks_stay_in_the_session_unless_their_class_says_otherwise(tmp_path, kind, is_safe):
    assert is_safe_in_a_process(kind) == is_safe
    with writing(tmp_path, ("jsonl",)) as (engine, _, documents), kind(tmp_path) as writer:
        engine.subscribe(writer.receiver)
        engine(scan())
        assert len(processes()) == is_safe
    check(tmp_path, documents, ("nexus",))


def test_a_class_of_the_console_stays_in_the_session():
    class MyWriter(NexusWriter):
        process_safe = True

    assert not is_safe_in_a_process(MyWriter)


def test_a_run_that_kills_every_process_is_given_up_and_told(tmp_path, caplog):
    """The next ones are written, and what other formats have is named."""
    with writing(tmp_path, ("jsonl",)) as (engine, _, documents):
        writer = hooked.DeadlyWriter(tmp_path, drain_timeout=60)
        reports: list[RunReport] = []
        writer.on_complete(reports.append)
        engine.subscribe(writer.receiver)
        engine(scan(plan_name="deadly"))
        eventually(lambda: reports)
        (failure,) = writer.status().failures
        assert "was ended by SIGSEGV" in failure.cause
        assert writer.status().late == ()
        assert [report.is_given_up for report in reports] == [True]
        assert writer.status().events_written == 0
        before = len(documents)
        engine(scan())
        assert [report.is_given_up for report in reports] == [True, False]
        writer.close()
    assert "The session goes on" in caplog.text
    assert "Extension modules" not in caplog.text
    Path(str(failure.path)).unlink()
    check(tmp_path, documents[before:], ("nexus",))


def test_a_run_that_is_open_meanwhile_has_no_part_in_it(tmp_path):
    with writing(tmp_path, ("jsonl",)) as (engine, _, documents):
        writer = hooked.DeadlyWriter(tmp_path, drain_timeout=60)
        engine.subscribe(writer.receiver)
        engine(two_runs("deadly", "count"))
        eventually(lambda: len(writer.status().failures) == 1)
        assert writer.flush(60)
        writer.close()
        (failure,) = writer.status().failures
        assert writer.status().runs_written == 1
    Path(str(failure.path)).unlink()
    uids = {doc["plan_name"]: doc["uid"] for name, doc in documents if name == "start"}
    check(tmp_path, list(of_run(uids["count"], documents)), ("nexus",))


def two_runs(*names):
    detector = Detector(has_array=True, has_image=False)
    for name in names:
        yield from keyed(name, bps.open_run({"plan_name": name}))
    for _ in range(4):
        for name in names:
            yield from keyed(name, bps.trigger_and_read([detector]))
    for name in names:
        yield from keyed(name, bps.close_run())


def of_run(uid, documents):
    """Yield the documents of one run; they have no resources."""
    descriptors = {d["uid"] for n, d in documents if n == "descriptor" and d["run_start"] == uid}
    for name, doc in documents:
        if uid in (doc.get("run_start"), doc["uid"]) or doc.get("descriptor") in descriptors:
            yield name, doc


def test_process_false_is_for_all_formats(tmp_path):
    with writing(tmp_path, PAIR, PROCESS=False) as (engine, _, documents):
        engine(scan())
        assert not processes()
    check(tmp_path, documents, PAIR)
