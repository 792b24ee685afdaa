"""Years of logging in small: memory, threads and open files do not grow with the runs.

``BLUESCRIBE_SOAK_RUNS=2000`` plays 2,000 runs of 500 events (four minutes); by default there are
few of them.
"""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import psutil
import pytest
from event_model import compose_run

from bluescribe import CsvWriter, JsonlWriter, NexusWriter, SpecWriter
from bluescribe.subscribe import Writers

RUNS = int(os.environ.get("BLUESCRIBE_SOAK_RUNS", "60"))
EVENTS = 500
MOST_GROWTH_MB = 16.0
"""Of resident memory, from a tenth of the runs on; allocators keep some of what is freed."""


def play(writers: Writers, number: int) -> None:
    run = compose_run(metadata={"scan_id": number, "plan_name": "count", "num_points": EVENTS})
    keys = {f"s{n}": {"dtype": "number", "shape": [], "source": "sim"} for n in range(10)}
    stream = run.compose_descriptor(name="primary", data_keys=keys)
    writers("start", dict(run.start_doc))
    writers("descriptor", dict(stream.descriptor_doc))
    for row in range(EVENTS):
        data = {key: row / (n + 1) for n, key in enumerate(keys)}
        stamps = dict.fromkeys(keys, 1.7e9 + row)
        event = stream.compose_event(data=data, timestamps=stamps, validate=False)
        writers("event", dict(event))
    writers("stop", dict(run.compose_stop()))


@pytest.mark.timeout(900)
def test_memory_threads_and_open_files_stay_as_they_are(tmp_path: Path) -> None:
    process = psutil.Process()
    kinds = (JsonlWriter, CsvWriter, SpecWriter, NexusWriter)
    writers = Writers({kind.format: kind(tmp_path, drain_timeout=60) for kind in kinds})
    seen = []
    try:
        for number in range(1, RUNS + 1):
            play(writers, number)
            remove_finished(tmp_path)
            if number % (RUNS // 10) == 0:
                gc.collect()
                memory = process.memory_info().rss / 1e6
                seen.append((memory, threading.active_count(), process.num_fds()))
        statuses = [writer.status() for writer in writers]
    finally:
        writers.close()
    assert [(status.runs_written, status.events_written) for status in statuses] == [
        (RUNS, RUNS * EVENTS)
    ] * len(kinds)
    memory_mb, threads, files = zip(*seen, strict=True)
    assert memory_mb[-1] - memory_mb[0] < MOST_GROWTH_MB, memory_mb
    assert len(set(threads)) == 1, threads
    assert max(files) == min(files), files


def remove_finished(folder: Path) -> None:
    """Delete the files of finished runs: the disk is not what is tested; SPEC's stays open."""
    for path in folder.iterdir():
        if path.suffix != ".dat":
            path.unlink()
