"""A RunEngine gives values that no file can hold: all others are in every file."""

from __future__ import annotations

import copy
import json
import logging
from typing import Any, ClassVar

import bluesky.plans as bp
import h5py
import numpy as np
import pytest
from ophyd.sim import SynAxis

from bluescribe import export
from bluescribe.session.subscribe import make_writers
from bluescribe.testing import HOSTILE
from bluescribe.testing.shapes.engine import recording
from tests.contracts import CONTRACTS
from tests.readers import dx
from tests.recovering import recover


def passes_bluesky(kind):
    """Tell whether a RunEngine hands a value on: event-model prints it, and the test copies it.

    The contract of formats tries the others, which come by other ways.
    """
    try:
        value = HOSTILE[kind]()
        return bool(repr(value)) and bool(repr(copy.deepcopy(value)))
    except BaseException:
        return False


KINDS = [
    kind for kind in HOSTILE if not kind.startswith(("class ", "deep ")) and passes_bluesky(kind)
]
FORMATS = (*CONTRACTS, "dx")
POINTS, BAD = 6, 3


class Listening(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, told):
        super().__init__()
        self.told = told

    def emit(self, record):
        self.told.append(record.getMessage())


class Odd:
    """A device of which every field goes wrong at one point, and never else."""

    name = "odd"
    parent = None
    hints: ClassVar[dict[str, Any]] = {"fields": []}

    def __init__(self):
        self.points = 0

    def describe(self):
        key = {"source": "SIM:odd", "dtype": "number", "shape": []}
        image = {"source": "SIM:odd", "dtype": "array", "shape": [2, 3]}
        return {"image": image, **{kind: dict(key) for kind in KINDS}}

    def read(self):
        self.points += 1
        values: dict[str, Any] = {"image": np.full((2, 3), self.points, "u2")}
        for kind in KINDS:
            values[kind] = HOSTILE[kind]() if self.points == BAD else self.points / 4
        return {name: {"value": value, "timestamp": 1.7e9} for name, value in values.items()}

    def describe_configuration(self):
        return {}

    read_configuration = describe_configuration


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Record one run in all formats, in a folder each."""
    folder = tmp_path_factory.mktemp("hostile")
    blocks = {
        f"{name.upper()}_DATA_FILES": {"ENABLE": True, "DIRECTORY": str(folder / name)}
        for name in FORMATS
    }
    told: list[str] = []
    handler = Listening(told)
    logging.getLogger("bluescribe").addHandler(handler)
    beamline = {"shutter": "open", "me": HOSTILE["__str__ raises"](), "n": 10**5000}
    writers = make_writers({**blocks, "DATA_FILES": {"DRAIN_TIMEOUT": 60}})
    with recording() as (engine, documents), writers:
        engine.subscribe(writers.receiver)
        motor = SynAxis(name="motor")
        md = {"beamline": beamline, "sample": "Fe"}
        engine(bp.scan([Odd()], motor, 0, 5, POINTS), **md)
    logging.getLogger("bluescribe").removeHandler(handler)
    return folder, documents, writers.status(), told


def test_nothing_is_refused_or_given_up(run):
    *_, status, told = run
    for name, each in status.items():
        assert not each.failures, name
        assert not each.documents_refused, name
        assert each.events_written == POINTS
    assert not [text for text in told if "damaged" in text or "INCOMPLETE" in text]


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_other_value_is_in_every_file(run, name):
    folder, documents, *_ = run
    contract = CONTRACTS[name]()
    (found,) = contract.read_back(folder / name)
    events = [doc for kind, doc in documents if kind == "event"]
    assert found.seq_num["primary"] == list(range(1, POINTS + 1))
    for field in events[0]["data"]:
        for row in set(range(POINTS)) - {BAD - 1}:
            value = found.events["primary"].get(field, [None] * POINTS)[row]
            is_elsewhere = value is None and found.left_out.get(("primary", field))
            assert is_elsewhere or contract.same(events[row]["data"][field], value), (field, row)
    if found.start is not None:
        assert found.start["sample"] == "Fe"
        assert found.start["beamline"]["shutter"] == "open"


def test_tomograms_have_every_image(run):
    folder, *_ = run
    (found,) = dx.read_folder(folder / "dx")
    assert [int(image[0, 0]) for image in found.events["primary"]["image"]] == [1, 2, 3, 4, 5, 6]


def test_the_value_says_what_it_was(run):
    folder, *_ = run
    (path,) = (folder / "jsonl").iterdir()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0][1]["beamline"]["n"] == "<unwritable: integer of 5001 digits>"
    assert lines[0][1]["beamline"]["me"].startswith("<unwritable: Hostile that raises ")
    event = next(doc for kind, doc in lines if kind == "event" and doc["seq_num"] == BAD)
    assert event["data"]["list in itself"] == [1, "<unwritable: list that contains itself>"]
    assert event["data"]["__str__ raises"].startswith("<unwritable: Hostile that raises Runtime")
    with h5py.File(next((folder / "nexus").iterdir())) as file:
        texts = file["entry/instrument/bluesky/streams/primary/__str__ raises/value"].asstr()[()]
    assert json.loads(texts[BAD - 1]) == event["data"]["__str__ raises"]


def test_it_is_told_where_it_was(run):
    *_, told = run
    (text,) = [text for text in told if "'list in itself'" in text]
    for part in (f"event {BAD}", "stream 'primary'", "list that contains itself"):
        assert part in text
    assert any("'beamline/n' in the start document" in text for text in told)


def test_the_journal_is_exported_and_needs_no_recovery(run, tmp_path):
    folder, *_ = run
    done = export(folder / "jsonl", tmp_path, ["csv", "nexus"])
    assert not any(run.failures for run in done.runs)
    contract = CONTRACTS["nexus"]()
    (found,) = contract.read_back(tmp_path)
    assert found.seq_num["primary"] == list(range(1, POINTS + 1))
    assert not recover(folder / "jsonl").steps
