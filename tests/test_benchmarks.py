"""The benchmarks run, and what they time is complete. Figures are for quiet machines."""

import json
import subprocess
import sys
from pathlib import Path

import event_model
import numpy as np
import pytest

from benchmarks.contenders import Contender, Sink
from benchmarks.workloads import EVENTS, WORKLOADS, documents

TOP = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.ci
FOUR = {"SpecWriter", "NexusWriter", "CsvWriter", "JsonlWriter"}


def test_every_writer_leaves_complete_files(tmp_path):
    options = ["--quick", "--workloads", "a", "--contenders", "bluescribe", "--out", str(tmp_path)]
    subprocess.run([sys.executable, "benchmarks", *options], cwd=TOP, check=True)
    [section] = json.loads((tmp_path / "results.json").read_text())["sections"]
    rows = {row["contender"]: row for row in section["rows"]}
    assert set(rows) == FOUR | {"bluescribe, all four"}
    for row in rows.values():
        assert row["note"] == ""
        assert row["is_complete"]
        assert [sample["events"] for sample in row["samples"]["speed"]] == [200]
    assert "NexusWriter" in (tmp_path / "results.md").read_text()


def test_our_writers_stand_beside_themselves_as_they_were(tmp_path):
    chosen = ["--workloads", "a", "--contenders", "SpecWriter", "--beside", "HEAD"]
    options = ["--quick", *chosen, "--out", str(tmp_path)]
    subprocess.run([sys.executable, "benchmarks", *options], cwd=TOP, check=True)
    [section] = json.loads((tmp_path / "results.json").read_text())["sections"]
    assert [row["contender"] for row in section["rows"]] == ["SpecWriter", "SpecWriter at HEAD"]
    assert all(row["is_complete"] and not row["note"] for row in section["rows"])


def test_images_are_measured_linked_and_copied(tmp_path):
    options = ["--quick", "--workloads", "images", "--out", str(tmp_path)]
    subprocess.run([sys.executable, "benchmarks", *options], cwd=TOP, check=True)
    [section] = json.loads((tmp_path / "results.json").read_text())["sections"]
    rows = {row["contender"]: row for row in section["rows"]}
    assert [row["note"] for row in rows.values()] == ["", "", ""]
    assert rows["linked"]["is_complete"]
    assert rows["copied"]["is_complete"]
    [copied] = rows["copied"]["samples"]["images"]
    assert copied["share"] > 0
    text = (tmp_path / "results.md").read_text()
    assert "images copied: growth of memory" in text


@pytest.mark.parametrize(
    "command",
    [
        ["pages", "--events", "10000", "--repeat", "1", "--formats", "hdf5,csv"],
        ["compression", "--frames", "2", "--repeat", "1", "--names", "none,gzip,zstd,blosc"],
        ["chunks", "--share", "0.05", "--repeat", "1"],
    ],
    ids=["pages", "compression", "chunks"],
)
def test_what_has_a_command_of_its_own_runs(command):
    module, *options = command
    told = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *options],
        cwd=TOP,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert len(told.splitlines()) > 8
    assert "INCOMPLETE" not in told


def test_a_peer_that_is_missing_is_a_row_that_says_so():
    absent = Contender(
        "absent", "csv", "peer", "no-such-writer", lambda _folder: Sink(print, print)
    )
    assert absent.refusal(WORKLOADS["a"]) == "no-such-writer is not installed"
    assert absent.version == "not installed"


@pytest.mark.parametrize("key", WORKLOADS)
def test_workloads_are_valid_documents(key):
    workload = WORKLOADS[key].shortened(3)
    played = list(documents(workload))
    for name, doc in played:
        schema = event_model.schema_validators[event_model.DocumentNames[name]]
        if not (workload.shape and name == "event"):  # JSON schema knows no arrays
            schema.validate(doc)
    rows = [np.size(doc["seq_num"]) for name, doc in played if name in EVENTS]
    assert sum(rows) == workload.events
