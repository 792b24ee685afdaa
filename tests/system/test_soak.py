"""Years of logging in small: memory, threads and open files do not grow with the runs.

``BLUESCRIBE_SOAK_RUNS=2000`` plays 2,000 runs of 500 events (four minutes); by default there are
few of them.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests import warm

TOP = Path(__file__).resolve().parents[2]
RUNS = int(os.environ.get("BLUESCRIBE_SOAK_RUNS", "60"))
EVENTS = 500
MOST_GROWTH_MB = 16.0
"""Of resident memory, from a tenth of the runs on; allocators keep some of what is freed."""


@pytest.mark.timeout(900)
def test_memory_threads_and_open_files_stay_as_they_are(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.system.soaking", str(tmp_path), str(RUNS), str(EVENTS)]
    done = warm.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["written"] == [[RUNS, RUNS * EVENTS]] * 4
    memory_mb, threads, files = zip(*told["seen"], strict=True)
    assert memory_mb[-1] - memory_mb[0] < MOST_GROWTH_MB, memory_mb
    assert len(set(threads)) == 1, threads
    assert max(files) - min(files) <= 1, files  # the spool's, which goes a moment after its run
