"""Files that were there before: in use, torn, foreign, or in a folder that a run will name."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from textwrap import dedent

import pytest
from bluesky import RunEngine

from bluescribe import SpecWriter
from bluescribe.errors import ConfigError
from bluescribe.testing import documents
from tests import warm
from tests.formats.test_spec_session import check, numbers, only, play, renamed
from tests.readers import spec
from tests.spoolless import spoolless

FOREIGN = """#F /home/specuser/foreign
#E 1111111111
#D Fri Mar 18 01:58:31 2005
#C foreign  User = specuser
#O0 two theta  theta  chi
#o0 tth th chi

#S 1  ascan  tth 1 2 2 1
#D Fri Mar 18 01:58:31 2005
#T 1  (Seconds)
#P0 1 0.5 90
#N 3
#L two theta  Seconds  Detector
1 1 17
1.5 1 18
2 1 19

#S 7  ascan  tth 1 2 2 1
#D Fri Mar 18 01:59:31 2005
#T 1  (Seconds)
#P0 1 0.5 90
#N 3
#L two theta  Seconds  Detector
1 1 17
2 1 19"""


def test_two_programs_do_not_write_into_one_file(tmp_path, caplog):
    played = documents("scan", tmp_path)
    program = """
        import sys
        from pathlib import Path
        from bluescribe import SpecWriter
        from bluescribe.testing import documents
        with SpecWriter(sys.argv[1]) as writer:
            writer.newfile("shared")
            for name, doc in documents("scan", Path(sys.argv[1]) / "other"):
                writer(name, doc)
            print("written", flush=True)
            sys.stdin.read()
    """
    command = [sys.executable, "-c", dedent(program), str(tmp_path)]
    other = warm.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "written\n"
    with SpecWriter(tmp_path) as writer:
        path = writer.newfile("shared")
        play(writer, renamed(played, "here", 5))
        assert writer.spec_filename == tmp_path / "shared-2.dat"
    other.communicate("", timeout=60)
    assert "shared.dat is in use: another program" in caplog.text
    assert len(numbers(path)) == 1
    assert numbers(tmp_path / "shared-2.dat") == ["5"]
    caplog.clear()
    with SpecWriter(tmp_path) as writer:
        writer.newfile("shared")
        play(writer, renamed(played, "later", 6))
    assert len(numbers(path)) == 2, "the other program has ended"
    assert "in use" not in caplog.text


def test_a_closed_writer_lets_go_of_its_file(tmp_path):
    played = documents("scan", tmp_path)
    writers = [SpecWriter(tmp_path / "data") for _ in range(2)]
    for i, writer in enumerate(writers, 1):
        writer.newfile("one")
        play(writer, renamed(played, i, i))
        writer.close()
    assert numbers(only(tmp_path / "data")) == ["1", "2"]


@pytest.mark.parametrize("cut", range(1, 400, 23))
def test_a_file_that_ends_in_half_a_line_is_mended(cut, tmp_path):
    played = documents("mca", tmp_path)
    with SpecWriter(tmp_path / "data") as writer:
        writer.newfile("torn")
        play(writer, renamed(played, "first", 1))
    path = only(tmp_path / "data")
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    half = whole[:-cut].rpartition(b"\n")[2]
    with SpecWriter(tmp_path / "data") as writer:
        writer.newfile("torn")
        play(writer, renamed(played, "second", 2))
    found = path.read_bytes()
    assert found.startswith(whole[:-cut].removesuffix(half))
    told = half.replace(b'"', b'\\"').replace(b"@", b"\\u0040").replace(b"#", b"\\u0023")
    assert told in found, "nothing is deleted"
    assert numbers(path) == ["1", "2"]
    assert len(spec.rows(spec.scans(path)[1])["seq_num"]) == 4
    spec.check_silx(path)


@pytest.mark.parametrize(("cut", "points"), [(0, 2), (1, 2), (2, 1), (3, 1)])
def test_a_foreign_file_is_gone_on_with(cut, points, tmp_path):
    path = tmp_path / "foreign"
    path.write_text(FOREIGN[: len(FOREIGN) - cut])
    RE = RunEngine({})
    with SpecWriter(tmp_path) as writer:
        assert writer.usefile(path, RE=RE) == 7
        assert RE.md["scan_id"] == 7
        play(writer, renamed(documents("scan", tmp_path / "source"), "ours", 8))
    assert path.read_text().startswith(FOREIGN[:-6]), "what was there stays"
    assert numbers(path) == ["1", "7", "8"]
    first, second, third = spec.scans(path)
    assert [len(scan.data["Detector"]) for scan in (first, second)] == [3, points]
    assert len(spec.rows(third)["seq_num"]) == 5
    for line in path.read_text().splitlines():
        assert line[:1] in "#" or len(line.split()) in (3, third.N[0])


def test_half_a_line_may_be_a_long_one(tmp_path):
    path = tmp_path / "long.dat"
    half = "2 " * 100_000
    path.write_text(FOREIGN + "\n" + half.strip())
    with SpecWriter(tmp_path) as writer:
        writer.newfile("long")
        play(writer, renamed(documents("scan", tmp_path / "source"), "ours", 8))
    assert numbers(path) == ["1", "7", "8"]
    assert path.read_text().count("2 2 2 2") > 20_000, "nothing is deleted"
    spec.check_silx(path)


def test_a_disk_that_is_full_leaves_a_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "torn.dat"
    path.write_text(f"{FOREIGN}\n1 2")

    def pwrite(fd, data, offset):
        raise OSError(errno.ENOSPC, "No space left on device")

    with spoolless(SpecWriter(tmp_path, retry_seconds=0)) as writer:
        writer.newfile("torn")
        monkeypatch.setattr(os, "pwrite", pwrite)
        play(writer, documents("scan", tmp_path / "source"))
        assert len(writer.status().failures) == 1
    assert path.read_text() == f"{FOREIGN}\n1 2"


def test_a_file_system_without_locks_is_written_to(tmp_path, monkeypatch):
    def flock(fd, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    played = documents("scan", tmp_path / "source")
    with SpecWriter(tmp_path / "data") as writer:
        play(writer, played)
        assert not writer.status().failures
    check(only(tmp_path / "data"), played)


def test_a_scan_number_that_is_none_for_any_reader_is_not_counted_on(tmp_path):
    path = tmp_path / "odd.dat"
    path.write_text(f"{FOREIGN}\n\n#S {'9' * 5000} ascan\n#N 1\n#L x\n1\n")
    with SpecWriter(tmp_path) as writer:
        assert writer.usefile(path) == 7


def test_the_keys_of_a_directory_come_from_the_run_engine_or_the_first_run(tmp_path):
    played = documents("scan", tmp_path)
    played[0][1]["proposal_id"] = "GUP-2"
    RE = RunEngine({"proposal_id": "GUP-1"})
    with SpecWriter(tmp_path / "data/{proposal_id}") as writer:
        assert writer.newfile("first", RE=RE) == tmp_path / "data/GUP-1/first.dat"
        assert writer.newfile("second") == tmp_path / "data/{proposal_id}/second.dat"
        assert writer.spec_filename == tmp_path / "data/{proposal_id}/second.dat"
        play(writer, played)
        assert writer.spec_filename == tmp_path / "data/GUP-2/second.dat"
        writer.newfile()
        play(writer, renamed(played, "again", 9))
    with SpecWriter(tmp_path / "data/{proposal_id}") as writer:
        writer.newfile("second")
        play(writer, renamed(played, "third", 4))
    first, second = sorted((tmp_path / "data").rglob("*.dat"), key=lambda p: p.stem == "second")
    assert first.parent == second.parent == tmp_path / "data/GUP-2"
    assert len(numbers(second)) == 2
    check(first, renamed(played, "again", 9))


def test_a_file_in_a_later_folder_that_is_not_spec_is_left_alone(tmp_path, caplog):
    played = documents("scan", tmp_path)
    played[0][1]["proposal_id"] = "GUP-2"
    (tmp_path / "data/GUP-2").mkdir(parents=True)
    (tmp_path / "data/GUP-2/notes.dat").write_text("my notes\n")
    with SpecWriter(tmp_path / "data/{proposal_id}") as writer:
        writer.newfile("notes")
        play(writer, played)
        assert writer.spec_filename == tmp_path / "data/GUP-2/notes-2.dat"
    assert "is not a SPEC file" in caplog.text
    assert (tmp_path / "data/GUP-2/notes.dat").read_text() == "my notes\n"
    with SpecWriter(tmp_path) as writer, pytest.raises(ConfigError):
        writer.newfile(tmp_path / "data/GUP-2/notes.dat")
