"""Runs come from wherever they are kept, and name what is missing."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from dataclasses import replace

import pytest

import bluescribe
from bluescribe.sources import MissingExtraError, Selection, SourceError, as_runs, open_source
from bluescribe.sources import base as sources_base
from bluescribe.testing import documents
from tests.contracts import CONTRACTS

SHAPES = ("count", "baseline", "grid_scan_snaked", "strings", "resource_hdf5", "aborted", "mca")
FORMATS = ("csv", "nexus", "spec")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return documents of some runs, by the name of their shape."""
    folder = tmp_path_factory.mktemp("external")
    return {name: documents(name, made(folder / name)) for name in SHAPES}


def made(folder):
    folder.mkdir()
    return folder


def check_values(folder, expected):
    """Read the exported files and compare them with what was measured."""
    for name in FORMATS:
        contract = CONTRACTS[name]()
        # a catalog does not keep the order of the descriptors of different streams
        found = [replace(run, descriptors=None) for run in contract.read_back(folder)]
        contract.check_runs(found, [p for r in expected for p in r])


def start(documents):
    return documents[0][1]


# --- journals ------------------------------------------------------------------------------------


@pytest.fixture
def journals(runs, tmp_path):
    bluescribe.export(runs.values(), tmp_path / "journals", ["jsonl"])
    return tmp_path / "journals"


def test_a_journal_that_broke_off_gives_what_was_there(runs, tmp_path, caplog):
    done = bluescribe.export(runs["count"], tmp_path, ["jsonl"])
    (path,) = done.files
    path.write_bytes(path.read_bytes()[:-30])
    with caplog.at_level(logging.WARNING):
        again = bluescribe.export(path, tmp_path / "again", ["csv"])
    assert not again.failures
    assert "there in part only" in caplog.text
    assert again.events == done.events


def test_a_line_that_is_no_document_fails_its_run_and_no_other(journals, tmp_path):
    broken = sorted(journals.glob("*.jsonl"))[0]
    lines = broken.read_bytes().splitlines(keepends=True)
    broken.write_bytes(b"".join([*lines[:2], b"???\n", *lines[2:]]))
    done = bluescribe.export(journals, tmp_path / "out", ["csv"])
    assert len(done) == len(SHAPES)
    (failure,) = done.failures
    assert "line 3: not a document" in failure


def test_runs_are_chosen(journals, runs):
    source = open_source(journals)
    ordered = sorted((start(r) for r in runs.values()), key=lambda s: s["time"])

    def uids(**selection):
        return [run.uid for run in source.find(Selection(**selection))]

    assert uids() == [s["uid"] for s in ordered]
    assert uids(last=2) == [s["uid"] for s in ordered[-2:]]
    assert uids(scan_ids=(-1,)) == [ordered[-1]["uid"]]
    assert uids(uids=(ordered[2]["uid"][:9],)) == [ordered[2]["uid"]]
    assert uids(since=ordered[3]["time"]) == [s["uid"] for s in ordered[3:]]
    assert uids(until=ordered[3]["time"]) == [s["uid"] for s in ordered[:3]]
    counted = [s["uid"] for s in ordered if s["plan_name"] == "count"]
    assert uids(search={"plan_name": "count"}) == counted
    with pytest.raises(SourceError, match="no run with scan_id 77"):
        uids(scan_ids=(77,))
    with pytest.raises(SourceError, match="no run whose uid begins with 'zz'"):
        uids(uids=("zz",))


def test_an_iterator_of_documents_is_enough(runs, tmp_path):
    done = bluescribe.export(iter(runs["count"]), tmp_path, ["csv"])
    assert not done.failures
    assert done[0].uid == start(runs["count"])["uid"]


@pytest.mark.parametrize("given", [3, {"start": {}}, [("stop", {})]])
def test_what_holds_no_run_is_told(given):
    with pytest.raises(SourceError):
        as_runs(given)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        open_source(tmp_path / "nothing")


def test_a_missing_extra_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "tiled.client", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'bluescribe\[tiled\]'") as caught:
        open_source("http://127.0.0.1:1/api/v1/metadata/raw")
    assert "\n" not in str(caught.value)
    assert sources_base.import_extra("json", "none", "nothing") is json


# --- databroker ----------------------------------------------------------------------------------


@pytest.fixture
def catalog(runs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        v2 = pytest.importorskip("databroker.v2")
        pytest.importorskip("suitcase.msgpack")
        catalog = v2.temp()
        for run in runs.values():
            for name, doc in run:
                catalog.v1.insert(name, doc)
        catalog.force_reload()
    return catalog


pytest_databroker = pytest.mark.filterwarnings("ignore")


@pytest_databroker
def test_a_databroker_catalog_has_the_same_values(catalog, runs, tmp_path):
    done = bluescribe.export(catalog, tmp_path, FORMATS)
    assert not done.failures
    assert len(done) == len(SHAPES)
    check_values(tmp_path, runs.values())


@pytest_databroker
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_one_run_of_databroker(catalog, runs, tmp_path, version):
    run = getattr(catalog, version)[start(runs["count"])["uid"]]
    bluescribe.export(run, tmp_path, FORMATS)
    check_values(tmp_path, [runs["count"]])


@pytest_databroker
def test_a_databroker_catalog_is_searched(catalog, runs):
    latest = max(runs.values(), key=lambda r: start(r)["time"])
    uid = start(latest)["uid"]
    for selection in (
        Selection(last=1),
        Selection(scan_ids=(-1,)),
        Selection(uids=(uid[:8],)),
        Selection(since=start(latest)["time"]),
        Selection(search={"uid": uid}),
    ):
        assert [run.uid for run in as_runs(catalog, selection)] == [uid]


# --- tiled ---------------------------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.filterwarnings("ignore")
def test_a_tiled_server_has_the_same_values(tiled_url, runs, tmp_path):
    from bluesky_tiled_plugins import TiledWriter
    from tiled.client import from_uri
    from tiled.structures.core import Spec

    raw = from_uri(tiled_url).create_container("raw", specs=[Spec("CatalogOfBlueskyRuns", "3.0")])
    chosen = {name: runs[name] for name in ("count", "baseline", "grid_scan_snaked")}
    for run in chosen.values():
        writer = TiledWriter(raw)
        for pair in run:
            writer(*pair)
    url = f"{tiled_url}/api/v1/metadata/raw"
    done = bluescribe.export(url, tmp_path / "out", ("csv", "spec"))
    assert not done.failures
    assert {run.uid for run in done} == {start(run)["uid"] for run in chosen.values()}
    same = done.events, sum(name == "event" for run in chosen.values() for name, _ in run)
    assert same[0] == same[1]
    uid = start(chosen["baseline"])["uid"]
    assert [run.uid for run in open_source(url).find(Selection(uids=(uid[:7],)))] == [uid]
    latest = max(
        done, key=lambda run: next(r.time for r in open_source(url).find() if r.uid == run.uid)
    )
    assert [r.uid for r in open_source(url).find(Selection(scan_ids=(-1,)))] == [latest.uid]
    with pytest.raises(SourceError, match=r"holds .*raw"):
        open_source(tiled_url)
    contract = CONTRACTS["csv"]()
    found = {run.uid: run for run in contract.read_back(tmp_path / "out")}
    for run in chosen.values():
        wanted = [d["data"] for n, d in run if n == "event" and "det" in d["data"]]
        columns = found[start(run)["uid"]].events["primary"]
        assert [float(v) for v in columns["det"]] == [w["det"] for w in wanted]
