"""Names of an example run are those that the next run gets, and nothing is left in its folders."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import bluesky.plans as bp
import pytest

from bluescribe import subscribe_writers
from bluescribe.checking import check_iconfig, paths
from bluescribe.testing.shapes.devices import gauss, motor
from bluescribe.testing.shapes.engine import recording
from tests.core.test_before_beam import everything

PATH_KEY = "{data_session_directory:path}"


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    monkeypatch.setattr("bluescribe.checking.disk._SECONDS", 0.01)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def engine():
    with recording() as (engine, _):
        yield engine


def content(**shared):
    return {
        "DATA_FILES": {"DIRECTORY": "data", "LOW_SPACE": 0, "FILE_NAME": "{uid}", **shared},
        "JSONL_DATA_FILES": {"ENABLE": True},
        "SPEC_DATA_FILES": {"ENABLE": True, "ONE_FILE_A_RUN": True},
    }


def told(report, level):
    return [verdict.found for verdict in report if verdict.level == level]


def goes_to(report):
    """Where such a run goes, of each format, without ending."""
    found = [verdict.found for verdict in report if "Such a run goes to " in verdict.found]
    return {
        Path(text.partition("Such a run goes to ")[2].partition(" and ")[0]).with_suffix("")
        for text in found
    }


def check(tmp_path, metadata=None, **shared):
    """Check, and make sure that nothing is left."""
    before = everything(tmp_path)
    report = check_iconfig(content(**shared), metadata=metadata)
    assert everything(tmp_path) == before
    return report


@pytest.mark.parametrize(
    ("file_name", "stem"),
    [
        ("{sample|none}-{#:03d}", "none-008"),
        ("{motors[0]}-{sample[name]|none}", "motor-none"),
        ("{motors[1]|}x", "x"),
        ("{plan_args[num]}", "3"),
        ("{config[cam][gain]|1}-{event[cam]}", "1.0-1.0"),
    ],
)
def test_keys_that_are_always_filled_are_no_matter(tmp_path, file_name, stem):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "none-007.jsonl").touch()
    report = check(tmp_path, FILE_NAME=file_name)
    assert report.is_ready, str(report)
    assert not report.warnings, str(report)
    assert goes_to(report) == {tmp_path / "data" / stem}


def test_keys_that_a_run_may_lack_are_told_with_the_words_for_a_default(tmp_path):
    report = check(tmp_path, {"sample": "Fe"}, FILE_NAME="{motors[1]}-{sample[name]}-{user}")
    assert report.is_ready
    assert [found.partition(":")[0] for found in told(report, "warning")] == [
        "{motors[1]} is not in every run",
        "{sample[name]} is not in every run",
        "{user} is not known",
    ]
    assert all("|none}" in verdict.remedy for verdict in report.warnings)


def test_a_misspelt_key_with_a_default_is_told_and_fails_nothing(tmp_path):
    report = check(tmp_path, FILE_NAME="{scanid|0}-{uid}")
    assert told(report, "warning") == ["{scanid} is not known: a run without it has '0' there"]
    assert report.is_ready


# --- paths ----------------------------------------------------------------------------------------


def test_an_example_run_goes_below_the_root_where_a_run_goes(tmp_path, engine):
    root = tmp_path / "dls"
    (root / "2026").mkdir(parents=True)
    visit = str(root / "2026" / "cm1-1")
    shared = {"DIRECTORY": f"{PATH_KEY}/{{sample}}", "ROOTS": [str(root)], "FILE_NAME": "a-{#}"}
    md = {"data_session_directory": visit, "sample": "Fe"}
    report = check(tmp_path, md, **shared)
    assert report.is_ready, str(report)
    assert not report.warnings, str(report)
    assert goes_to(report) == {Path(visit) / "Fe" / "a-1"}
    assert f"{visit}, which is made in {root}/2026: can be written" in str(report)
    engine.md.update(md)
    with subscribe_writers(engine, content(**shared)) as writers:
        assert goes_to(writers.check()) == {Path(visit) / "Fe" / "a-1"}
        engine(bp.count([gauss(motor())]))
        assert goes_to(writers.check()) == {Path(visit) / "Fe" / "a-2"}
        engine(bp.count([gauss(motor())]))
    assert sorted(path.name for path in Path(visit, "Fe").glob("*.jsonl")) == [
        "a-1.jsonl",
        "a-2.jsonl",
    ]


def test_a_folder_below_another_one_goes_where_a_run_goes(tmp_path):
    root = str(tmp_path / "data")
    Path(root).mkdir()
    shared = {"DIRECTORY": f"{root}/{{cycle}}/{{folder:path}}", "FILE_NAME": "{name:path}"}
    report = check(tmp_path, {"cycle": "1", "folder": "a/b", "name": "c/d"}, ROOTS=[root], **shared)
    assert report.is_ready, str(report)
    assert goes_to(report) == {Path(root, "1/a/b/c/d")}


def test_a_path_that_nobody_has_said_yet_is_tried_below_a_root(tmp_path):
    (tmp_path / "dls").mkdir()
    shared = {"DIRECTORY": PATH_KEY, "FILE_NAME": "{scan_file}"}
    report = check(tmp_path, ROOTS=[str(tmp_path / "dls")], **shared)
    assert report.is_ready, str(report)
    assert told(report, "warning") == [
        f"{{data_session_directory}} is not known: a run without it goes to {tmp_path}",
        "{scan_file} is not known: a run without it gets the default name",
    ]
    assert {path.parent for path in goes_to(report)} == {
        tmp_path / "dls" / "data_session_directory"
    }


@pytest.mark.parametrize(
    ("value", "folder"), [("/etc", "_etc"), ("../elsewhere", "__elsewhere"), ("a/b", "a_b")]
)
def test_a_path_that_leads_below_no_root_fails(tmp_path, value, folder):
    (tmp_path / "dls").mkdir()
    md = {"data_session_directory": value}
    report = check(tmp_path, md, DIRECTORY=PATH_KEY, ROOTS=[str(tmp_path / "dls")])
    assert told(report, "FAILED") == [
        f"{PATH_KEY} is {value}, which is no folder below {tmp_path}/dls"
    ]
    assert {path.parent for path in goes_to(report)} == {tmp_path / folder}


def test_a_path_without_roots_fails(tmp_path):
    report = check(tmp_path, DIRECTORY=PATH_KEY)
    (found,) = told(report, "FAILED")
    assert found.startswith(f"{PATH_KEY}: ROOTS is empty")


def test_roots_that_are_not_there_fail(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    roots = [str(tmp_path / "none"), str(tmp_path / "file"), str(tmp_path)]
    report = check(tmp_path, ROOTS=roots)
    assert [(v.what, v.level) for v in report if v.what.startswith("ROOTS")] == [
        (f"ROOTS {roots[0]}", "FAILED"),
        (f"ROOTS {roots[1]}", "FAILED"),
        (f"ROOTS {roots[2]}", "ok"),
    ]
    monkeypatch.setattr(paths, "_look_at", lambda root: (True, False))
    assert "this user cannot read it" in str(check(tmp_path, ROOTS=roots[2:]))


def test_a_root_that_does_not_answer_holds_nobody(tmp_path, monkeypatch):
    released = Event()
    monkeypatch.setattr(paths, "_SECONDS", 0.05)
    monkeypatch.setattr(paths, "_look_at", lambda root: released.wait(30))
    report = check(tmp_path, ROOTS=[str(tmp_path)])
    released.set()
    assert told(report, "FAILED") == ["no answer within 0 s"]
    assert goes_to(report)


# --- what a session has changed -------------------------------------------------------------------


def test_what_the_console_has_changed_is_checked(tmp_path, engine):
    with subscribe_writers(engine, content()) as writers:
        writers.directory = tmp_path / "GUP-3"
        writers.file_name = "b-{#}"
        writers.spec.enabled = False
        before = everything(tmp_path)
        report = writers.check()
        assert everything(tmp_path) == before
        assert report.is_ready
        (off,) = report.warnings
        assert off.what == "format spec"
        assert "it is off" in off.found
        assert "writers.spec.enabled = True" in off.remedy
        assert goes_to(report) == {tmp_path / "GUP-3" / "b-1"}
        with writers.paused():
            assert "all are off: no file would be written" in str(writers.check().failures)
        writers.reset()
        assert {path.parent for path in goes_to(writers.check())} == {tmp_path / "data"}


def test_what_the_metadata_ask_for_is_checked(tmp_path, engine):
    engine.md["bluescribe"] = {"directory": "dark", "spec": {"enabled": False}}
    with subscribe_writers(engine, content(FILE_NAME="{scan_id}")) as writers:
        report = writers.check()
        assert [verdict.what for verdict in report.warnings] == ["format spec"]
        assert "RE.md['bluescribe']" in report.warnings[0].remedy
        assert goes_to(report) == {tmp_path / "data" / "dark" / "1"}
        engine(bp.count([gauss(motor())]))
        assert goes_to(writers.check()) == {tmp_path / "data" / "dark" / "2"}
        engine(bp.count([gauss(motor())]))
    names = sorted(path.name for path in (tmp_path / "data" / "dark").glob("*.jsonl"))
    assert names == ["1.jsonl", "2.jsonl"]
