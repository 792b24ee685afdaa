"""Writers of iconfig.yml for one plan: nothing is subscribed for the others."""

from __future__ import annotations

import bluesky.plans as bp
import bluesky.preprocessors as bpp
import pytest
from bluesky import RunEngine
from ophyd.sim import det, motor

from bluescribe import make_writers
from tests.contracts import CONTRACTS

FORMATS = ("jsonl", "nexus", "spec")


@pytest.fixture
def writers(tmp_path):
    path = tmp_path / "iconfig.yml"
    blocks = "".join(f"{name.upper()}_DATA_FILES: {{ENABLE: true}}\n" for name in FORMATS)
    path.write_text(f"DATA_FILES: {{DIRECTORY: {tmp_path / 'data'}}}\n{blocks}")
    with make_writers(path) as made:
        yield made


def points(name, folder):
    """Return what stands in the files of a format, a list of positions a run."""
    contract = CONTRACTS[name]()
    runs = contract.read_back(folder) if folder.exists() else []
    return [[float(x) for x in run.events["primary"]["motor"]] for run in runs]


def scan(*positions):
    return bp.list_scan([det], motor, list(positions))  # type: ignore[arg-type]  # bluesky's own way


def test_one_writer_gets_one_plan(writers, tmp_path):
    RE = RunEngine({})
    RE(scan(1, 2), writers["nexus"].receiver)
    RE(scan(3, 4))
    RE(scan(5, 6), [writers["jsonl"].receiver, writers["spec"].receiver])
    data = tmp_path / "data"
    assert points("nexus", data) == [[1, 2]]
    assert points("jsonl", data) == points("spec", data) == [[5, 6]]


def test_all_writers_get_one_plan(writers, tmp_path):
    RE = RunEngine({})
    RE(scan(1, 2), writers.receiver)
    RE(scan(3, 4))
    assert [points(name, tmp_path / "data") for name in FORMATS] == [[[1, 2]]] * 3


def test_a_plan_is_decorated_with_its_writer(writers, tmp_path):
    @bpp.subs_decorator(writers["nexus"].receiver)
    def alignment():
        yield from scan(1, 2)

    def day():
        yield from alignment()
        yield from scan(3, 4)
        yield from alignment()

    RunEngine({})(day())
    assert points("nexus", tmp_path / "data") == [[1, 2], [1, 2]]
    assert points("jsonl", tmp_path / "data") == []


def test_a_format_that_is_off_is_named(writers):
    with pytest.raises(KeyError, match=r"no writer 'csv' is switched on; there are .*nexus"):
        writers["csv"]
    assert [writers[name].format for name in FORMATS] == list(FORMATS)
