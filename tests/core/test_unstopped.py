"""A subscriber before ours raises at a stop document, which bluesky then does not pass on."""

from __future__ import annotations

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from bluesky import RunEngine
from ophyd.sim import det

from bluescribe import JsonlWriter, subscribe_writers
from tests.contracts import CONTRACTS
from tests.core.scanning import PATIENCE, names, scan, told

FORMATS = ("csv", "hdf5", "json", "jsonl", "nexus", "spec")
BLOCKS = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in FORMATS}


class Careless:
    """Raise at the stops of some runs."""

    def __init__(self, *numbers):
        self.numbers, self.stops = numbers, 0

    def __call__(self, name, doc):
        if name == "stop":
            self.stops += 1
            if self.stops in self.numbers:
                raise ValueError("a plot")


@pytest.fixture
def RE():
    return RunEngine({}, context_managers=[])


def words(caplog):
    return [word for word in told(caplog) if "has no stop document" in word]


def test_the_next_run_closes_what_was_left_in_every_format(tmp_path, RE, caplog):
    received = []
    RE.subscribe(lambda name, doc: received.append((name, doc)))
    RE.subscribe(Careless(1))
    with subscribe_writers(RE, {"DATA_FILES": {"DIRECTORY": str(tmp_path)}, **BLOCKS}) as writers:
        with pytest.raises(ValueError, match="a plot"):
            RE(scan())
        assert writers.flush(PATIENCE)
        left = {name: status.current_files for name, status in writers.status().items()}
        assert all(len(files) == 1 for files in left.values())
        assert not words(caplog)
        RE(scan())
        assert all(not status.current_files for status in writers.status().values())
        assert {status.runs_written for status in writers.status().values()} == {2}
    (word,) = words(caplog)
    first = received[0][1]
    assert word.startswith(f"run {first['uid'][:7]} (scan 1) has no stop document")
    assert "Remedy: mend that subscriber" in word
    for name in FORMATS:
        runs = CONTRACTS[name]().read_back(tmp_path)
        assert len(runs) == 2
        assert all(len(run.seq_num["primary"]) == 3 for run in runs)


def test_a_bare_writer_knows_too(tmp_path, RE, caplog):
    RE.subscribe(Careless(1, 3))
    writer = JsonlWriter(tmp_path, file_name="{scan_id}")
    RE.subscribe(writer.receiver)
    for number in range(1, 5):
        if number in (1, 3):
            with pytest.raises(ValueError, match="a plot"):
                RE(scan())
        else:
            RE(scan())
    assert writer.status().runs_written == 4
    assert [names(tmp_path / f"{n}.jsonl")[-1] for n in (1, 2, 3, 4)] == [
        "event", "stop", "event", "stop",
    ]  # fmt: skip
    assert len(words(caplog)) == 2


def test_runs_that_are_open_beside_the_one_that_begins_go_on(tmp_path, RE, caplog):
    with subscribe_writers(RE, {"DATA_FILES": {"DIRECTORY": str(tmp_path)}, **BLOCKS}):

        @bpp.set_run_key_decorator("outer")
        @bpp.run_decorator(md={"which": "outer"})
        def outer():
            for _ in range(2):
                yield from bps.trigger_and_read([det])
                yield from inner()

        @bpp.set_run_key_decorator("inner")
        @bpp.run_decorator(md={"which": "inner"})
        def inner():
            yield from bps.trigger_and_read([det])

        RE(outer())
    assert not words(caplog)
    for name in FORMATS:
        runs = CONTRACTS[name]().read_back(tmp_path)
        assert sorted(len(run.seq_num["primary"]) for run in runs) == [1, 1, 2]


def test_runs_of_another_engine_go_on(tmp_path, RE, caplog):
    other = RunEngine({}, context_managers=[])
    with JsonlWriter(tmp_path, file_name="{which}") as writer:
        RE.subscribe(writer)
        other.subscribe(writer)

        @bpp.run_decorator(md={"which": "long"})
        def plan():
            yield from bps.trigger_and_read([det])
            other(scan(), which="short")
            yield from bps.trigger_and_read([det])

        RE(plan())
    assert not words(caplog)
    assert names(tmp_path / "long.jsonl") == ["start", "descriptor", "event", "event", "stop"]


def test_a_run_that_pauses_goes_on(tmp_path, RE, caplog):
    with JsonlWriter(tmp_path, file_name="{scan_id}") as writer:
        RE.subscribe(writer)

        @bpp.set_run_key_decorator("outer")
        @bpp.run_decorator()
        def plan():
            yield from bps.trigger_and_read([det])
            yield from bps.checkpoint()
            yield from bps.pause()
            yield from inner()
            yield from bps.trigger_and_read([det])

        @bpp.set_run_key_decorator("inner")
        @bpp.run_decorator()
        def inner():
            yield from bps.trigger_and_read([det])

        with pytest.raises(Exception, match="paused"):
            RE(plan())
        RE.resume()
    assert not words(caplog)
    assert names(tmp_path / "1.jsonl")[-1] == "stop"
    assert names(tmp_path / "1.jsonl").count("event") == 2


def test_what_is_no_runengine_asks_nothing(tmp_path, caplog):
    with JsonlWriter(tmp_path, file_name="{uid}") as writer:
        for uid in ("a", "b"):
            writer("start", {"uid": uid, "time": 1.0})
        assert writer.flush()
        assert len(writer.status().current_files) == 2
    assert not words(caplog)
