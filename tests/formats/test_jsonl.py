"""The journal: every document on its line, exactly, as it came."""

from __future__ import annotations

import json
import math
import signal
import sys
from textwrap import dedent

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from bluescribe import JsonlWriter
from bluescribe.testing import damaged_runs, documents, runs
from bluescribe.testing.contract import in_json, same_value
from tests import warm
from tests.extent import examples
from tests.readers.jsonl import read_documents

PATIENCE = 60


def write(folder, played, **options):
    with JsonlWriter(folder, drain_timeout=PATIENCE, **options) as writer:
        for name, doc in played:
            writer(name, doc)
    return writer.status()


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runs())
def test_every_document_of_a_generated_run_comes_back_in_its_order(tmp_path_factory, played):
    folder = tmp_path_factory.mktemp("journal")
    write(folder, played)
    (path,) = folder.iterdir()
    found = read_documents(path)
    assert [name for name, _ in found] == [name for name, _ in played]
    for (_, told), (_, doc) in zip(played, found, strict=True):
        assert same_value(in_json(told), doc)


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged_runs())
def test_a_damaged_run_leaves_lines_that_can_be_read(tmp_path_factory, played):
    folder = tmp_path_factory.mktemp("damaged")
    assert not write(folder, played).failures
    for path in folder.iterdir():
        assert all(isinstance(name, str) for name, _ in read_documents(path))


def test_a_line_holds_what_was_measured_exactly(tmp_path):
    data = {"big": 2**70, "nan": math.nan, "f4": np.float32(0.1),
            "image": np.arange(4).reshape(2, 2), "text": "a\nb\u2028\ud800", "none": None,
            "path": [np.inf, -0.0]}  # fmt: skip
    key = {"dtype": "number", "shape": [], "source": "x"}
    event = {
        "uid": "e",
        "descriptor": "d",
        "seq_num": 1,
        "time": 2.0,
        "data": data,
        "timestamps": {},
    }
    descriptor = {
        "uid": "d",
        "run_start": "u",
        "name": "primary",
        "data_keys": dict.fromkeys(data, key),
    }
    start = ("start", {"uid": "u", "time": 1.0})
    write(tmp_path, [start, ("descriptor", descriptor), ("event", event)], file_name="a")
    found = read_documents(tmp_path / "a.jsonl")[-1][1]["data"]
    expected = {**data, "f4": 0.10000000149011612, "image": [[0, 1], [2, 3]]}
    assert repr(found) == repr(expected)


def test_a_value_that_cannot_be_said_becomes_a_text(tmp_path, caplog):
    played = documents("count", tmp_path / "x")
    cycle: list = []
    cycle.append(cycle)
    name, doc = played[2]
    played[2] = name, {**doc, "data": {"det": cycle}}
    status = write(tmp_path, played, file_name="a")
    assert status.documents_refused == 0
    assert not status.failures
    found = read_documents(tmp_path / "a.jsonl")
    assert len(found) == len(played)
    assert found[2][1]["data"] == {"det": ["<unwritable: list that contains itself>"]}
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "the value of 'det' cannot be written" in warning


def test_the_lines_grow_while_the_run_goes_on(tmp_path):
    played = documents("count", tmp_path / "x")
    with JsonlWriter(tmp_path / "data") as writer:
        for number, (name, doc) in enumerate(played, 1):
            writer(name, doc)
            writer.flush(PATIENCE)
            (path,) = (tmp_path / "data").iterdir()
            assert len(read_documents(path)) == number


def test_the_ending_may_be_another(tmp_path):
    write(
        tmp_path, [("start", {"uid": "u", "time": 1.0})], file_name="a", file_extension=".journal"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["a.journal"]


KILLED = """
    import os, signal, sys
    from bluescribe import JsonlWriter
    writer = JsonlWriter(sys.argv[1], file_name="a")
    writer("start", {"uid": "u", "time": 1.0})
    writer("descriptor", {"uid": "d", "run_start": "u", "name": "primary", "data_keys": {"x": {}}})
    for n in range(1, 3001):
        writer("event", {"uid": str(n), "descriptor": "d", "seq_num": n, "time": 1.0,
                         "data": {"x": n}, "timestamps": {"x": 1.0}})
        if n == 2000:
            writer.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_flushed_survives_a_kill(tmp_path):
    program = [sys.executable, "-c", dedent(KILLED), str(tmp_path)]
    code = warm.run(program, check=False, timeout=PATIENCE).returncode
    assert code == -signal.SIGKILL
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert len(lines) >= 2002
    found = [json.loads(line) for line in lines[:2002]]
    assert [doc["data"]["x"] for name, doc in found if name == "event"] == list(range(1, 2001))


@pytest.mark.parametrize("name", ["interleaved_runs", "never_stopped"])
def test_each_run_has_a_journal_of_its_own(tmp_path, name):
    played = documents(name, tmp_path / "x")
    write(tmp_path / "data", played)
    starts = [doc["uid"] for kind, doc in played if kind == "start"]
    found = [read_documents(path)[0][1]["uid"] for path in (tmp_path / "data").iterdir()]
    assert sorted(found) == sorted(starts)
