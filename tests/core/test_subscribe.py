"""The front door: every format that is switched on hears a real RunEngine."""

from __future__ import annotations

import threading

import bluesky.plan_stubs as bps
import numpy as np
import pytest

from bluescribe import CsvWriter, JsonlWriter, SpecWriter, Writer, Writers, subscribe_writers
from bluescribe.errors import ConfigError, RecordingError
from bluescribe.formats.csv import CsvFile
from bluescribe.formats.jsonl import JsonlFile
from bluescribe.spool import Spool
from bluescribe.testing import documents
from bluescribe.testing.shapes.devices import gauss, motor
from tests.core.scanning import PATIENCE, scan
from tests.readers.jsonl import read_documents


def iconfig(folder, *formats, **shared):
    blocks = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in formats}
    return {"DATA_FILES": {"DIRECTORY": str(folder), "DRAIN_TIMEOUT": PATIENCE, **shared}, **blocks}


def finished(folder):
    """Return the names of the documents in each journal."""
    return [[name for name, _ in read_documents(path)] for path in sorted(folder.glob("*.jsonl"))]


def test_every_format_that_is_on_writes_every_run(engine, tmp_path):
    with subscribe_writers(engine, iconfig(tmp_path, "csv", "jsonl", "nexus", "spec")) as writers:
        for _ in range(2):
            engine(scan())
        assert [(s.runs_written, s.events_written) for s in writers.status().values()] == [
            (2, 6)
        ] * 4
        assert len(finished(tmp_path)) == 2
        assert len(list(tmp_path.glob("*.hdf"))) == 2
        assert len(list(tmp_path.glob("*-primary.csv"))) == 2
        assert len(list(tmp_path.glob("*.dat"))) == 1


