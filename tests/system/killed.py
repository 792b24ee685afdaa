"""A session of eight formats that kills itself: ``python -m tests.system.killed FOLDER OPTIONS``.

It ends behind five events, all of them on disk, with images and numbers.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np

from bluescribe.formats import load_format
from tests import warm
from tests.formats.test_json import documents
from tests.recovering import lose_spools

TOP = Path(__file__).resolve().parents[2]
FORMATS = ("csv", "dx", "hdf5", "json", "jsonl", "nexus", "spec", "tiff")
ROWS = 5


def image(row: int) -> Any:
    return np.arange(row, row + 12, dtype=np.uint16).reshape(3, 4)


def run() -> list[tuple[str, Any]]:
    return documents(*({"camera": image(n), "x": n / 2, "text": f"t{n}"} for n in range(ROWS)))


def kill_session(
    folder: Path, formats: tuple[str, ...] = FORMATS, name: str = "run", **options: Any
) -> None:
    """Have a session killed, and its spool lost; `options` are settings by the format's name."""
    given = json.dumps({"formats": formats, "name": name, "options": options})
    command = [sys.executable, "-m", "tests.system.killed", str(folder), given]
    done = warm.run(command, cwd=TOP, timeout=60, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    lose_spools()  # or a session of another test finishes the files


def main(folder: str, given: dict[str, Any]) -> None:
    writers = [
        load_format(name)(folder, file_name=given["name"], **given["options"].get(name, {}))
        for name in given["formats"]
    ]
    for document in run():
        for writer in writers:
            writer(*document)
    for writer in writers:
        writer.flush()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
