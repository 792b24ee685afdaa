"""Where is my file: files(), where(), the lines at the console, tables and HTML."""

from __future__ import annotations

import io
import logging
import sys
from contextlib import contextmanager
from pathlib import Path

import bluesky.plans as bp
import pytest

from bluescribe import subscribe_writers
from bluescribe.recording.tables import Column, Table
from bluescribe.session.console import show_messages
from bluescribe.session.magic import Magic
from tests.core.scanning import scan, told

CONFIG = {f"{name}_DATA_FILES": {"ENABLE": True} for name in ("CSV", "JSONL", "SPEC")}


@pytest.fixture
def writers(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with subscribe_writers(engine, {"DATA_FILES": {"DIRECTORY": "made"}, **CONFIG}) as writers:
        yield writers


def test_the_files_of_a_run_by_its_place_number_or_uid(engine, writers, tmp_path):
    (first,) = engine(scan())
    (second,) = engine(bp.count([]), sample={"name": "Fe"})
    latest = writers.files(-1)
    assert latest.about.uid == second
    assert latest == writers.files(2) == writers.files(second[:8]) == writers.files()
    assert writers.files(-2).about.uid == first
    assert set(writers.files(1)) == {"csv", "jsonl", "spec"}
    _, table = writers.files(1)["csv"]
    assert table.name.endswith("-primary.csv")
    for paths in writers.files(1).values():
        assert all(path.is_file() and path.is_absolute() for path in paths)
    for unknown in (-3, 7, "x", ""):
        with pytest.raises(LookupError, match="in this session, which has had 2"):
            writers.files(unknown)


def test_the_files_of_a_run_that_goes_on(engine, writers):
    found = []

    def plan():
        for msg in scan():
            if msg.command == "close_run":
                writers.flush()
                found.append(writers.files(-1))
            yield msg

    engine(plan())
    assert found[0]["jsonl"][0].is_file()


def test_where_runs_are(engine, writers, tmp_path):
    engine(scan(), sample="Fe")
    engine(scan(), sample={"name": "Cu"}, operator="me")
    engine(bp.count([]), sample="Fe")
    assert [run.about.scan_id for run in writers.where(sample="Fe")] == [1, 3]
    assert [run.about.scan_id for run in writers.where(sample="Fe", plan_name="scan")] == [1]
    assert [run.about.scan_id for run in writers.where(operator="me")] == [2]
    assert len(writers.where(scan_id=3)) == len(writers.where(uid=writers.files().about.uid)) == 1
    assert str(writers.where(scan_id=9)) == "no such run"


def test_where_finds_runs_of_earlier_sessions(engine, writers):
    engine(scan(), sample="Fe")
    expected = writers.files(-1)
    with subscribe_writers(engine, {"DATA_FILES": {"DIRECTORY": "made"}, **CONFIG}) as later:
        (found,) = later.where(sample="Fe")
        assert dict(found) == dict(expected)
        with pytest.raises(LookupError, match=r"writers\.where"):
            later.files(1)


def test_one_line_at_the_start_and_one_at_each_end(engine, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)
    shared = {"DIRECTORY": "made", "FILE_NAME": "{scan_id:03d}"}
    config = {"DATA_FILES": shared, **CONFIG, "CSV_DATA_FILES": {"ENABLE": True, "DIRECTORY": "t"}}
    with subscribe_writers(engine, config):
        (uid,) = engine(scan())
    (spec,) = Path("made").glob("*.dat")
    assert [line for line in told(caplog, logging.INFO) if "adopt" not in line] == [
        f"files: csv -> {tmp_path}/t; jsonl, spec -> {tmp_path}/made",
        f"run {uid[:7]} (scan 1): {tmp_path}/made/001.jsonl, {tmp_path}/t/001.datapackage.json, "
        f"{spec.name}",
    ]


def test_the_lines_can_be_switched_off(engine, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    shared = {"DIRECTORY": str(tmp_path), "SHOW_FILES": False}
    with subscribe_writers(engine, {"DATA_FILES": shared, **CONFIG}):
        engine(scan())
    assert told(caplog, logging.INFO) == []


def test_tables_are_text_and_html(engine, writers, tmp_path):
    engine(scan(), sample="<b>Fe</b>")
    writers.csv.enabled = False
    text, html = str(writers.status()), writers._repr_html_()
    assert f"{tmp_path}/made/" in text
    assert "csv: changed: enabled = False (by the console, " in text
    assert "<table>" in html
    assert text.count(str(tmp_path)) == html.count(str(tmp_path)) == 4
    html = writers.files()._repr_html_()
    assert "sample &lt;b&gt;Fe&lt;/b&gt;" in html
    assert "OFF" in writers.csv._repr_html_()
    assert writers.where()._repr_html_() == html


def test_a_cell_breaks_no_line():
    table = Table([Column("a"), Column("n", is_number=True)], [("x\ny\x1b[31m", "1")], notes=["z"])
    assert str(table).splitlines() == ["a         n", "x?y?[31m  1", "z"]
    assert "\x1b" not in table.html()


# --- messages -------------------------------------------------------------------------------------


@contextmanager
def log_of_nobody(monkeypatch):
    """Be a session of which nobody has set up the log: pytest has."""
    logger, root = logging.getLogger("bluescribe"), logging.getLogger()
    handlers, level = root.handlers[:], logger.level
    root.handlers[:] = []
    logger.setLevel(logging.NOTSET)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    try:
        yield stream
    finally:
        logger.handlers[:] = [h for h in logger.handlers if h.get_name() != "bluescribe-console"]
        root.handlers[:] = handlers
        logger.setLevel(level)


def test_messages_have_time_and_level_and_come_once(monkeypatch):
    with log_of_nobody(monkeypatch) as stream:
        for _ in range(3):
            show_messages()
        logging.getLogger("bluescribe.x").info("said %d", 1)
        logging.getLogger("bluescribe.x").warning("told")
        logging.getLogger("bluescribe.x").debug("not for people")
        first, second = stream.getvalue().splitlines()
        assert first[2] == first[5] == ":"
        assert (first[8:], second[8:]) == (" INFO    said 1", " WARNING told")


def test_a_handler_that_comes_later_has_them_alone(monkeypatch):
    with log_of_nobody(monkeypatch) as stream:
        show_messages()
        mine = logging.StreamHandler(io.StringIO())
        logging.getLogger().addHandler(mine)
        logging.getLogger("bluescribe").error("told")
        assert mine.stream.getvalue() == "told\n"
        assert stream.getvalue() == ""


def test_whoever_has_a_handler_gets_no_other(monkeypatch):
    with log_of_nobody(monkeypatch):
        logging.getLogger().addHandler(logging.NullHandler())
        show_messages()
        assert logging.getLogger("bluescribe").handlers == []
        assert logging.getLogger("bluescribe").level == logging.NOTSET


@pytest.mark.parametrize(
    ("environment", "is_coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals(monkeypatch, environment, is_coloured):
    with log_of_nobody(monkeypatch) as stream:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        show_messages()
        logging.getLogger("bluescribe").warning("plain")
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
        try:
            raise ValueError("x")
        except ValueError:
            logging.getLogger("bluescribe").exception("shown")
        said = stream.getvalue()
        assert "\x1b" not in said.partition("\n")[0]
        assert ("\x1b[31m" in said) is is_coloured
        assert "ValueError: x" in said


# --- %bluescribe ----------------------------------------------------------------------------------


def test_the_magic(engine, writers):
    pytest.importorskip("IPython")
    from IPython.core.error import UsageError

    magic = Magic(writers)
    assert str(magic("")) == str(writers.status())
    magic("folder 'a folder' csv jsonl")
    magic("name {scan_id:03d}-{sample|x}")
    magic("pause spec")
    engine(scan(), sample="Fe 3")
    assert Path("a folder/001-Fe 3.jsonl").exists()
    assert magic("files") == magic("files 1") == writers.files(-1)
    assert len(magic("where sample='Fe 3' scan_id=1")) == 1
    magic("resume")
    magic("reset")
    assert writers.enabled is True
    for line in ("nonsense", "folder", "files 9", "pause lines", "where Fe", "help", "name ../x"):
        with pytest.raises(UsageError):
            magic(line)