def test_the_file_iconfig_yml_of_the_folder_is_read(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iconfig.yml").write_text("JSONL_DATA_FILES: {ENABLE: true, DIRECTORY: data}")
    with subscribe_writers(engine):
        engine(scan())
    assert len(finished(tmp_path / "data")) == 1


def test_a_wrong_configuration_subscribes_nothing(engine, tmp_path):
    before = len(engine.dispatcher.cb_registry.callbacks)
    with pytest.raises(ConfigError):
        subscribe_writers(engine, iconfig(tmp_path, "jsonl", RETRY_SECONDS="long"))
    assert len(engine.dispatcher.cb_registry.callbacks) == before


def test_nothing_switched_on_is_told(engine, caplog):
    writers = subscribe_writers(engine, {})
    assert "no writer is switched on: set ENABLE: true" in caplog.text
    engine(scan())
    assert list(writers) == []
    assert str(writers.status()) == "no writers"
    assert writers.flush()
    writers.close()


def test_each_format_is_an_attribute(engine, tmp_path):
    writers = subscribe_writers(engine, iconfig(tmp_path, "csv", "spec"))
    assert isinstance(writers.spec, SpecWriter)
    assert list(writers) == [writers.csv, writers.spec]
    assert len(writers) == 2
    assert {"csv", "spec", "flush"} <= set(dir(writers))
    assert repr(writers) == "Writers(csv, spec)"
    assert writers.receiver is writers
    with pytest.raises(
        AttributeError,
        match="no writer 'nexus': NEXUS_DATA_FILES is not switched on; there are csv, spec",
    ):
        writers.nexus  # noqa: B018
    with pytest.raises(AttributeError, match=r"^no writer 'speck'; there are csv, spec$"):
        writers.speck  # noqa: B018
    writers.close()


def test_the_status_prints_a_line_for_each_file(engine, tmp_path):
    with subscribe_writers(engine, iconfig(tmp_path, "csv", "jsonl")) as writers:
        engine(scan())
        text = repr(writers.status())
    header, package, table, journal = text.splitlines()
    assert header.split()[:5] == ["format", "state", "runs", "events", "waiting"]
    assert package.split()[:5] == ["csv", "on", "1", "3", "0"]
    assert journal.split()[:5] == ["jsonl", "on", "1", "3", "0"]
    (path,) = tmp_path.glob("*-primary.csv")
    assert table.strip() == str(path)
    assert text == str(writers.status())


@pytest.mark.parametrize("end", ["unsubscribe", "close"])
def test_after_the_end_no_document_is_received(engine, tmp_path, end, caplog):
    before = threading.enumerate()  # writers of other tests may not have ended yet
    writers = subscribe_writers(engine, iconfig(tmp_path, "jsonl"))
    engine(scan())
    getattr(writers, end)()
    engine(scan())
    assert len(finished(tmp_path)) == 1
    assert not caplog.records
    getattr(writers, end)()
    writers.close()
    more = [thread.name for thread in threading.enumerate() if thread not in before]
    assert not [name for name in more if "bluescribe" in name]


def test_what_was_unsubscribed_may_be_subscribed_again(engine, tmp_path):
    writers = subscribe_writers(engine, iconfig(tmp_path, "jsonl"))
    writers.unsubscribe()
    writers.subscribe(engine)
    engine(scan())
    assert len(finished(tmp_path)) == 1
    writers.close()


def test_unsubscribing_in_mid_run_brings_what_came_to_disk(engine, tmp_path):
    writers = subscribe_writers(engine, iconfig(tmp_path, "jsonl"))

    def plan():
        det = gauss(motor())
        yield from bps.open_run()
        yield from bps.trigger_and_read([det])
        writers.unsubscribe()
        assert finished(tmp_path) == [["start", "descriptor", "event"]]
        yield from bps.trigger_and_read([det])
        yield from bps.close_run()

    engine(plan())
    writers.close()
    assert finished(tmp_path) == [["start", "descriptor", "event"]]


def test_the_end_of_a_run_waits_for_all_writers_at_the_same_time(tmp_path, monkeypatch, caplog):
    """Each waits at its stop for the other one: one after the other would be a deadlock."""
    barrier = threading.Barrier(2)
    for file_class in (JsonlFile, CsvFile):
        original = file_class.close

        def close(file, stop, original=original):
            barrier.wait(PATIENCE)
            original(file, stop)

        monkeypatch.setattr(file_class, "close", close)
    monkeypatch.setattr(Writer, "interval", PATIENCE)  # nothing wakes but what is asked for
    options = {"drain_timeout": PATIENCE / 4}
    writers = Writers(
        {"jsonl": JsonlWriter(tmp_path, **options), "csv": CsvWriter(tmp_path, **options)}
    )
    *played, stop = documents("count", tmp_path / "x")
    for document in played:
        writers(*document)
    assert writers.flush()
    writers(*stop)
    assert [status.runs_written for status in writers.status().values()] == [1, 1]
    assert not caplog.records
    writers.close()


def test_an_array_is_copied_once_for_all_writers(tmp_path, monkeypatch):
    seen = []
    first, second = JsonlWriter(tmp_path / "a"), JsonlWriter(tmp_path / "b")
    monkeypatch.setattr(Spool, "post", lambda spool, name, doc, size: seen.append((doc, size)))
    image = np.zeros((10, 10))
    Writers({"first": first, "second": second})(
        "event",
        {"uid": "e", "descriptor": "d", "seq_num": 1, "time": 1.0, "data": {"image": image}},
    )
    ((doc, size),) = seen
    assert doc["data"]["image"] is not image
    assert size == image.nbytes


def test_a_failing_writer_costs_the_others_nothing(engine, tmp_path, monkeypatch):
    def close(file, stop):
        raise RuntimeError("a fault at the end")

    monkeypatch.setattr(CsvFile, "close", close)
    with subscribe_writers(engine, iconfig(tmp_path, "csv", "jsonl", "spec")) as writers:
        engine(scan())
        assert [len(s.failures) for s in writers.status().values()] == [1, 0, 0]
        assert [s.runs_written for s in writers.status().values()] == [0, 1, 1]


def test_abort_reaches_the_plan_after_every_writer_has_the_document(engine, tmp_path, monkeypatch):
    original = CsvFile.close

    def close(file, stop):
        raise RuntimeError("a fault at the end")

    monkeypatch.setattr(CsvFile, "close", close)
    writers = subscribe_writers(engine, iconfig(tmp_path, "csv", "jsonl", ON_ERROR="abort"))
    with pytest.raises(RecordingError, match=r"csv: .*a fault at the end"):
        engine(scan())
    assert finished(tmp_path)[0][-1] == "stop"
    monkeypatch.setattr(CsvFile, "close", original)
    engine(scan())
    assert [status.runs_written for status in writers.status().values()] == [1, 2]
    writers.close()
