"""bluescribe check and init, as a user runs them; and writers.check() in a session."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import bluesky.plans as bp
import pytest
import yaml

from bluescribe import subscribe_writers
from bluescribe.config.config import read_iconfig
from bluescribe.formats.jsonl import JsonlFile, JsonlWriter
from bluescribe.session.writers import Writers
from bluescribe.testing.shapes.devices import gauss, motor
from bluescribe.testing.shapes.engine import recording
from tests import lines_format, warm
from tests.checking.said import warned
from tests.core.test_before_beam import everything, iconfig
from tests.lines_format import LinesWriter, read
from tests.test_cli import MAIN, run


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("bluescribe.checking.disk._SECONDS", 0.01)


@pytest.fixture
def engine():
    with recording() as (engine, _):
        yield engine


SHORT = "DATA_FILES: {DIRECTORY: data}\nSPEC_DATA_FILES: {ENABLE: true}\n"


def test_a_right_one_is_ready(tmp_path):
    (tmp_path / "iconfig.yml").write_text(SHORT + "NEXUS_DATA_FILES: {ENABLE: true}\n")
    began = time.monotonic()
    done = run("check", "--rate", "1kB/s", cwd=tmp_path)
    took = time.monotonic() - began
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"det read back. Such a run goes to {tmp_path}/data/" in done.stdout
    assert done.stdout.endswith("warnings: ready\n")
    assert warned(done.stdout) == []
    assert everything(tmp_path) == ["iconfig.yml"]
    if os.environ.get("CI"):
        assert took < 10


def test_what_has_failed_is_told_with_what_to_do(tmp_path):
    (tmp_path / "mine.yml").write_text(
        SHORT.replace("data", "'{scanid}/{user}'") + "CSV_DATA_FILES: 1"
    )
    done = run("check", "mine.yml", "--md", "user=marie", cwd=tmp_path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "FAILED   configuration: mine.yml, line 3: CSV_DATA_FILES: found 1" in lines[0]
    assert lines[1].startswith("         Remedy: ")
    assert "FAILED   names for spec: {scanid} is not known" in done.stdout
    assert f"{tmp_path}/scanid/marie/" in done.stdout
    assert lines[-1].endswith("2 failed: NOT READY")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.yml"], "none.yml: no such file"),
        (["--rate", "fast"], "--rate fast: a rate is needed, such as 200MB/s"),
        (["--md", "user"], "--md user: write key=value"),
    ],
)
def test_what_cannot_be_begun(tmp_path, arguments, told):
    (tmp_path / "iconfig.yml").write_text(SHORT)
    done = run("check", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr


# --- nothing is left behind -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.ci),
        pytest.param(signal.SIGHUP, marks=pytest.mark.ci),
    ],
)
def test_nothing_is_left_by_who_is_interrupted(tmp_path, number):
    (tmp_path / "iconfig.yml").write_text(SHORT + "NEXUS_DATA_FILES: {ENABLE: true}\n")
    command = [sys.executable, "-c", MAIN, "check", "--rate", "1B/s"]
    process = warm.Popen(command, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".bluescribe-check-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None
    process.send_signal(number)
    process.send_signal(number)
    assert process.wait(60) == 130
    assert everything(tmp_path) == ["iconfig.yml"]
    assert not Path(os.environ["XDG_STATE_HOME"]).exists()


def test_what_a_kill_has_left_goes_with_the_next_check(tmp_path):
    (tmp_path / "iconfig.yml").write_text(SHORT)
    left = tmp_path / ".bluescribe-check-killed00"
    (left / "spec").mkdir(parents=True)
    (left / "spec" / "a.dat").write_text("#F a.dat\n")
    os.utime(left, (1, 1))
    assert run("check", cwd=tmp_path).returncode == 0
    assert everything(tmp_path) == ["iconfig.yml"]


# --- in a session ---------------------------------------------------------------------------------


def test_a_session_checks_what_it_has(engine, tmp_path):
    engine.md["sample"] = "Fe"
    content = iconfig(tmp_path / "{sample}", "spec", "csv", "jsonl")
    with subscribe_writers(engine, content) as writers:
        engine(bp.count([gauss(motor())]))
        before = everything(tmp_path)
        report = writers.check(rate="1 kB/s")
        assert report.is_ready, str(report)
        assert not report.warnings, str(report)
        assert everything(tmp_path) == before
        assert f"{tmp_path}/Fe/" in str(report)
        writers.spec.comment("by the session")
        engine(bp.count([gauss(motor())]))
    (session,) = tmp_path.glob("Fe/*.dat")
    assert "by the session" in session.read_text()
    assert session.read_text().count("#S ") == 2
    with pytest.raises(ValueError, match="a rate is needed"):
        writers.check(rate="fast")


def test_the_functions_of_the_session_speak_to_its_writer_meanwhile(engine, tmp_path, monkeypatch):
    from bluescribe import SpecWriter, spec_comment
    from bluescribe.checking import trial

    plays = trial._play

    def commented(writers, example):
        spec_comment("while it is checked")
        plays(writers, example)

    monkeypatch.setattr(trial, "_play", commented)
    with Writers({"spec": SpecWriter(tmp_path / "data")}) as writers:
        writers.subscribe(engine)
        assert writers.check().is_ready
        engine(bp.count([gauss(motor())]))
    (session,) = tmp_path.glob("data/*.dat")
    assert "while it is checked" in session.read_text()


class RaisingFile(JsonlFile):
    def open(self, run):
        raise RuntimeError("a hook that was never tried")


class AlteringFile(JsonlFile):
    """Writes something else than what was measured."""

    def record(self, name, doc):
        if name == "event":
            doc = {**doc, "data": {**doc["data"], "det": 1}}
        super().record(name, doc)


class RaisingWriter(JsonlWriter):
    file_class = RaisingFile


class AlteringWriter(JsonlWriter):
    file_class = AlteringFile


@pytest.mark.parametrize(
    ("writer_class", "told"),
    [
        (RaisingWriter, "it is not written: .*a hook that was never tried"),
        (AlteringWriter, "det does not read back as it was measured"),
    ],
)
def test_what_a_hook_does_wrong_is_found(tmp_path, writer_class, told):
    with Writers({"jsonl": writer_class(tmp_path)}) as writers:
        report = writers.check()
    (failure,) = report.failures
    assert re.search(told, failure.found)
    assert everything(tmp_path) == []


def what_is_read(files, settings):
    return {"det": [doc["data"]["det"] for name, doc in read(files[0]) if name == "event"]}


@pytest.mark.parametrize(
    ("read_back", "told"),
    [
        (None, "written; its format cannot be read back here. Such a run goes to"),
        (what_is_read, "det read back. Such a run goes to"),
        (lambda *_: {"det": [0]}, "det does not read back as it was measured"),
        (lambda *_: {}, "nothing reads back as it was measured"),
    ],
)
def test_a_format_of_others_is_compared_if_it_says_how(tmp_path, monkeypatch, read_back, told):
    monkeypatch.setattr(LinesWriter, "_plugin", LinesWriter._plugin)  # it is as it was in the end
    record = replace(lines_format.FORMAT, read_back=read_back)
    assert record.writer is LinesWriter
    with Writers({"lines": LinesWriter(tmp_path)}) as writers:
        report = writers.check()
    (found,) = [verdict for verdict in report if verdict.what == "a run as lines"]
    assert told in found.found


# --- init -----------------------------------------------------------------------------------------


def test_init_asks_three_questions(tmp_path):
    done = warm.run(
        [sys.executable, "-c", MAIN, "init"],
        cwd=tmp_path,
        input="spec, csv\n/data/{user}\n{sample}-{scan_id:03d}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("[") == 3  # a default each
    assert 'writers = subscribe_writers(RE, "iconfig.yml")' in done.stdout
    assert yaml.safe_load((tmp_path / "iconfig.yml").read_text()) == {
        "DATA_FILES": {"DIRECTORY": "/data/{user}", "FILE_NAME": "{sample}-{scan_id:03d}"},
        "SPEC_DATA_FILES": {"ENABLE": True},
        "CSV_DATA_FILES": {"ENABLE": True},
    }


def test_init_asks_nothing_that_is_given(tmp_path):
    done = run("init", "--formats", "nexus", "--defaults", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    configuration = read_iconfig(tmp_path / "iconfig.yml")
    assert [config.name for config in configuration.writers] == ["nexus"]
    assert configuration.writers[0].settings.model_fields_set == {"directory"}
    written = (tmp_path / "iconfig.yml").read_text()
    assert len(written.splitlines()) < 10
    again = run("init", "--defaults", cwd=tmp_path)
    assert again.returncode == 2
    assert "iconfig.yml is there already, and stays as it is" in again.stderr
    assert (tmp_path / "iconfig.yml").read_text() == written


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--formats", "spec,nexsu"], "formats: found nexsu; allowed are csv"),
        (["--formats", ","], "formats: found nothing"),
        (["--file-name", "{scan_id"], "FILE_NAME: found '{scan_id'"),
        (["nowhere/iconfig.yml"], "No such file"),
    ],
)
def test_init_refuses_what_a_session_would_refuse(tmp_path, arguments, told):
    done = run("init", *arguments, "--defaults", cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert everything(tmp_path) == []


def test_completion_is_there(tmp_path):
    done = run("--show-completion", "bash", cwd=tmp_path)
    text = run("--help", cwd=tmp_path).stdout
    assert "--install-completion" in text
    assert done.returncode == 0 or "complete" in done.stdout + done.stderr
