"""The matrix of all deaths and refusals goes on where it was ended, and says what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.faults.matrix import Results, cases
from tests.system.faults.refusals import MOST
from tests.system.faults.steps import STEPS

TOP = Path(__file__).resolve().parents[3]


def test_each_row_has_some_early_and_each_case_has_a_name_of_its_own():
    found = [*cases(20, 60)]
    assert len({case.key for case in found}) == len(found)
    calls = sum(map(len, MOST.values()))
    victims = sum(len(step.victims) for step in STEPS.values())
    assert len(found) == 20 * victims + 60 * 2 * calls
    assert {case.row for case in found[: victims + 2 * calls]} == {case.row for case in found}


def test_the_table_counts_what_came_last_of_each_session(tmp_path):
    results = Results(tmp_path / "results.jsonl")
    about = {"row": "claim", "column": "child"}
    results.add("claim, child, 1", **about, verdict="bad", loss=0.0, closing=1.5)
    results.add("claim, child, 2", **about, verdict="good", loss=0.25, closing=0.5)
    results.add("claim, calls", calls=7)
    again = Results(results.path)
    assert "child 1 good, 1 bad" in again.table()
    again.add("claim, child, 1", **about, verdict="good", loss=0.0, closing=0.5)
    table = Results(results.path).table()
    assert "child 2 good, 0 bad" in table
    assert "at the most 0.250 s of documents were missing, and closing took 0.5 s" in table


@pytest.mark.ci
def test_what_was_played_is_not_played_again(tmp_path):
    out = tmp_path / "results.jsonl"
    command = [sys.executable, "-m", "tests.system.faults.matrix", "--times", "1", "--out", out]
    command += ["--only", "^claim, child, 1$"]
    for expected in ("good  claim, child, 1\n", ""):
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith(f"{expected}claim    "), done.stdout
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["key"] for line in lines] == ["claim, calls", "claim, child, 1"]
    assert [*out.with_suffix(".places").iterdir()] == []
