"""A torn HDF5 file holds up no session: it is told, and everything else goes on."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import pytest

from tests import warm
from tests.extent import some
from tests.system.killed import TOP
from tests.system.torn import DOORS

NOT_WRITTEN = "raw.h5: texts in it were not written to their end"
DAMAGED = "FAILED HDF5 cannot open it: NotWholeError: texts in it were not written to their end"
TOLD = {
    "moved run": "these runs lead nowhere: first.hdf",
    "master": "visit.hdf: texts in it were not written to their end | move that file away",
    "recovered root": DAMAGED,
    "recovered entry": DAMAGED,
    "owed nexus": "run.hdf is not complete: texts in it were not written to their end | bluescribe",
    "owed dx": "run.dx.h5 is not complete: texts in it were not written to their end | bluescribe",
}
"""By what reads the file, what people are told; of files of detectors, what stands first."""


@pytest.mark.timeout(90)
@pytest.mark.parametrize("door", some(DOORS))
def test_a_torn_file_is_told_and_holds_up_nothing(door: str, tmp_path: Path) -> None:
    """In a process of its own: one that HDF5 does not let go of can only be killed."""
    done = warm.run(
        [sys.executable, "-m", "tests.system.torn", door, str(tmp_path)],
        cwd=TOP, timeout=60, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    assert TOLD.get(door, NOT_WRITTEN) in done.stdout
    assert list((tmp_path / "data").iterdir())


def test_a_run_goes_into_the_master_file_although_another_one_is_torn(tmp_path: Path) -> None:
    DOORS["moved run"](tmp_path)
    with h5py.File(tmp_path / "data" / "visit.hdf") as file:
        (second,) = (name for name in file if name.startswith("S00002"))
        assert file[f"{second}/data/det"][()].tolist() == [0.0, 1.0, 2.0]
