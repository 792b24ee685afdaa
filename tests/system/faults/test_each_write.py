"""Whichever write a kill comes behind: the rows that can be read have the values that they had.

HDF5 writes values at once and the tree that says where they are later: what is written into the
room of something that was removed must not be read in its place.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bluescribe.formats.hdf5.recovery import RawRecovery
from bluescribe.formats.nexus.recovery import NexusRecovery
from bluescribe.hdf5.finished.mend import Layout, mend
from tests import warm
from tests.extent import IS_LONG
from tests.formats.mended import check_columns
from tests.readers import hdf5
from tests.system.faults.preloading import preloaded

TOP = Path(__file__).resolve().parents[3]
STEP = 1 if IS_LONG else 20


def check_rows(path: Path) -> None:
    """Fail unless each row of a raw HDF5 file has what is made of its number."""
    (run,) = hdf5.read_folder(path.parent)
    rows = len(run.seq_num.get("primary", []))
    assert run.seq_num.get("primary", []) == list(range(1, rows + 1))
    for name, column in run.events.get("primary", {}).items():
        for n, value in enumerate(column):
            gap = None if n % 3 == 2 else float(n)
            expected: dict[str, Any] = {
                "x": n + 0.5,
                "text": f"t{n}",
                "spectrum": [n] * 700,
                "gaps": gap,
            }
            assert np.array_equal(value, {**expected, "ragged": [n] * (n % 4 + 1)}[name]), name


FORMATS: dict[str, tuple[str, Layout, Callable[[Path], None]]] = {
    "nexus": (".hdf", NexusRecovery.layout, check_columns),
    "hdf5": (".h5", RawRecovery.layout, check_rows),
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "batch"),
    [
        pytest.param("nexus", 1, marks=pytest.mark.ci),
        ("nexus", 2),
        pytest.param("nexus", 5, marks=pytest.mark.ci),
        pytest.param("hdf5", 2, marks=pytest.mark.ci),
    ],
)
def test_behind_each_write_the_rows_have_their_values(
    name: str, batch: int, tmp_path: Path
) -> None:
    library = preloaded("strike.c", tmp_path)
    module, data = "tests.system.faults.killed_at_writes", tmp_path / "data"
    ending, layout, check = FORMATS[name]
    given = [str(data), name, ending, str(batch), str(STEP)]
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    command = [sys.executable, "-m", module, *given]
    warm.run(command, cwd=TOP, env=environment, check=True, timeout=800)
    readable = 0
    paths = list(data.glob(f"*/*{ending}"))
    for path in paths:
        if mend(path, layout).is_readable:
            readable += 1
            check(path)
    print(f"{readable} of {len(paths)} can be read")
    assert readable > len(paths) / 4  # others were killed while objects were being added
