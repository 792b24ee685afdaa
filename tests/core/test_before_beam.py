"""What is told when writers are subscribed: folders, and a start-up that is run twice."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from pathlib import Path

import bluesky.plan_stubs as bps
import h5py
import pytest

from bluescribe import JsonlWriter, NexusWriter, subscribe_writers
from bluescribe.contract import folders as folders_module
from bluescribe.contract.folders import check_folders
from bluescribe.errors import ConfigError, DirectoryError
from bluescribe.formats import format_names, load_format
from bluescribe.session.subscribe import make_writers
from bluescribe.testing import documents
from bluescribe.testing.shapes.devices import gauss, motor
from tests.core.scanning import PATIENCE, WHOLE, names, scan, told
from tests.extent import IS_LONG

FORMATS = ["csv", "dx", "hdf5", "json", "jsonl", "nexus", "spec", "tiff"]


def iconfig(folder, *formats, **shared):
    blocks = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in formats}
    return {"DATA_FILES": {"DIRECTORY": str(folder), "DRAIN_TIMEOUT": PATIENCE, **shared}, **blocks}


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


# --- folders --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("file", "{uid}"),
        ("file/deep/{proposal_id}", "{uid}"),
        ("dangling", "{uid}"),
        ("dangling/deep", "{uid}"),
        (".", "file/{uid}"),
        ("{proposal_id}/../file", "{uid}"),
        (".", "{{braces}}/{uid}"),
        ("x" * 300, "{uid}"),
    ],
)
def test_a_folder_that_cannot_be_made_is_told_for_all_formats_at_once(
    engine, tmp_path, directory, name
):
    for blocked in ("file", "{braces}"):
        (tmp_path / blocked).write_text("not a folder")
    (tmp_path / "dangling").symlink_to("nowhere")
    before = everything(tmp_path)
    if directory.startswith("{"):  # what comes behind a key is not known yet
        with subscribe_writers(engine, iconfig(directory, "csv")):
            return
    with pytest.raises(DirectoryError) as caught:
        subscribe_writers(engine, iconfig(tmp_path / directory, *FORMATS, FILE_NAME=name))
    first, line = str(caught.value).splitlines()
    assert first == "files could not be written here:"
    assert f"({', '.join(FORMATS)})" in line
    words = "is no folder; a file stands where a folder is needed: set another DIRECTORY"
    assert ("File name too long; shorten" if "xx" in directory else words) in line
    assert line.startswith("/")
    assert isinstance(caught.value, ConfigError | OSError)
    assert everything(tmp_path) == before
    assert not engine.dispatcher.cb_registry.callbacks.get("stop")


def test_a_folder_that_cannot_be_written_is_told_beside_others(engine, tmp_path):
    content = iconfig(tmp_path / "good" / "{proposal_id}", "csv", "jsonl", "spec")
    (tmp_path / "file").touch()
    content["JSONL_DATA_FILES"]["DIRECTORY"] = "/proc/1/fdinfo/bluescribe"  # nobody may write there
    content["SPEC_DATA_FILES"]["DIRECTORY"] = str(tmp_path / "file")
    with pytest.raises(DirectoryError) as caught:
        subscribe_writers(engine, content)
    _, journal, spec = str(caught.value).splitlines()
    assert journal.startswith("/proc/1/fdinfo/bluescribe (jsonl): ")
    assert spec.startswith(f"{tmp_path / 'file'} (spec): ")
    assert everything(tmp_path) == ["file"]


def test_folders_that_refuse_are_told_in_their_order(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    wanted = [(name, tmp_path / "file" / name) for name in ("slow", "quick")]
    tried = folders_module._try

    def late(folder, found):
        if folder.name == "slow":
            answered.wait(PATIENCE)
        tried(folder, found)
        answered.set()

    answered = threading.Event()
    monkeypatch.setattr(folders_module, "_try", late)
    with pytest.raises(DirectoryError) as caught:
        check_folders(wanted)
    found = [line.partition(" (")[0] for line in str(caught.value).splitlines()[1:]]
    assert found == [str(folder) for _, folder in wanted]


def test_an_outbox_that_cannot_be_made_is_told(engine, tmp_path):
    (tmp_path / "file").touch()
    block = {"ENABLE": True, "URI": "http://localhost:9", "OUTBOX": str(tmp_path / "file" / "x")}
    words = r"file/x \(what tiled has to deliver\): .*/file is no folder"
    with pytest.raises(DirectoryError, match=words):
        subscribe_writers(engine, {"TILED": block})


def test_folders_that_can_be_made_are_made_by_the_first_run(engine, tmp_path, caplog):
    content = iconfig(tmp_path / "deep" / "{plan_name}", "csv", FILE_NAME="raw/{uid}")
    with subscribe_writers(engine, content):
        assert everything(tmp_path) == []
        engine(scan())
    assert (tmp_path / "deep/scan/raw").is_dir()
    assert not told(caplog)


def test_a_folder_that_does_not_answer_is_told_and_the_session_begins(
    tmp_path, monkeypatch, caplog
):
    gone = threading.Event()
    monkeypatch.setattr(folders_module, "_SECONDS", 0.05)
    monkeypatch.setattr(folders_module, "_try", lambda folder, found: gone.wait(PATIENCE))
    check_folders([("csv", tmp_path)])
    gone.set()
    assert f"{tmp_path} does not answer for 0 s: is its file server away?" in caplog.text


# --- a start-up that is run twice -----------------------------------------------------------------


def runs_in(folder):
    return {path.name: names(path) for path in sorted(folder.glob("*.jsonl"))}


def test_the_second_call_takes_the_place_of_the_first(engine, tmp_path, caplog):
    before = threading.enumerate()  # writers of other tests may not have ended yet
    first = subscribe_writers(engine, iconfig(tmp_path, *FORMATS))
    engine(scan())
    alone = everything(tmp_path)
    with subscribe_writers(engine, iconfig(tmp_path, *FORMATS)) as second:
        engine(scan())
        assert [status.runs_written for status in second.status().values()] == [1] * len(FORMATS)
    assert [status.runs_written for status in first.status().values()] == [1] * len(FORMATS)
    assert len(everything(tmp_path)) == 2 * len(alone)
    (line,) = [line for line in told(caplog) if "is already there" not in line]  # .dat of a second
    assert line.startswith("subscribe_writers was called again for this RunEngine: Writers(csv, dx")
    assert line.endswith(f"takes the place of {first!r}")
    more = [t.name for t in threading.enumerate() if t not in before]
    assert not [name for name in more if "bluescribe" in name and "inc" not in name]


def test_the_second_call_may_have_another_configuration(engine, tmp_path):
    subscribe_writers(engine, iconfig(tmp_path, "nexus", "jsonl"))
    with subscribe_writers(engine, iconfig(tmp_path, "jsonl")):
        engine(scan())
    assert [Path(name).suffix for name in everything(tmp_path)] == [".jsonl"]


def test_a_second_call_that_fails_leaves_the_first(engine, tmp_path):
    with subscribe_writers(engine, iconfig(tmp_path, "jsonl")):
        with pytest.raises(ConfigError):
            subscribe_writers(engine, iconfig(tmp_path, "jsonl", RETRY_SECONDS=-1))
        engine(scan())
    assert list(runs_in(tmp_path).values()) == [WHOLE]


def test_another_engine_has_writers_of_its_own(tmp_path, caplog):
    from bluescribe.testing.shapes.engine import recording

    with recording() as (one, _), recording() as (other, _):
        for engine, folder in ((one, "one"), (other, "other")):
            subscribe_writers(engine, iconfig(tmp_path / folder, "jsonl"))
        for engine in (one, other):
            engine(scan())
    assert [len(runs_in(tmp_path / folder)) for folder in ("one", "other")] == [1, 1]
    assert not told(caplog)


def test_an_open_run_is_finished_by_the_first(engine, tmp_path, caplog):
    """The cell is run in a pause: what is open stays whole, the next run has the new writers."""
    det = gauss(motor())
    made = [subscribe_writers(engine, iconfig(tmp_path / "first", "jsonl", "csv"))]

    def plan():
        yield from bps.open_run()
        yield from bps.trigger_and_read([det])
        made.extend(
            subscribe_writers(engine, iconfig(tmp_path / folder, "jsonl", "csv"))
            for folder in ("never", "second")
        )
        yield from bps.trigger_and_read([det])
        yield from bps.close_run()
        yield from bps.open_run()
        yield from bps.trigger_and_read([det])
        yield from bps.close_run()

    engine(plan())
    engine(scan())
    made[-1].close()
    whole = ["start", "descriptor", "event", "event", "stop"]
    assert list(runs_in(tmp_path / "first").values()) == [whole]
    second = sorted(runs_in(tmp_path / "second").values(), key=len)
    assert second == [["start", "descriptor", "event", "stop"], WHOLE]
    assert not (tmp_path / "never").exists()
    assert len(list((tmp_path / "second").glob("*-primary.csv"))) == 2
    again, once_more = told(caplog)
    for line in (again, once_more):
        assert line.endswith("when the run that is open there has ended")


def test_writers_that_wait_for_their_turn_may_be_closed(engine, tmp_path):
    subscribe_writers(engine, iconfig(tmp_path / "first", "jsonl"))

    def plan():
        yield from bps.open_run()
        subscribe_writers(engine, iconfig(tmp_path / "second", "jsonl")).close()
        yield from bps.close_run()

    engine(plan())
    engine(scan())
    assert len(runs_in(tmp_path / "first")) == 2


def test_writers_subscribed_twice_write_once(engine, tmp_path):
    with make_writers(iconfig(tmp_path, "jsonl")) as writers:
        for _ in range(2):
            writers.subscribe(engine)
            engine.subscribe(writers.receiver)
        engine(scan())
    assert list(runs_in(tmp_path).values()) == [WHOLE]


WRITERS = [load_format(name) for name in format_names()]


@contextmanager
def closing(*writers):
    yield
    for writer in writers:
        writer.close()


@pytest.mark.parametrize(
    ("kind", "writer_class"),
    [
        *[("another", writer_class) for writer_class in WRITERS],
        *[("the same", writer_class) for writer_class in WRITERS[:: 1 if IS_LONG else 4]],
        *[("beside writers", writer_class) for writer_class in WRITERS[:: 1 if IS_LONG else 4]],
    ],
)
def test_a_writer_that_is_pasted_twice_writes_once(engine, tmp_path, caplog, writer_class, kind):
    options = {"drain_timeout": PATIENCE}
    first = writer_class(tmp_path / "twice", **options)
    second = first if kind == "the same" else writer_class(tmp_path / "twice", **options)
    if kind == "beside writers":
        first = subscribe_writers(engine, iconfig(tmp_path / "twice", writer_class.format))
    alone = writer_class(tmp_path / "alone", file_name="{uid}", **options)
    with closing(first, second, alone):
        if kind != "beside writers":
            engine.subscribe(first.receiver)
        engine.subscribe(second.receiver)
        engine.subscribe(alone.receiver)
        for _ in range(2):
            engine(scan())
    assert len(everything(tmp_path / "twice")) == len(everything(tmp_path / "alone"))
    lines = [line for line in told(caplog) if "left to another writer of this session" in line]
    assert len(lines) == (0 if kind == "the same" else 1)
    assert len(told(caplog)) == len(lines)
    if writer_class is NexusWriter:
        for path in (tmp_path / "twice").glob("*.hdf"):
            with h5py.File(path) as file:
                assert len(file["entry/data/det"]) == 3
    if writer_class is JsonlWriter:
        assert list(runs_in(tmp_path / "twice").values()) == [WHOLE] * 2


def test_the_other_writer_writes_when_the_first_is_closed(engine, tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    first, second = JsonlWriter(tmp_path), JsonlWriter(tmp_path)
    with closing(first, second):
        for writer in (first, second):
            engine.subscribe(writer.receiver)
        engine(scan())
        first.close()
        engine(scan())
    assert list(runs_in(tmp_path).values()) == [WHOLE] * 2


def test_a_run_that_is_played_again_is_written_again(tmp_path):
    """Only a run that is open in another writer is left to it."""
    played = documents("count", tmp_path / "x")
    for _ in range(2):
        with JsonlWriter(tmp_path / "out") as writer:
            for document in played[:-1]:
                writer(*document)
    assert len(runs_in(tmp_path / "out")) == 2


def test_writers_with_names_of_their_own_both_write(engine, tmp_path):
    with JsonlWriter(tmp_path, file_name="a") as one, JsonlWriter(tmp_path, file_name="b") as two:
        for writer in (one, two):
            engine.subscribe(writer.receiver)
        engine(scan())
    assert list(runs_in(tmp_path)) == ["a.jsonl", "b.jsonl"]
