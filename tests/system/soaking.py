"""A session that logs for years, in small: ``python -m tests.system.soaking FOLDER RUNS EVENTS``.

It prints what the writers say at the end, and now and then its memory, threads and open files, as
JSON.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
from pathlib import Path

import psutil
from event_model import compose_run

from bluescribe import CsvWriter, JsonlWriter, NexusWriter, SpecWriter
from bluescribe.session.writers import Writers

LOOKS = 10


def main(folder: Path, runs: int, events: int) -> None:
    process = psutil.Process()
    kinds = (JsonlWriter, CsvWriter, SpecWriter, NexusWriter)
    seen = []
    with Writers({kind.format: kind(folder, drain_timeout=60) for kind in kinds}) as writers:
        for number in range(1, runs + 1):
            play(writers, number, events)
            remove_finished(folder)
            if number % (runs // LOOKS) == 0:
                gc.collect()
                memory = process.memory_info().rss / 1e6
                seen.append((memory, threading.active_count(), process.num_fds()))
        written = [
            (writer.status().runs_written, writer.status().events_written) for writer in writers
        ]
    print(json.dumps({"written": written, "seen": seen}))


def play(writers: Writers, number: int, events: int) -> None:
    run = compose_run(metadata={"scan_id": number, "plan_name": "count", "num_points": events})
    keys = {f"s{n}": {"dtype": "number", "shape": [], "source": "sim"} for n in range(10)}
    stream = run.compose_descriptor(name="primary", data_keys=keys)
    writers("start", dict(run.start_doc))
    writers("descriptor", dict(stream.descriptor_doc))
    for row in range(events):
        data = {key: row / (n + 1) for n, key in enumerate(keys)}
        stamps = dict.fromkeys(keys, 1.7e9 + row)
        event = stream.compose_event(data=data, timestamps=stamps, validate=False)
        writers("event", dict(event))
    writers("stop", dict(run.compose_stop()))


def remove_finished(folder: Path) -> None:
    """Delete the files of finished runs: the disk is not what is tested; SPEC's stays open."""
    for path in folder.iterdir():
        if path.suffix != ".dat":
            path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
