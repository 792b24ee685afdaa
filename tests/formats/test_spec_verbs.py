"""What users say to the SPEC writer: comments, files that go on, and apstools' functions."""

from __future__ import annotations

import errno
import os
import time

import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky import plans as bp
from bluesky.preprocessors import run_decorator
from ophyd.sim import SynAxis, SynGauss

from bluescribe import SpecWriter, newSpecFile, spec_comment
from bluescribe.errors import ConfigError
from bluescribe.testing import documents
from tests.formats.test_spec_session import numbers, only, play, renamed
from tests.readers import spec


def lines(path):
    """Return the rows by number and what was said, in the order in which they stand."""
    found, row = [], 0
    for line in path.read_text().splitlines():
        row += line[:1].isdigit() or line[:1] == "-"
        if line.startswith("#C ") and ".  said" in line:
            found.append((row, line.split(".  ")[1]))
    return found


@pytest.fixture
def motor():
    return SynAxis(name="m1")


@pytest.fixture
def det(motor):
    return SynGauss("det", motor, "m1", center=0, Imax=1)


def test_comments_of_a_plan_stand_between_its_points(tmp_path, motor, det):
    RE = RunEngine({})
    with SpecWriter(tmp_path) as writer:
        RE.subscribe(writer)

        @run_decorator(md={})
        def plan():
            writer.comment("said before the first point\n\n  said in a second line")
            yield from bps.trigger_and_read([det])
            spec_comment("said after one")
            spec_comment("said at the end", "stop")
            yield from bps.trigger_and_read([det])
            yield from spec_comment("said after two", writer=writer)
            yield from bps.trigger_and_read([det])

        RE(plan())
        writer.comment("said after the scan")
    path = only(tmp_path)
    assert lines(path) == [
        (0, "said before the first point"),
        (0, "said in a second line"),
        (1, "said after one"),
        (2, "said after two"),
        (3, "said at the end"),
        (3, "said after the scan"),
    ]
    assert path.read_text().splitlines()[-1].endswith("said after the scan")
    spec.check_silx(path)
    spec.check_xrayutilities(path)


def test_a_comment_at_the_prompt_goes_where_the_scan_is(tmp_path):
    played = documents("scan", tmp_path)
    with SpecWriter(tmp_path / "data") as writer:
        writer.comment("said before any run")
        play(writer, played[:3])
        writer.comment("said after one")
        play(writer, played[3:5])
        writer.flush()
        writer.comment("said after three")
        play(writer, played[5:])
        writer.comment("said between")
        play(writer, renamed(played, "again", 2)[:3])
    (path,) = (tmp_path / "data").glob("*.dat")
    assert lines(path) == [
        (0, "said before any run"),
        (1, "said after one"),
        (3, "said after three"),
        (5, "said between"),
    ]
    assert numbers(path) == ["1", "2"]


def test_a_comment_that_the_disk_refuses_stands_before_the_next_scan(tmp_path, monkeypatch):
    played = documents("scan", tmp_path)
    original = os.pwrite
    refuses = [True]

    def pwrite(fd, data, offset):
        if refuses and b"said" in bytes(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(fd, data, offset)

    with SpecWriter(tmp_path / "data") as writer:
        play(writer, played)
        monkeypatch.setattr(os, "pwrite", pwrite)
        writer.comment("said in vain at first")
        writer.flush()
        refuses.clear()
        play(writer, renamed(played, "again", 2))
        assert not writer.status().failures
    path = only(tmp_path / "data")
    assert [text for _, text in lines(path)] == ["said in vain at first"]
    spec.check_silx(path)


def test_a_comment_that_no_run_comes_for_is_told(tmp_path, caplog):
    with SpecWriter(tmp_path) as writer:
        writer.comment("said in vain")
    assert "said in vain" in caplog.text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text",
    [
        "Scan aborted after 3 points.",
        "#S 99 forged",
        "\x0c#S 99",
        "x\\",
        "uid = 1",
        "\0",
        "mail@aps",
    ],
)
def test_a_comment_forges_nothing(text, tmp_path):
    played = documents("mca", tmp_path)
    with SpecWriter(tmp_path / "data") as writer:
        play(writer, played[:4])
        writer.comment(text)
        play(writer, played[4:])
        writer.comment(text)
    path = only(tmp_path / "data")
    assert len(numbers(path)) == 1
    spec.check_silx(path)
    spec.check_xrayutilities(path)


def test_a_comment_said_in_a_stream_that_gives_way_is_kept(tmp_path):
    played = documents("monitors", tmp_path)
    at = next(i for i, (n, d) in enumerate(played) if n == "event")
    with SpecWriter(tmp_path / "data") as writer:
        play(writer, played[: at + 1])
        writer.comment("said early")
        writer.flush()
        play(writer, played[at + 1 :])
    path = only(tmp_path / "data")
    assert [text for _, text in lines(path)] == ["said early"]


def test_usefile_goes_on_in_a_file_that_exists(tmp_path):
    played = documents("scan", tmp_path)
    RE = RunEngine({})
    with SpecWriter(tmp_path / "data") as writer:
        play(writer, renamed(played, "one", 41))
        path = only(tmp_path / "data")
    with SpecWriter(tmp_path / "data") as writer:
        assert writer.usefile(path.name, RE=RE) == 41
        assert RE.md["scan_id"] == 41
        play(writer, renamed(played, "two", 42))
        assert writer.usefile(path) == 42
        with pytest.raises(FileNotFoundError, match="no SPEC file nothing"):
            writer.usefile("nothing.dat")
    assert numbers(only(tmp_path / "data")) == ["41", "42"]


def test_usefile_takes_no_file_that_is_not_spec(tmp_path):
    (tmp_path / "notes.txt").write_text("not a scan\n")
    with SpecWriter(tmp_path) as writer, pytest.raises(ConfigError, match="not a SPEC file"):
        writer.usefile(tmp_path / "notes.txt")


def test_new_spec_file_is_named_by_the_day_as_at_the_aps(tmp_path, det, motor):
    RE = RunEngine({"scan_id": 700})
    with SpecWriter(tmp_path) as writer:
        RE.subscribe(writer)
        path = newSpecFile("my sample: #3", RE=RE)
        assert path == tmp_path / f"{time.strftime('%m_%d')}_my_sample___3.dat"
        RE(bp.count([det]))
        assert newSpecFile("other", 9, RE, writer=writer) != path
        RE(bp.count([det]))
        assert newSpecFile("my sample: #3", RE=RE) == path
        RE(bp.count([det]))
        assert writer.newfile("third", True, RE).name == "third.dat"
        assert RE.md["scan_id"] == 0
        writer.newfile("fourth", False, RE)
        assert RE.md["scan_id"] == 0
    assert numbers(path) == ["1", "2"]


def test_the_functions_need_a_writer(tmp_path):
    SpecWriter(tmp_path).close()
    with pytest.raises(ConfigError, match="no SPEC writer"):
        spec_comment("x")
    with SpecWriter(tmp_path), pytest.raises(ValueError, match="allowed are start"):
        spec_comment("x", "stopp")
