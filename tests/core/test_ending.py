"""Files are finished when a process ends, whoever has started it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bluescribe.testing import documents

SCRIPT = """\
import json
import multiprocessing
import sys
import weakref

from bluescribe import JsonWriter

HELD = set()
weakref.finalize(HELD, print, end="")  # as some part of most programs has: before it forks


def work(folder):
    global writer
    writer = JsonWriter(folder, file_name="run")
    with open(folder + ".documents") as file:
        for document in json.load(file)[:-1]:
            writer(*document)


def drop(folder):
    global writer
    work(folder)
    del writer  # nobody waits for it here


if __name__ == "__main__":
    folder, method = sys.argv[1:]
    target = drop if method.endswith("dropped") else work
    method = method.removesuffix("dropped")
    if not method:
        target(folder)
    else:
        process = multiprocessing.get_context(method).Process(target=target, args=[folder])
        process.start()
        process.join(60)
        assert process.exitcode == 0
"""


@pytest.mark.parametrize("method", ["", "fork", "spawn", "dropped", "forkdropped"])
def test_a_process_that_ends_finishes_its_files(method, tmp_path):
    """A worker of bluesky-queueserver is forked by multiprocessing: atexit is not for it."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    (tmp_path / "data.documents").write_text(json.dumps(documents("count", tmp_path)))
    command = [sys.executable, str(script), str(tmp_path / "data"), method]
    subprocess.run(command, check=True, timeout=120)
    document = json.loads((tmp_path / "data" / "run.json").read_text())
    assert document["metadata"]["stop"] is None
    assert not list((tmp_path / "data").glob("*.spool"))
