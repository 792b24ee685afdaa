"""`recover` that is killed at any of its steps is called again, and finishes all."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import warm
from tests.contracts import CONTRACTS
from tests.extent import IS_LONG
from tests.readers import dx
from tests.recovering import recover
from tests.system.faults.test_kill import (
    check_originals_are_kept,
    check_that_readers_open,
    fingerprint,
)
from tests.system.killed import ROWS, TOP, kill_session, run

STRIDE = 1 if IS_LONG else 7


@pytest.mark.ci
@pytest.mark.timeout(900)  # every step of it, on a busy machine
@pytest.mark.parametrize("has_journal", [True, False])
def test_another_call_finishes_what_was_cut_short(has_journal, tmp_path):
    folder, out = tmp_path / "data", tmp_path / "out"
    kill_session(folder)
    if not has_journal:
        (folder / "run.jsonl").unlink()
    originals = fingerprint(folder)
    command = [sys.executable, "-m", "tests.system.killed_recovery", str(folder), str(out)]
    warm.run([*command, str(STRIDE)], cwd=TOP, check=True, timeout=600)
    *killed, finished = sorted(out.iterdir())
    assert len(killed) * STRIDE > 30, "it has more steps than that"
    check(finished, originals, has_journal=has_journal)
    for copy in killed:
        before = fingerprint(copy)
        foreseen = recover(copy, dry_run=True)
        assert fingerprint(copy) == before, f"{copy}: a dry run changes nothing"
        report = recover(copy)
        assert not report.failed, f"{copy}: {report.failed}"
        back = [step.path for step in report.steps if step.outcome == "put back"]
        assert back == [step.path for step in foreseen.steps if step.outcome == "put back"]
        check(copy, originals, has_journal=has_journal)


def test_what_another_call_is_at_is_left(tmp_path):
    """It holds what it has given another name."""
    folder = tmp_path / "data"
    kill_session(folder, ("csv",))
    (package,) = folder.glob("*.json")
    code = (
        "import sys; from pathlib import Path; from bluescribe.files.backup import keeping\n"
        "path = Path(sys.argv[1])\n"
        "with keeping(path) as kept: kept.keep(path); print(flush=True); sys.stdin.read()"
    )
    with warm.Popen(
        [sys.executable, "-c", code, str(package)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        before = fingerprint(folder)
        assert not recover(folder).steps
        assert fingerprint(folder) == before
        other.kill()
        other.wait()
    assert [step.outcome for step in recover(folder).steps] == ["put back", "mended"]


def check(folder, originals, *, has_journal):
    """Fail unless all is there, the originals too, and another call has nothing to do."""
    assert not list(folder.glob("*.recovering")), folder
    check_originals_are_kept(originals, fingerprint(folder))
    for name, make in CONTRACTS.items():
        contract = make()
        if has_journal:
            contract.check_runs(contract.read_back(folder), run())
        elif name not in ("jsonl", "json"):
            (found,) = contract.read_back(folder)
            assert len(found.seq_num["primary"]) == ROWS, f"{name} in {folder}"
    (found,) = dx.read_folder(folder)
    assert len(found.events["primary"]["camera"]) == ROWS
    check_that_readers_open(folder)
    assert not recover(folder).steps, folder
