"""A session whose end is told in words: ``python -m tests.system.dying TOLD ICONFIG STEP ...``.

It takes the steps one by one, in one plan of a RunEngine; keys name runs that are open at the same
time. What was emitted it pickles to the file TOLD, before it is killed or ends by itself.

    open KEY, take KEY NUMBER, close KEY    of a run
    comment WORDS, newfile NAME             of the SPEC file
    folder NAME, off FORMAT, on FORMAT      of the runs that follow
    away FOLDER, back FOLDER                a file stands in the folder's place
    refuse, accept                          the spool's disk, and hardly anything fits in memory
    flush, kill

Without a configuration, the first step is ``two journals FOLDER`` or ``own settings FOLDER``.
"""

from __future__ import annotations

import errno
import json
import os
import pickle
import signal
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from pydantic import Field

from bluescribe import JsonlWriter, retry_policy, subscribe_writers
from bluescribe.formats.jsonl import JsonlSettings
from bluescribe.retry_policy import RetryPolicy
from bluescribe.session.writers import Writers
from bluescribe.spool import feed, segment, window
from bluescribe.testing.shapes.engine import Record, recording
from tests.system.faults.instrument import Detector

PATIENCE = 30.0


class Session:
    """What is done at each step."""

    def __init__(self, told: Path, writers: Writers, documents: Record) -> None:
        self._told = told
        self._writers = writers
        self._documents = documents
        self._detectors: dict[str, Detector] = {}
        self._write = segment._write_all

    def plan(self, steps: list[str]) -> Any:
        for step in steps:
            verb, _, rest = step.partition(" ")
            yield from getattr(self, verb)(*([rest] if rest else [])) or ()

    def open(self, key: str) -> Any:
        self._detectors[key] = Detector(has_array=True, has_image=True)
        return bpp.set_run_key_wrapper(bps.open_run({"plan_name": "count", "key": key}), key)

    def take(self, words: str) -> Any:
        key, number = words.split()
        for _ in range(int(number)):
            yield from bpp.set_run_key_wrapper(bps.trigger_and_read([self._detectors[key]]), key)

    def close(self, key: str) -> Any:
        return bpp.set_run_key_wrapper(bps.close_run(), key)

    def comment(self, words: str) -> None:
        self._writers.spec.comment(words)

    def newfile(self, name: str) -> None:
        self._writers.spec.newfile(name)

    def folder(self, name: str) -> None:
        self._writers.directory = name

    def off(self, format_name: str) -> None:
        self._writers[format_name].enabled = False

    def on(self, format_name: str) -> None:
        self._writers[format_name].enabled = True

    def away(self, folder: str) -> None:
        put_away(Path(folder))

    def back(self, folder: str) -> None:
        put_back(Path(folder))

    def refuse(self) -> None:
        """Have the disk of the spool refuse what comes, and memory hold very little of it."""
        self._writers.flush(PATIENCE)

        def refuse(fd: int, buffers: Any) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        segment._write_all = refuse
        for module in (window, feed):
            module.MOST_BYTES = 1  # type: ignore[attr-defined]  # both look there
        retry_policy.FOR_SPOOL = RetryPolicy(0.05, 0.05)

    def accept(self) -> None:
        self._writers.flush(PATIENCE)
        segment._write_all = self._write
        time.sleep(0.5)  # until it is tried again

    def flush(self) -> None:
        self._writers.flush(PATIENCE)

    def kill(self) -> None:
        self._writers.flush(PATIENCE)
        time.sleep(0.2)  # what was received is in the spool within 0.1 s
        self.tell()
        os.kill(os.getpid(), signal.SIGKILL)

    def tell(self) -> None:
        self._told.write_bytes(pickle.dumps(self._documents))


def put_away(folder: Path) -> None:
    """Have a file in the place of a folder, which may not be there."""
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name} away"))
    folder.write_text("the mount is away")


def put_back(folder: Path) -> None:
    folder.unlink()
    away = folder.with_name(f"{folder.name} away")
    if away.exists():
        away.rename(folder)


class GreetingSettings(JsonlSettings):
    greeting: str = Field("", description="What nobody else knows")


class GreetingWriter(JsonlWriter):
    settings_class: ClassVar[type[GreetingSettings]] = GreetingSettings


def made(engine: Any, words: str) -> Writers:
    """Return writers that no configuration makes."""
    what, _, folder = words.rpartition(" ")
    if what == "two journals":
        writers = Writers({"a": JsonlWriter(f"{folder}/x"), "b": JsonlWriter(f"{folder}/y")})
    else:
        writers = Writers({"jsonl": GreetingWriter(folder, greeting="hello")})
    writers.subscribe(engine)
    return writers


def main(told: str, iconfig: str, steps: list[str]) -> None:
    with recording() as (engine, documents):
        config = json.loads(iconfig)
        writers = subscribe_writers(engine, config) if config else made(engine, steps.pop(0))
        session = Session(Path(told), writers, documents)
        engine(session.plan(steps))
        session.tell()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
