"""A session that may meet a fault: ``python -m tests.system.faults.struck ORDERS``.

ORDERS is JSON: `folder` for the files, `told` (a file, for what is emitted, and beside it what was
told at the end), `config`, the `scenario` that is played, `armed`, the moment from which on the
orders of `strike.c` count, and `dies`, whether it kills itself at the end. Every value follows from
the number of its event. The processes of the session are forked, as it is itself: see `tests.warm`.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from event_model import compose_run

from bluescribe import subscribe_writers
from bluescribe.recording.process import child
from bluescribe.subscribe import Writers
from bluescribe.testing.shapes.engine import recording
from tests import warm
from tests.formats.images import hdf5_stream, run_of_streams
from tests.system.faults import instrument
from tests.system.faults.control import Control

__all__ = ["FOREIGN", "read_told"]

PATIENCE = 40.0
PAUSE = 0.02
"""Between two points."""
FOREIGN = """#F foreign
#E 1111111111
#D Fri Mar 18 01:58:31 2005
#C foreign  User = specuser
#O0 two theta  theta  chi

#S 1  ascan  tth 1 2 2 1
#D Fri Mar 18 01:58:31 2005
#P0 1 0.5 90
#N 3
#L two theta  Seconds  Detector
1 1 17
2 1 19

"""
"""What another program has written into the SPEC file, and goes on writing there."""


class Session:
    """What is emitted is told before the writers have it."""

    def __init__(self, folder: Path, told: Path, writers: Writers, armed: str) -> None:
        self.folder = folder
        self.writers = writers
        self._armed = armed
        self._control = Control.of_environment()
        self._told = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def emit(self, name: str, doc: Any) -> None:
        os.write(self._told, pickle.dumps((name, doc, time.time())))
        self.writers(name, doc)

    def flush(self, timeout: float = PATIENCE) -> None:
        self.writers.flush(timeout)

    def at(self, moment: str) -> None:
        """Tell that a moment has come, at which orders may begin to count."""
        if moment == self._armed:
            self._control.arm()

    def foreign(self) -> None:
        """Be another program that appends to the SPEC file, and meets no order."""
        is_armed = self._control.disarm()
        with (self.folder / "spec" / "mine.dat").open("a") as file:
            file.write(f"\n{FOREIGN}")
        self.folder.with_name("foreign").touch()
        if is_armed:
            self._control.arm()


class Run:
    """Documents of one run, each made when it is asked for."""

    def __init__(self, session: Session, key: str) -> None:
        self._bundle = compose_run(metadata={"plan_name": "count", "key": key})
        self._session = session
        self._streams: dict[str, Any] = {}
        self._numbers: dict[str, int] = {}
        session.emit("start", self._bundle.start_doc)

    def describe(self, stream: str = "primary", *, has_image: bool = True) -> None:
        described = instrument.Detector(has_array=True, has_image=has_image).describe()
        self._streams[stream] = self._bundle.compose_descriptor(
            name=stream, data_keys=described, object_keys={"det": [*described]}
        )
        self._numbers[stream] = 0
        self._session.emit("descriptor", self._streams[stream].descriptor_doc)

    def take(self, number: int, stream: str = "primary") -> None:
        for _ in range(number):
            self._numbers[stream] += 1
            self._session.emit("event", self._event(stream, self._numbers[stream]))
            time.sleep(PAUSE)

    def stop(self) -> None:
        self._session.emit("stop", self._bundle.compose_stop())

    def _event(self, stream: str, n: int) -> Any:
        keys = self._streams[stream].descriptor_doc["data_keys"]
        values: dict[str, Callable[[int], Any]] = {
            "x": instrument.scalar,
            "n": int,
            "text": instrument.text,
            "spectrum": instrument.spectrum,
            "image": instrument.image,
        }
        return self._streams[stream].compose_event(
            data={key: values[key](n) for key in keys},
            timestamps=dict.fromkeys(keys, time.time()),
            validate=False,
        )


def overlapping(session: Session) -> None:
    """Take four runs, two of them at the same time, and one that is never stopped."""
    session.at("start")
    first = Run(session, "first")
    first.describe()
    first.take(3)
    first.stop()
    session.foreign()
    outer = Run(session, "outer")
    outer.describe()
    outer.take(2)
    inner = Run(session, "inner")
    inner.describe()
    inner.take(2)
    outer.take(1)
    session.flush()
    session.at("descriptor")
    inner.describe("dark", has_image=False)
    inner.take(2, "dark")
    inner.take(1)
    session.flush()
    inner.stop()
    outer.take(1)
    outer.stop()
    last = Run(session, "unstopped")
    last.describe()
    last.take(3)
    time.sleep(0.15)  # all of it is in the spool


def late(session: Session) -> None:
    """Take a run whose folder is away when it begins, and back before it ends."""
    away = session.folder.with_name("away")
    session.folder.rename(away)
    session.folder.write_text("the mount is away")
    run = Run(session, "late")
    run.describe()
    run.take(3)
    session.flush(2.0)
    session.folder.unlink()
    away.rename(session.folder)
    session.at("back")
    run.take(1)
    run.stop()
    session.flush()


def copying(session: Session) -> None:
    """Take a run whose images are copied out of another file, and one behind it."""
    raw = session.folder.with_name("raw.h5")
    for name, doc in run_of_streams([hdf5_stream(raw)], [(0, 0, 4)], (1, 6, 8)):
        if name == "stop":
            session.flush()
            session.at("stop")
        session.emit(name, doc)
    run = Run(session, "next")
    run.describe()
    run.take(2)
    run.stop()


def adopting(session: Session) -> None:
    """Only write what an earlier session left."""
    # each begins the next one
    for name in ("bluescribe-begins", "bluescribe-adopts", "bluescribe-owed"):
        for thread in [each for each in threading.enumerate() if each.name == name]:
            thread.join(PATIENCE)


SCENARIOS: dict[str, Callable[[Session], None]] = {
    each.__name__: each for each in (overlapping, late, copying, adopting)
}


class Listening(logging.Handler):
    """Keeps what is told."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(f"{record.getMessage()}\n{self._traceback_of(record)}".strip())

    def _traceback_of(self, record: logging.LogRecord) -> str:
        if record.exc_info and record.levelno >= logging.ERROR:
            return logging.Formatter().formatException(record.exc_info)
        return record.exc_text or ""


