"""kill -9 at random instants; after `recover`, every file opens and at most a second is missing."""

from __future__ import annotations

import hashlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

import h5py
import nexusformat.nexus
import pandas as pd
import pytest
import silx.io

from bluescribe.archive.adoption.adopting import adopt
from bluescribe.archive.recover import Report
from bluescribe.archive.recover import recover as with_spools
from tests import warm
from tests.extent import IS_LONG
from tests.readers import json as json_reader
from tests.readers import tiff
from tests.recovering import recover
from tests.system.faults.checking import SECOND, check_values, longest_loss
from tests.system.faults.killing import ALONE, state_of

TOP = Path(__file__).resolve().parents[3]
BATCHES, KILLS = (10, 20) if IS_LONG else (1, 8)


@pytest.mark.ci
@pytest.mark.timeout(300)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_killed_session_is_recovered_without_its_spool(tmp_path, monkeypatch, batch):
    """From journals and from what the files have."""
    for folder, record in ended(tmp_path, monkeypatch, KILLS, batch, signal.SIGKILL):
        check_recovery(folder, record)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_session_that_a_signal_ends_is_recovered(tmp_path, monkeypatch, number):
    """Their default is to end the process at once: no handler of ours takes them from the user."""
    for folder, record in ended(tmp_path, monkeypatch, 2, 100 + number, number):
        check_recovery(folder, record)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_killed_session_is_played_again_from_its_spool(tmp_path, monkeypatch, batch):
    """No file needs a journal, and nothing fails."""
    for folder, record in ended(tmp_path, monkeypatch, KILLS, 200 + batch, signal.SIGKILL):
        before, texts = fingerprint(folder), spec_texts(folder)
        adopt(is_dry_run=True)
        assert fingerprint(folder) == before, "a dry run changes nothing"
        report = with_spools(folder)
        assert not report.failed
        appended = {n for n, t in texts.items() if spec_texts(folder).get(n, b"").startswith(t)}
        others = {name: digest for name, digest in before.items() if name not in appended}
        check_originals_are_kept(others, fingerprint(folder))
        after = fingerprint(folder)
        again = with_spools(folder)
        assert not again.steps, f"{folder.name}: {again.steps}"
        assert fingerprint(folder) == after, "a second call changes nothing"
        check_that_readers_open(folder)
        check_values(folder, record, is_alone=ALONE in folder.name, lost=[])


def ended(tmp_path, monkeypatch, kills, seed, number):
    """End sessions by a signal; yield the folder of each and what it emitted."""
    command = [sys.executable, "-m", "tests.system.faults.killing", str(tmp_path), str(kills)]
    warm.run([*command, str(seed), str(int(number))], cwd=TOP, check=True, timeout=200)
    folders = sorted(path for path in tmp_path.iterdir() if path.is_dir() and path.name[0] in "01")
    assert len(folders) == kills
    for folder in folders:
        monkeypatch.setenv("XDG_STATE_HOME", state_of(folder))
        yield folder, json.loads(folder.with_name(f"{folder.name}.json").read_text())
    print("seconds that were lost at the most:", dict(longest_loss))


def check_recovery(folder, record):
    before = fingerprint(folder)
    foreseen = recover(folder, dry_run=True)
    assert fingerprint(folder) == before, "a dry run changes nothing"
    report = recover(folder)
    check_failures(folder, report, record)
    check_foreseen(foreseen, report)
    check_originals_are_kept(before, fingerprint(folder))
    after = fingerprint(folder)
    again = recover(folder)
    assert again.steps == report.failed, f"{folder.name}: {again.steps}"
    assert fingerprint(folder) == after, "a second call changes nothing"
    for step in report.failed:
        step.path.unlink()
    check_that_readers_open(folder)
    lost = [step.path for step in report.failed]
    check_values(folder, record, is_alone=ALONE in folder.name, lost=lost)


def check_failures(folder: Path, report: Report, record: Any) -> None:
    """Nothing fails beside a journal; without it, HDF5 that was killed while it grew a new part.

    A run has no journal in the moment in which it begins, either.
    """
    begun = [
        uid[:7]
        for name, uid, _, seconds in record["emitted"]
        if name == "start" and seconds > record["killed"] - SECOND
    ]
    for step in report.failed:
        print(f"NOT RECOVERED {folder.name}: {step.path.name}: {step.what}")
        stem = step.path.name.partition(".")[0]
        has_journal = (folder / f"{stem}.jsonl").exists() or not stem.endswith(tuple(begun))
        assert ALONE in folder.name or not has_journal, f"{folder.name}: {step}"
        assert "HDF5 cannot open it" in step.what, f"{folder.name}: {step}"


def check_foreseen(foreseen: Report, report: Report) -> None:
    """What a dry run tells is done, or what is done without a journal: when it is played it may
    turn out to have nothing of a file, whose first row was written a moment before the kill.
    """
    planned = {step.path: step.outcome for step in foreseen.steps}
    for step in report.steps:
        kinds = {planned[step.path]}
        if kinds == {"written anew"}:
            kinds |= {"mended", "set aside"}
        assert step.outcome in kinds, f"{step}, and {planned[step.path]} was foreseen"


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


def spec_texts(folder: Path) -> dict[str, bytes]:
    """Return the SPEC files: a scan that was not begun is appended to one that is there."""
    return {path.name: path.read_bytes() for path in folder.glob("*.dat")}


def check_that_readers_open(folder: Path) -> None:
    """Open all files with what their users have."""
    for path in folder.glob("*.dat"):
        with silx.io.open(str(path)) as file:  # type: ignore[attr-defined]  # silx re-exports
            assert len(file) > 0
    for path in folder.glob("*.hdf"):
        assert nexusformat.nexus.nxload(str(path))["entry"].nxclass == "NXentry"
    for path in folder.glob("*.csv"):
        assert "seq_num" in pd.read_csv(path).columns
    for path in folder.glob("*.h5"):
        with h5py.File(path) as file, silx.io.open(str(path)) as other:  # type: ignore[attr-defined]
            assert set(file) == set(other)
    json_reader.check_folder(folder)
    tiff.check_folder(folder)
    for path in folder.glob("*.jsonl"):
        documents = [json.loads(line) for line in path.read_text().splitlines()]
        assert documents[0][0] == "start"
