"""The SPEC callbacks of apstools: which file, which number, and what was said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import pytest
import spec2nexus.spec
from bluesky.preprocessors import run_decorator
from ophyd.sim import SynAxis, SynGauss

import bluescribe
from bluescribe import SpecWriter
from bluescribe.compat.apstools import (
    SpecWriterCallback,
    SpecWriterCallback2,
    newSpecFile,
    spec_comment,
)
from bluescribe.errors import ConfigError
from tests.compat.side_by_side import instrument

MOTOR = SynAxis(name="motor")
DET = SynGauss("det", MOTOR, "motor", center=0, Imax=1, sigma=1)


@pytest.fixture(autouse=True)
def _folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=[SpecWriterCallback, SpecWriterCallback2])
def kind(request):
    return request.param


def scans(path: Path) -> list[str]:
    return list(spec2nexus.spec.SpecDataFile(str(path)).getScanNumbers())


def test_there_is_always_a_name(kind):
    with_name = kind()
    assert with_name.spec_filename == with_name.file_name
    assert with_name.spec_filename.suffix == ".dat"
    with_name.spec_filename = "mine.spec"
    assert with_name.spec_filename == Path("mine.spec")
    with_name.spec_filename = None
    assert with_name.spec_filename == with_name.make_default_filename()
    with_name.close()


def test_the_numbers_of_a_file_that_exists(kind, tmp_path):
    specwriter = kind()
    RE = instrument(specwriter)
    assert specwriter.newfile("a.dat", scan_id=41, RE=RE) == Path("a.dat")
    RE(bp.count([DET]))
    assert specwriter.newfile("b.dat", scan_id=True, RE=RE) == Path("b.dat")
    assert RE.md["scan_id"] == 0
    RE(bp.count([DET]))
    assert specwriter.usefile(tmp_path / "a.dat") == 42
    specwriter.newfile("a.dat", scan_id=False, RE=RE)
    assert RE.md["scan_id"] == specwriter.scan_id == 42
    RE(bp.count([DET]))
    specwriter.close()
    assert (scans(Path("a.dat")), scans(Path("b.dat"))) == (["42", "43"], ["1"])
    with pytest.raises(FileNotFoundError):
        specwriter.usefile("nowhere.dat")
    Path("text.dat").write_text("no SPEC\n")
    with pytest.raises(ConfigError, match="SPEC"):
        specwriter.newfile("text.dat")

    again = kind("a.dat", RE=RE, reset_scan_id=True)
    assert (again.spec_filename, RE.md["scan_id"]) == (Path("a.dat"), 43)
    again.close()


def test_comments_stand_where_they_belong(kind):
    specwriter = kind()
    RE = instrument(specwriter)
    for key in ("start", "event", "stop"):
        spec_comment(f"{key} of the run that comes\nin two lines", key)
    specwriter.buffered_comments["start"].append("added by hand")
    assert len(specwriter.buffered_comments["stop"]) == 2

    @run_decorator()
    def plan() -> Any:
        yield from bps.trigger_and_read([DET])
        spec_comment("between")
        yield from spec_comment("at the end", "stop", specwriter)
        yield from bps.trigger_and_read([DET])

    RE(plan())
    specwriter.close()
    assert not any(specwriter.buffered_comments.values())
    assert [line.partition(".  ")[2] for line in specwriter.comments["stop"]][-1] == "at the end"
    text = specwriter.spec_filename.read_text()
    first, second = (i for i, line in enumerate(text.splitlines()) if line[:1].isdigit())
    at = {said: next(i for i, t in enumerate(text.splitlines()) if said in t) for said in SAID}
    assert at["start of"] < at["added by hand"] < at["event of"] < first < at["between"] < second
    assert min(at["stop of"], at["at the end"]) > second


SAID = ("start of", "added by hand", "event of", "between", "stop of", "at the end")


def test_the_function_of_the_package_does_not_name_a_file_in_vain(kind):
    specwriter = kind()
    with pytest.raises(ConfigError, match="append_to names the file"):
        bluescribe.newSpecFile("title")
    assert newSpecFile("title").name.endswith("_title.dat")
    specwriter.close()


def test_two_callbacks_write_two_files(kind):
    one, two = kind("one.dat"), kind("two.dat")
    RE = instrument(one, two)
    RE(bp.count([DET]))
    for specwriter in (one, two):
        specwriter.close()
        assert scans(specwriter.spec_filename) == ["1"]


def test_a_scan_that_is_to_be_written_by_hand_is_refused(kind):
    with pytest.raises(ConfigError, match="auto_write=False"):
        kind(auto_write=False)


def test_append_to_is_one_file_wherever_the_runs_are(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="one_file_a_run asks for many"):
        SpecWriter(append_to="a.dat", one_file_a_run=True)
    with SpecWriter(append_to=tmp_path / "all.dat") as writer:
        RE = instrument(writer)
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            monkeypatch.chdir(tmp_path / name)
            RE(bp.count([DET]))
    assert scans(tmp_path / "all.dat") == ["1", "2"]
    assert not list(tmp_path.glob("*/*"))
