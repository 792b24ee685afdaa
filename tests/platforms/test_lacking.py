"""What only some systems have is done without: taken away one by one, and all at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import pandas
import pytest
from spec2nexus.spec import SpecDataFile

from tests.platforms.lacking import OF_LINUX, TAKEN

TOP = Path(__file__).resolve().parents[2]
TOGETHER = {"all of Linux": [*OF_LINUX], "all of it": [name for name in TAKEN if name != "libc"]}
ALONE = {name: [name] for name in TAKEN}
CHEAP = ("all of it",)
"""What is played at home, too: an interpreter without them is a new one, which takes seconds."""


def cases(found: dict[str, list[str]]) -> list[object]:
    marks = {name: () if name in CHEAP else (pytest.mark.ci,) for name in found}
    return [pytest.param(taken, id=name, marks=marks[name]) for name, taken in found.items()]


def play(folder: Path, taken: list[str]) -> str:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(TOP / "src"), str(TOP)]),
        "XDG_STATE_HOME": str(folder / "state"),
        "BLUESCRIBE_PROCESS": "true",
    }
    command = [sys.executable, "-m", "tests.platforms.lacking", str(folder), *taken]
    done = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stdout + done.stderr
    return done.stderr


def read(folder: Path) -> dict[str, list[float]]:
    """Return the motor's positions of the second run, by format, with its users' readers."""
    (spec,) = folder.glob("*.dat")
    found = {"spec": SpecDataFile(str(spec)).getScan("2").data["motor"]}
    for kind, ending, path in (("nexus", "hdf", "entry/data"), ("hdf5", "h5", "streams/primary")):
        with h5py.File(next(folder.glob(f"*-S00002-*.{ending}"))) as file:
            node = file[path]["motor"]
            found[kind] = (node if isinstance(node, h5py.Dataset) else node["value"])[()].tolist()
    table = pandas.read_csv(next(folder.glob("*-S00002-*-primary.csv")))
    found["csv"] = table["motor"].tolist()
    lines = next(folder.glob("*-S00002-*.jsonl")).read_text().splitlines()
    events = [doc for name, doc in map(json.loads, lines) if name == "event"]
    found["jsonl"] = [doc["data"]["motor"] for doc in events]
    return found


@pytest.mark.parametrize("taken", cases(ALONE | TOGETHER))
def test_runs_are_written_and_exported(taken, tmp_path):
    play(tmp_path, taken)
    for folder in (tmp_path / "live", tmp_path / "again"):
        for name, values in read(folder).items():
            assert values == [-1, -0.5, 0, 0.5, 1], name
        assert len(list(folder.glob("*.tif"))) == 1


@pytest.mark.ci
def test_a_folder_that_cannot_be_held_is_told_as_no_place_for_a_spool(tmp_path):
    assert "this system cannot hold folders open" in play(tmp_path, ["folder_fds"])
