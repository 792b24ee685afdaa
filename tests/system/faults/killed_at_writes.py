"""Sessions that are killed behind one write each: ``python -m tests.system.faults.killed_at_writes
FOLDER FORMAT ENDING BATCH STEP``, with strike.c preloaded.

Each writes a run whose columns are made anew as rows come, in batches of so many, into a folder
named after the write. The last one was not killed: it has fewer writes than that.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from event_model import compose_run

from bluescribe.formats import load_format
from tests.system.faults.control import Control

ROWS = 12


def documents() -> Iterator[tuple[str, Any]]:
    run = compose_run()
    key: Any = {"dtype": "number", "shape": [], "source": "sim"}
    keys = dict.fromkeys(["x", "text", "spectrum", "gaps", "ragged"], key)
    primary = run.compose_descriptor(name="primary", data_keys=keys)
    yield "start", run.start_doc
    yield "descriptor", primary.descriptor_doc
    for row in range(ROWS):
        data: Any = {"x": row + 0.5, "text": f"t{row}", "spectrum": [float(row)] * 700}
        data |= {"gaps": None if row % 3 == 2 else float(row), "ragged": [row] * (row % 4 + 1)}
        stamps = dict.fromkeys(keys, row + 1.0)
        yield (
            "event",
            primary.compose_event(data=data, timestamps=stamps, time=row + 1.0, validate=False),
        )


def write(folder: Path, name: str, batch: int) -> None:
    """Write the events of a run; what follows them is another test's."""
    writer_class = load_format(name)
    writer_class.interval = 3600.0  # what is written when, flushes say
    writer = writer_class(folder)
    for number, document in enumerate(documents()):
        writer(*document)
        if number % batch == 0:
            writer.flush()
    writer.flush()


def main(folder: Path, name: str, ending: str, batch: int, step: int) -> None:
    folder.mkdir()
    control = Control(folder / "control")
    for number in itertools.count(1, step):
        child = os.fork()
        if not child:
            os.environ[Control.VARIABLE] = str(control.path)
            control.order(f"pwrite {number} {number} session:behind {ending} -")
            control.enter()
            control.arm()
            write(folder / str(number), name, batch)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status != signal.SIGKILL:
            sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
