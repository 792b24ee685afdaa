"""Kill sessions that complete a run: ``python -m tests.system.killed_completing OUT STRIDE CASES``.

For each of the `CASES` that are named, OUT has a folder for every so many steps, as a session left
it that was killed there: from the stop document on, before a file is made, opened to be written,
gets another name or is removed, and at each look whether the copying is to go on. The last one was
not killed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from itertools import count
from pathlib import Path
from typing import Any

from event_model import compose_run

from bluescribe.formats import load_format
from tests.formats.images import area_detector_file, frames, hdf5_stream
from tests.system.killed_recovery import is_to_write

CASES: dict[str, dict[str, Any]] = {
    "nexus": {"images": "copy", "master_file": "visit.hdf"},
    "nexus-old": {"images": "copy", "live": False},
    "dx": {"images": "copy", "image": "camera", "theta": "m"},
    "tiff": {},
    "tiff-single": {"one_file_a_frame": True},
}
"""A format, and its settings."""

FRAMES = 4


def documents(raw: Path) -> list[tuple[str, Any]]:
    """Return a scan of a motor, whose images are in a file of their own."""
    run = compose_run(metadata={"scan_id": 1, "plan_name": "scan", "motors": ["m"]})
    image = {"dtype": "array", "shape": [1, 6, 8], "source": "sim", "external": "STREAM:"}
    keys = {"m": {"dtype": "number", "shape": [], "source": "sim"}, "camera": image}
    stream = run.compose_descriptor(
        name="primary",
        data_keys=keys,
        hints={"m": {"fields": ["m"]}, "camera": {"fields": ["camera"]}},
        object_keys={key: [key] for key in keys},
        configuration={},
    )
    compose: Any = run.compose_stream_resource
    resource = compose(data_key="camera", **hdf5_stream(raw))
    docs: list[tuple[str, Any]] = [
        ("start", run.start_doc),
        ("descriptor", stream.descriptor_doc),
        ("stream_resource", resource.stream_resource_doc),
    ]
    for n in range(FRAMES):
        datum = resource.compose_stream_datum(
            {"start": n, "stop": n + 1}, {"start": n + 1, "stop": n + 2}, stream.descriptor_doc
        )
        event = stream.compose_event(data={"m": n / 2}, timestamps={"m": 1.0}, validate=False)
        docs += [("stream_datum", datum), ("event", event)]
    return [*docs, ("stop", run.compose_stop())]


def write(folder: Path, case: str, docs: list[tuple[str, Any]], step: int = 0) -> None:
    """Write a run, and its journal; this process is killed at a step of its end."""
    writer = load_format(case.partition("-")[0])(folder, file_name="run", **CASES[case])
    with load_format("jsonl")(folder, file_name="run") as journal:
        for document in docs:
            journal(*document)
    for document in docs[:-1]:
        writer(*document)
    writer.flush()
    if step:
        kill_at(step)
    writer(*docs[-1])
    writer.close()


def kill_at(step: int) -> None:
    """Have this process killed at a step."""
    steps = count(1)

    def take() -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def look(event: str, args: tuple[Any, ...]) -> None:
        if event in ("os.rename", "os.remove") or (event == "open" and is_to_write(args)):
            take()

    class Looked(threading.Event):
        def is_set(self) -> bool:
            take()
            return super().is_set()

    sys.addaudithook(look)
    threading.Event = Looked  # type: ignore[misc]  # of work that begins from now on


def main(out: Path, stride: int, *cases: str) -> None:
    docs = documents(area_detector_file(out / "raw.h5", frames(FRAMES)))
    for case in cases:
        for step in count(1, stride):
            folder = out / case / f"{step:03d}"
            folder.mkdir(parents=True)
            child = os.fork()
            if not child:
                write(folder, case, docs, step)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            if status == 0:
                break
            assert os.WTERMSIG(status) == signal.SIGKILL, f"{folder}: {status}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
