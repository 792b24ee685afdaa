"""Whichever write a kill comes behind: the rows that can be read have the values that they had.

HDF5 writes values at once and the tree that says where they are later: what is written into the
room of something that was removed must not be read in its place.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bluescribe.formats.nexus.recovery import NexusRecovery
from bluescribe.hdf5.mend import mend
from tests import warm
from tests.extent import IS_LONG
from tests.formats.mended import check_columns
from tests.system.faults.preloading import preloaded

TOP = Path(__file__).resolve().parents[3]
STEP = 1 if IS_LONG else 10


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_behind_each_write_the_rows_have_their_values(batch: int, tmp_path: Path) -> None:
    library = preloaded("kill_after.c", tmp_path)
    module = "tests.system.faults.killed_at_writes"
    data = tmp_path / "data"
    command = [sys.executable, "-m", module, str(data), str(batch), "1", str(STEP)]
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    warm.run(command, cwd=TOP, env=environment, check=True, timeout=250)
    readable = 0
    paths = list(data.glob("*/*.hdf"))
    for path in paths:
        if mend(path, NexusRecovery.layout).is_readable:
            readable += 1
            check_columns(path)
    print(f"{readable} of {len(paths)} can be read")
    assert readable > len(paths) / 4  # others were killed while objects were being added
