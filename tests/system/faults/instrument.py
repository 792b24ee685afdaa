"""A RunEngine with all writers on, in a child process; what it emits, it tells at once.

Every value is a function of the event's number, so that a file can be checked without another.
"""

from __future__ import annotations

import json
import os
import random
import time
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
from bluesky import RunEngine

from bluescribe import subscribe_writers

FORMATS = ("jsonl", "spec", "nexus", "csv", "hdf5", "json", "dx", "tiff")
ELEMENTS = 50
SHAPE = 7, 9


def scalar(n: int) -> float:
    return n / 7


def text(n: int) -> str:
    return f"t{n}"


def spectrum(n: int) -> list[float]:
    return [n + i / 8 for i in range(ELEMENTS)]


def image(n: int) -> Any:
    return np.arange(n, n + 63, dtype=np.uint16).reshape(SHAPE)


class Detector:
    """Counts its readings; the values follow from the count."""

    parent = None

    def __init__(self, *, has_array: bool, has_image: bool = False) -> None:
        self.name = "det"
        self._number = 0
        self._fields: dict[str, Any] = {"x": scalar, "n": int, "text": text}
        if has_array:
            self._fields["spectrum"] = lambda n: np.array(spectrum(n))
        if has_image:
            self._fields["image"] = image

    def read(self):
        self._number += 1
        now = time.time()
        return {k: {"value": f(self._number), "timestamp": now} for k, f in self._fields.items()}

    def describe(self):
        kinds = {"x": "number", "n": "integer", "text": "string"}
        shapes = {"spectrum": [ELEMENTS], "image": list(SHAPE)}
        return {
            key: {
                "source": "sim",
                "dtype": kinds.get(key, "array"),
                "shape": shapes.get(key, []),
            }
            for key in self._fields
        }

    def read_configuration(self):
        return {}

    def describe_configuration(self):
        return {}


def points(number: int, delay: float, *, has_array: bool):
    """Take one run."""
    detector = Detector(has_array=has_array, has_image=has_array)
    yield from bps.open_run({"plan_name": "count"})
    for _ in range(number):
        yield from bps.trigger_and_read([detector])
        yield from bps.sleep(delay)
    yield from bps.close_run()


def two_at_once(number: int, delay: float):
    """Take two runs, one inside of the other."""
    outer, inner = Detector(has_array=False), Detector(has_array=False)

    @bpp.set_run_key_decorator("inner")
    @bpp.run_decorator(md={})
    def inside():
        for _ in range(number):
            yield from bps.trigger_and_read([inner])
            yield from bps.sleep(delay)

    @bpp.set_run_key_decorator("outer")
    @bpp.run_decorator(md={})
    def outside():
        for _ in range(number // 2):
            yield from bps.trigger_and_read([outer])
        yield from inside()
        for _ in range(number // 2):
            yield from bps.trigger_and_read([outer])
            yield from bps.sleep(delay)

    yield from outside()


class Teller:
    """Write each event that is emitted to a pipe, with the time."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._runs: dict[str, str] = {}

    def __call__(self, name: str, doc: Any) -> None:
        if name == "descriptor":
            self._runs[doc["uid"]] = doc["run_start"]
            if "image" in doc["data_keys"]:
                self._tell("image", doc["run_start"], 0)
        elif name in ("start", "event", "stop"):
            uid = {"start": doc["uid"], "stop": doc.get("run_start")}.get(name)
            uid = uid or self._runs[doc["descriptor"]]
            self._tell(name, uid, doc.get("seq_num", 0))

    def _tell(self, name: str, uid: str, number: int) -> None:
        line = json.dumps([name, uid, number, time.time()]) + "\n"
        os.write(self._fd, line.encode())


def run(folder: str, fd: int, kind: str, seed: int, formats: tuple[str, ...] = FORMATS) -> None:
    """Measure until the process is killed."""
    chance = random.Random(seed)
    engine = RunEngine({}, context_managers=[])
    engine.subscribe(Teller(fd))  # before the writers: it tells of a stop that they do not have yet
    switches = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in formats}
    subscribe_writers(engine, {"DATA_FILES": {"DIRECTORY": folder}, **switches})
    while True:
        delay = chance.choice([0, 0.002, 0.01, 0.05])
        number = (
            chance.choice([1, 5, 20, 60, 400]) if kind != "close" else chance.choice([1, 9, 40])
        )
        if kind == "two":
            engine(two_at_once(max(number, 20), delay))
        else:
            engine(points(number, delay, has_array=kind == "array" or chance.random() < 0.3))
