"""What is owed to a run when its session ends is done by the next one, or by `recover`: once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bluescribe.formats import load_format
from bluescribe.recording.owed_jobs import take_up_owed
from tests import warm
from tests.core.scanning import PATIENCE
from tests.extent import IS_LONG
from tests.formats.images import CAMERA, frames
from tests.formats.test_nexus_compact import tree
from tests.readers import tiff
from tests.recovering import recover
from tests.system.killed import TOP
from tests.system.killed_completing import CASES, FRAMES

STRIDE = 1 if IS_LONG else 5
CHOSEN = list(CASES) if IS_LONG else ["nexus", "dx", "tiff-single"]


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    """Folders that sessions have left, by case and step; none of them is changed."""
    out = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-m", "tests.system.killed_completing", str(out), str(STRIDE)]
    warm.run([*command, *CHOSEN], cwd=TOP, check=True, timeout=250)
    return out


@pytest.mark.ci
@pytest.mark.parametrize("case", CHOSEN)
def test_killed_at_any_step_all_is_there_once(case, killed, tmp_path):
    *left, whole = sorted((killed / case).iterdir())
    assert len(left) * STRIDE > 9, "it has more steps than that"
    expected = content(whole)
    check(whole)
    for number, folder in enumerate(left):
        is_noted = int(folder.name) > 2  # the note is made, and written, before all else
        if number % 2:
            go_on(case, folder)
        before = files(folder)
        recover(folder, dry_run=True)
        assert files(folder) == before, f"{folder}: a dry run changes nothing"
        report = recover(folder)
        assert not report.failed, f"{folder}: {report.failed}"
        check_that_nothing_is_left(folder)
        if is_noted:
            assert content(folder) == expected, folder
            check(folder)
        assert not recover(folder).steps, folder


def go_on(case: str, folder: Path) -> None:
    """Begin another session, and end it."""
    with load_format(case.partition("-")[0])(folder, file_name="other", **CASES[case]) as writer:
        finder = take_up_owed([writer], Path.cwd())
        assert finder is not None
        finder.join(PATIENCE)
    assert not writer.status().failures, writer.status()


def check(folder: Path) -> None:
    """Fail unless the images are in the files, and where readers look for them."""
    for path in folder.glob("run*.hdf"):
        with h5py.File(path) as file:
            assert np.array_equal(file["entry/data/camera"], frames(FRAMES))
            assert file["entry/data"].attrs["signal"] == "camera"
            assert file[f"{CAMERA}/value"] == file["entry/data/camera"]
    for path in folder.glob("visit.hdf"):
        with h5py.File(path) as file:
            (name,) = file
            assert np.array_equal(file[f"{name}/data/camera"], frames(FRAMES))


def check_that_nothing_is_left(folder: Path) -> None:
    left = [path.name for path in folder.iterdir() if path.name.endswith((".owed", ".part"))]
    assert not left, folder


def content(folder: Path) -> Any:
    """Return what the files of a folder say, but for when they were made; damaged ones aside."""
    found: dict[str, Any] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or ".damaged" in path.name or path.suffix == ".jsonl":
            continue
        if path.suffix in (".hdf", ".h5"):
            found[path.name] = undated(tree(path))
        elif path.name.endswith(".tiff.json"):
            told = json.loads(path.read_bytes())
            told.pop("recovered", None)
            found[path.name] = told
            if "files" not in told["streams"][0]["images"][0]:
                tiff.read_list(path)
        else:
            found[path.name] = [array.tolist() for _, array in tiff.read_stack(path)]
    return found


def undated(told: dict[str, Any]) -> dict[str, Any]:
    """Return what a file says without the times at which it was written."""
    dates = ("file_time", "file_update_time", "recovered")
    return {
        name: [a for a in said if a[0] not in dates] if name.endswith(" @") else said
        for name, said in told.items()
    }


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
