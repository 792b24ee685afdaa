"""What was received is what is written, whatever its producer and other subscribers do to it."""

from __future__ import annotations

import array
import collections
import copy
import time
from typing import Any

import bluesky.plans as bp
import h5py
import numpy as np
import pytest
from bluesky import RunEngine

from bluescribe.session.subscribe import make_writers, subscribe_writers
from bluescribe.testing.shapes.devices import motor
from tests.contracts import CONTRACTS
from tests.core.scanning import PATIENCE, told

FORMATS = [*CONTRACTS, "dx"]
PARTLY = {"spec", "tiff"}
"""Formats that hold a part of the fields."""


class Reused:
    """A device that fills the same buffers and dicts again at each reading."""

    name, parent = "reused", None

    def __init__(self):
        self._image = np.zeros((2, 3), "u2")
        self._values: dict[str, Any] = {
            "number": 0.0,
            "array": array.array("d", [0.0, 0.0]),
            "view": memoryview(bytearray(2)),
            "deque": collections.deque([0, 0]),
            "ragged": np.array([np.zeros(1), np.zeros(2)], object),
            "image": self._image,
        }
        self._reading: dict[str, dict[str, Any]] = {key: {} for key in self._values}

    def trigger(self):
        from ophyd.status import StatusBase

        status = StatusBase()
        status.set_finished()
        return status

    def describe(self):
        shapes = {"number": [], "image": [2, 3], "ragged": [2]}
        return {
            key: {
                "source": "test",
                "dtype": "array" if shapes.get(key, [2]) else "number",
                "shape": shapes.get(key, [2]),
            }
            for key in self._values
        }

    def read(self):
        self._values["number"] += 1.0
        for key in ("array", "view", "deque"):
            self._values[key][0] += 1
        self._values["ragged"][0][:] += 1
        self._image += 1
        for key, value in self._values.items():
            self._reading[key].update(value=value, timestamp=time.time())
        return self._reading

    def describe_configuration(self):
        return {}

    def read_configuration(self):
        return {}


class Unreadable:
    def __array__(self, *args, **kwargs):
        raise SystemExit("the detector is gone")


def recorded(documents):
    """Return a subscriber that keeps documents as they are now, with lists for all arrays."""
    listed = {"array": list, "view": list, "deque": list, "ragged": lambda v: [*map(list, v)]}

    def record(name, doc):
        values = doc.get("data", {})
        if name == "event":
            told_of = {k: listed.get(k, copy.deepcopy)(v) for k, v in values.items()}
            doc = {**doc, "data": told_of, "timestamps": dict(doc["timestamps"])}
            documents.append((name, doc))
        else:
            documents.append((name, copy.deepcopy(doc)))

    return record


def edit(name, doc):
    """Do what a display of the session may do: round, add and take away."""
    if name == "event":
        doc["data"]["number"] = round(doc["data"]["number"] * 100)
        doc["data"].pop("m1_setpoint", None)
        doc["data"]["of the display"] = 1
        doc["timestamps"].clear()
        doc["time"], doc["seq_num"] = 0.0, 99
    elif name in ("start", "stop"):
        doc["time"] = 0.0


def configuration(folder):
    blocks: dict[str, dict[str, Any]] = {
        f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in FORMATS
    }
    blocks["DATA_FILES"] = {"DIRECTORY": str(folder), "DRAIN_TIMEOUT": PATIENCE}
    blocks["DX_DATA_FILES"]["STREAMS"] = {"data": "primary"}  # whites and darks it has none
    return blocks


@pytest.mark.parametrize("alone", [False, True])
def test_nobody_changes_what_is_written(alone, tmp_path, caplog):
    documents: list[Any] = []
    m1 = motor()
    engine = RunEngine({})
    engine.subscribe(recorded(documents))
    if alone:
        writers = make_writers(configuration(tmp_path))
        for writer in writers:
            engine.subscribe(writer.receiver)
    else:
        writers = subscribe_writers(engine, configuration(tmp_path))
    engine.subscribe(edit)
    with writers:
        engine(bp.scan([Reused()], m1, 0, 2, 3), operator="ada")
    assert not told(caplog)
    for name, contract in CONTRACTS.items():
        if name in PARTLY:
            (run,) = contract().read_back(tmp_path)
            assert run.seq_num["primary"] == [1, 2, 3]
        else:
            contract().check_runs(contract().read_back(tmp_path), documents)
    (path,) = tmp_path.glob("*.dx.h5")
    with h5py.File(path) as file:
        assert file["exchange/data"][:, 0, 0].tolist() == [1, 2, 3]


def test_a_value_that_raises_costs_its_value(tmp_path, caplog):
    documents: list[Any] = []
    engine = RunEngine({})

    def hostile(name, doc):
        if name == "event":
            doc["data"]["unreadable"] = Unreadable()
            doc["timestamps"]["unreadable"] = doc["time"]

    engine.subscribe(recorded(documents))
    engine.subscribe(hostile)
    with subscribe_writers(engine, configuration(tmp_path)) as writers:
        engine(bp.count([Reused()], 3), unreadable=Unreadable())
    left_out = "<unwritable: Unreadable that raises SystemExit: the detector is gone>"
    for status in writers.status().values():
        assert status.documents_refused == len(status.failures) == 0, status
    for name in ("jsonl", "csv", "nexus", "hdf5", "json"):
        (run,) = CONTRACTS[name]().read_back(tmp_path)
        assert run.events["primary"]["unreadable"] == [left_out] * 3
        assert run.events["primary"]["number"] == [1.0, 2.0, 3.0]
        assert run.start
        assert run.start["unreadable"] == left_out
    assert len([text for text in told(caplog) if left_out in text]) == 2
