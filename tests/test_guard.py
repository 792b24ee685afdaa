"""What is slower than before is found, and what only seems so is not."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
pytest.importorskip("scipy", reason="not installed: scipy")

from benchmarks.guard import LIMIT, Comparison  # noqa: E402  # it wants scipy


def compared(factor: float, noise: float, pairs: int) -> Comparison:
    chance = random.Random(7)
    found = Comparison("events")
    while found.is_due and len(found.pairs) < pairs:
        before, now = (chance.gauss(1, noise) for _ in range(2))
        found.pairs.append((before, factor * now))
    return found


@pytest.mark.parametrize(
    ("factor", "noise", "verdict"),
    [
        (1.0, 0.02, "as before"),
        (0.5, 0.05, "as before"),
        (1.4, 0.05, "SLOWER"),
        (2.0, 0.2, "SLOWER"),
        (1.0, 0.5, "not sure"),
    ],
)
def test_a_verdict_is_given_when_it_is_sure(factor, noise, verdict):
    assert compared(factor, noise, 100).verdict == verdict


def test_pairs_are_measured_until_it_is_sure():
    assert len(compared(1.0, 0.01, 100).pairs) == 4
    assert 4 < len(compared(LIMIT, 0.05, 100).pairs) <= 16
    assert compared(1.0, 0.01, 1).verdict == "not sure", "one pair tells nothing of the noise"


def guarded(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks", "--guard", *options]
    return subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)


def test_a_commit_that_is_not_there_is_named_with_the_remedy():
    done = guarded("no-such-commit")
    assert done.returncode == 2
    assert "cannot give commit no-such-commit" in done.stdout
    assert "git fetch --unshallow" in done.stdout


@pytest.mark.ci
def test_a_folder_is_as_fast_as_its_own_commit():
    done = guarded("HEAD", "--works", "import")
    assert done.returncode == 0, done.stdout
    assert "import" in done.stdout
