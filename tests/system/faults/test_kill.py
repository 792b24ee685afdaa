"""kill -9 at random instants; after `recover`, every file opens and at most a second is missing."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import nexusformat.nexus
import numpy as np
import pandas as pd
import pytest
import silx.io

from bluescribe.recover import recover
from bluescribe.testing.contract import RecordedRun
from tests.contracts import CONTRACTS
from tests.system.faults import instrument

TOP = Path(__file__).resolve().parents[3]
IS_LONG = bool(os.environ.get("BLUESCRIBE_LONG_FAULTS"))
BATCHES, KILLS = (10, 20) if IS_LONG else (2, 6)
SECOND = 1.0
"""What may be missing."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_killed_session_is_recovered(tmp_path, batch):
    end_and_recover(tmp_path, KILLS, batch, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_session_that_a_signal_ends_is_recovered(tmp_path, number):
    """Their default is to end the process at once: no handler of ours takes them from the user."""
    end_and_recover(tmp_path, 2, 100 + number, number)


def end_and_recover(tmp_path, kills, seed, number):
    command = [sys.executable, "-m", "tests.system.faults.killing", str(tmp_path), str(kills)]
    subprocess.run([*command, str(seed), str(int(number))], cwd=TOP, check=True, timeout=200)
    folders = sorted(path for path in tmp_path.iterdir() if path.is_dir())
    assert len(folders) == kills
    for folder in folders:
        record = json.loads(folder.with_name(f"{folder.name}.json").read_text())
        before = fingerprint(folder)
        foreseen = recover(folder, dry_run=True)
        assert fingerprint(folder) == before, "a dry run changes nothing"
        report = recover(folder)
        assert not report.failed, f"{folder.name}: {report.failed}"
        planned = {(step.path, step.outcome) for step in foreseen.steps}
        assert {(step.path, step.outcome) for step in report.steps} <= planned
        check_originals_are_kept(before, fingerprint(folder))
        after = fingerprint(folder)
        again = recover(folder)
        assert not again.steps, f"{folder.name}: {again.steps}"
        assert fingerprint(folder) == after, "a second call changes nothing"
        check_that_readers_open(folder)
        check_values(folder, record)


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def check_originals_are_kept(before: dict[str, str], after: dict[str, str]) -> None:
    kept = set(after.values())
    # a file that was being written anew when its writer was killed is nobody's original
    whole = {name: digest for name, digest in before.items() if not name.endswith(".part")}
    lost = [name for name, digest in whole.items() if digest not in kept]
    assert not lost, f"neither there nor kept: {lost}"


def check_that_readers_open(folder: Path) -> None:
    """Open all files with what their users have."""
    for path in folder.glob("*.dat"):
        with silx.io.open(str(path)) as file:  # type: ignore[attr-defined]  # silx re-exports
            assert len(file) > 0
    for path in folder.glob("*.hdf"):
        assert nexusformat.nexus.nxload(str(path))["entry"].nxclass == "NXentry"
    for path in folder.glob("*.csv"):
        assert "seq_num" in pd.read_csv(path).columns
    for path in folder.glob("*.jsonl"):
        documents = [json.loads(line) for line in path.read_text().splitlines()]
        assert documents[0][0] == "start"


def check_values(folder: Path, record: Any) -> None:
    emitted: dict[str, list[float]] = defaultdict(list)
    stopped = {}
    for name, uid, _, seconds in record["emitted"]:
        if name == "event":
            emitted[uid].append(seconds)
        elif name == "stop":
            stopped[uid] = seconds
    until = record["killed"] - SECOND
    for name in instrument.FORMATS:
        found = {run.uid: run for run in CONTRACTS[name]().read_back(folder)}
        for uid, times in emitted.items():
            where = f"{name} of {uid[:7]} in {folder}"
            due = sum(1 for seconds in times if seconds < until)
            run = found.get(uid, RecordedRun(uid))
            check_events(where, run, due, len(times))
            if name != "spec" and uid in found:  # our reader of SPEC files looks for no stop
                assert uid in stopped or run.stop is None, f"{where}: an invented stop document"
                is_due = stopped.get(uid, np.inf) < until
                assert run.stop is not None or not is_due, f"{where}: no stop document"


def check_events(where: str, run: RecordedRun, due: int, emitted: int) -> None:
    numbers = list(run.seq_num.get("primary", []))
    assert due <= len(numbers) <= emitted, f"{where}: {len(numbers)} of {emitted}, {due} due"
    assert numbers == list(range(1, len(numbers) + 1)), f"{where}: not in order"
    if numbers:
        check_fields(where, run.events["primary"], len(numbers))


def check_fields(where: str, fields: Any, rows: int) -> None:
    for n in range(1, rows + 1):
        row = n - 1
        assert fields["x"][row] == instrument.scalar(n), f"{where}: x of {n}"
        assert fields["n"][row] == n, f"{where}: n of {n}"
        assert str(fields["text"][row]) == instrument.text(n), f"{where}: text of {n}"
        if fields.get("spectrum"):
            array = list(fields["spectrum"][row])
            assert array == instrument.spectrum(n), f"{where}: spectrum of {n}"