def read_told(told: Path) -> Iterator[tuple[str, Any, float]]:
    """Yield what a session has emitted, and when."""
    with told.open("rb") as file:
        while True:
            try:
                yield pickle.load(file)
            except EOFError:
                return


def main(orders: dict[str, Any]) -> None:
    folder, told = Path(orders["folder"]), Path(orders["told"])
    listening = Listening()
    logging.getLogger("bluescribe").addHandler(listening)
    vars(child)["subprocess"] = SimpleNamespace(Popen=warm.Popen, DEVNULL=subprocess.DEVNULL)
    Control.of_environment().enter()
    with recording() as (engine, _):
        if orders["armed"] == "subscribe":
            Control.of_environment().arm()
        writers = subscribe_writers(engine, orders["config"])
        if "spec" in writers.status():
            writers.spec.newfile("mine")
        session = Session(folder, told, writers, orders["armed"])
        SCENARIOS[orders["scenario"]](session)
        if orders["dies"]:
            os.kill(os.getpid(), signal.SIGKILL)
        began = time.monotonic()
        writers.close()
        statuses = writers.status().items()
    end = {
        "closing": time.monotonic() - began,
        "failures": {name: [*map(str, status.failures)] for name, status in statuses},
        "late": {name: [*map(str, status.late)] for name, status in statuses},
        "refused": {name: status.documents_refused for name, status in statuses},
        "told": listening.told,
    }
    told.with_suffix(".end").write_bytes(pickle.dumps(end))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
