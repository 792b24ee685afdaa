"""Every run goes into the folder that its own metadata say, in all formats, live and exported."""

from __future__ import annotations

from typing import Any

import h5py
import pytest
from bluesky.plans import scan
from ophyd.sim import SynAxis, SynGauss

import bluescribe
from bluescribe import subscribe_writers
from bluescribe.testing.shapes.engine import recording
from tests.contracts import CONTRACTS
from tests.core.scanning import PATIENCE

DIRECTORY = "{proposal_id}/{time:%Y-%m-%d}"
GROUPS = ("GUP-1", "GUP-2", "GUP-1")
DAY = 86_400


@pytest.fixture(scope="module")
def visits(tmp_path_factory):
    """Take a run for each group in one session; return the folder and the documents by group."""
    folder = tmp_path_factory.mktemp("data")
    blocks: dict[str, Any] = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in CONTRACTS}
    blocks |= {"NEXUS_DATA_FILES": {"ENABLE": True, "MASTER_FILE": "visit.nxs"}}
    shared = {"DIRECTORY": str(folder / DIRECTORY), "DRAIN_TIMEOUT": PATIENCE}
    m1 = SynAxis(name="m1")
    with recording(proposal_id=GROUPS[0]) as (RE, documents):
        with_all = subscribe_writers(RE, {"DATA_FILES": shared, **blocks})
        for group in GROUPS:
            RE.md["proposal_id"] = group  # the next group arrives; nobody restarts the session
            RE(scan([SynGauss("det", m1, "m1", center=0, Imax=1)], m1, -1, 1, 3))
        with_all.close()
        assert not any(status.failures for status in with_all.status().values())
    return folder, documents


def runs_of(documents, group=None):
    """Return the documents of each run, or of each run of a group."""
    runs: list[list[tuple[str, dict[str, Any]]]] = []
    for name, doc in documents:
        if name == "start":
            runs.append([])
        runs[-1].append((name, doc))
    return [run for run in runs if group in (None, run[0][1]["proposal_id"])]


def joined(runs):
    return [document for run in runs for document in run]


def check(name, folder, documents):
    contract = CONTRACTS[name]()
    contract.check_runs(contract.read_back(folder), documents)


@pytest.mark.parametrize("name", CONTRACTS)
def test_each_group_finds_its_own_runs_and_no_others(name, visits):
    folder, documents = visits
    for group in set(GROUPS):
        check(name, folder / group, joined(runs_of(documents, group)))
    assert {path.name for path in folder.iterdir()} == set(GROUPS)


def test_each_group_has_a_master_file_with_its_runs(visits):
    folder, documents = visits
    for group in set(GROUPS):
        (path,) = (folder / group).rglob("visit.nxs")
        with h5py.File(path) as visit:
            assert len(visit) == len(runs_of(documents, group))


@pytest.mark.parametrize("name", CONTRACTS)
def test_an_export_follows_groups_and_days_too(name, visits, tmp_path):
    first, second, third = runs_of(visits[1])
    third = [(kind, {**doc, "time": doc["time"] + DAY}) for kind, doc in third]
    done = bluescribe.export([first, second, third], tmp_path / DIRECTORY, [name])
    assert not done.failures
    found = sorted(path for path in tmp_path.glob("*/*") if path.is_dir())
    assert [path.parent.name for path in found] == ["GUP-1", "GUP-1", "GUP-2"]
    for path, run in zip(found, (first, third, second), strict=True):
        check(name, path, run)


def test_an_export_that_is_resumed_goes_on_in_the_spec_file_of_each_folder(visits, tmp_path):
    documents = visits[1]
    runs = runs_of(documents)
    out = tmp_path / "{proposal_id}"
    for some in (runs[:2], runs):
        done = bluescribe.export(some, out, ["spec"], resume=True)
        assert not done.failures
    paths = sorted(tmp_path.rglob("*.dat"))
    assert [path.parent.name for path in paths] == ["GUP-1", "GUP-2"]
    for path in paths:
        check("spec", path.parent, joined(runs_of(documents, path.parent.name)))
