"""A SPEC session file belongs to a folder: keys that change, names, days, folders that move."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bluesky import RunEngine
from bluesky.plans import count
from ophyd.sim import det

from bluescribe import SpecWriter, newSpecFile
from bluescribe.errors import ConfigError
from bluescribe.formats.spec import SpecFile
from bluescribe.testing import documents, interleave
from tests.core.scanning import told
from tests.formats.test_spec_session import check, numbers, only, play, renamed
from tests.readers import spec


@pytest.fixture
def source(tmp_path):
    return documents("scan", tmp_path / "source")


def run_of(source, number, **metadata):
    """Return a run with metadata of its own."""
    (_, start), *rest = renamed(source, f"run-{number}", number)
    return [("start", {**start, **metadata}), *rest]


@pytest.fixture
def session(tmp_path):
    """A RunEngine and a SPEC writer whose directory is the group's."""
    RE = RunEngine({"proposal_id": "GUP-1"})
    with SpecWriter(tmp_path / "{proposal_id}") as writer:
        RE.subscribe(writer.receiver)
        yield RE, writer


def go(RE, group=None):
    if group is not None:
        RE.md["proposal_id"] = group
    RE(count([det]))


def test_each_file_has_the_header_and_the_numbers_of_its_own_runs(source, tmp_path):
    times = {1: 1.7e9, 2: 1.7e9 + 1000, 3: 1.7e9 + 2000, 4: 1.7e9 + 3000}
    groups = {1: "GUP-1", 2: "GUP-2", 3: "GUP-1", 4: "GUP-2"}
    runs = {n: run_of(source, n, time=times[n], proposal_id=groups[n]) for n in times}
    with SpecWriter(tmp_path / "{proposal_id}") as writer:
        for n, run in runs.items():
            play(writer, run)
            assert writer.spec_filename == only(tmp_path / groups[n])
    for group, first, second in (("GUP-1", 1, 3), ("GUP-2", 2, 4)):
        path = only(tmp_path / group)
        assert numbers(path) == [str(first), str(second)]
        head = f"#F {path.name}\n#E {times[first]:.0f}\n".encode()
        assert path.read_bytes().startswith(head)
        assert path.read_bytes().count(b"#F ") == 1, "the same header is in force"
        check(path, [*runs[first], *runs[second]])


def test_runs_of_two_groups_at_the_same_time_are_kept_apart(source, tmp_path):
    runs = [run_of(source, n, proposal_id=f"GUP-{n % 2}") for n in range(4)]
    with SpecWriter(tmp_path / "{proposal_id}") as writer:
        play(writer, interleave(*runs))
    for group in (0, 1):
        check(only(tmp_path / f"GUP-{group}"), [*runs[group], *runs[group + 2]])


def test_a_title_names_the_file_in_each_folder(session, tmp_path):
    RE, writer = session
    assert writer.newfile("sample1", RE=RE) == tmp_path / "GUP-1/sample1.dat"
    go(RE)
    go(RE, "GUP-2")
    assert writer.spec_filename == tmp_path / "GUP-2/sample1.dat"
    go(RE, "GUP-1")
    assert numbers(tmp_path / "GUP-1/sample1.dat") == ["1", "3"]
    assert numbers(tmp_path / "GUP-2/sample1.dat") == ["2"]
    assert newSpecFile("other", RE=RE, writer=writer).parent == tmp_path / "GUP-1"
    assert RE.md["scan_id"] == 0
    go(RE)
    writer.newfile("sample1", RE=RE)
    assert RE.md["scan_id"] == 3, "the highest number in the file of that folder"
    go(RE)
    assert numbers(tmp_path / "GUP-1/sample1.dat") == ["1", "3", "4"]


def test_newfile_without_a_name_begins_files_in_all_folders(session, tmp_path):
    RE, writer = session
    for _ in range(2):
        for group in ("GUP-1", "GUP-2"):
            go(RE, group)
        path = writer.newfile(RE=RE)
        assert path.parent == tmp_path / "GUP-2"
        assert not path.exists()
    for group in ("GUP-1", "GUP-2"):
        assert len(list((tmp_path / group).iterdir())) == 2


def test_usefile_looks_in_the_folder_of_the_run_engine_or_of_the_last_run(session, tmp_path):
    RE, writer = session
    (tmp_path / "GUP-1").mkdir()
    old = tmp_path / "GUP-1/old.dat"
    old.write_text("#F old.dat\n#E 1\n#D x\n\n#S 7 ct\n#D x\n#N 1\n#L a\n1\n")
    with pytest.raises(FileNotFoundError, match=r"no SPEC file old\.dat .* RE=RE"):
        writer.usefile("old.dat")
    assert writer.usefile("old.dat", RE=RE) == 7
    assert RE.md["scan_id"] == 7
    assert writer.spec_filename == old
    go(RE)
    assert writer.usefile("old.dat") == 8, "the last run was there"
    go(RE, "GUP-2")
    go(RE, "GUP-1")
    text = old.read_text()
    assert text.count("#S 8 ") == text.count("#S 9 ") == text.count("#S 10 ") == 1


def test_a_file_that_was_named_by_its_path_is_not_gone_on_with_by_another_group(
    session, tmp_path, caplog
):
    RE, writer = session
    elsewhere = tmp_path / "elsewhere/all.dat"
    writer.newfile(elsewhere)
    go(RE)
    for _ in range(2):
        go(RE, "GUP-2")
    go(RE, "GUP-1")
    assert numbers(elsewhere) == ["1", "4"]
    assert numbers(only(tmp_path / "GUP-2")) == ["2", "3"]
    assert not (tmp_path / "GUP-1").exists() or not list((tmp_path / "GUP-1").iterdir())
    (line,) = told(caplog)
    assert str(elsewhere) in line
    assert str(tmp_path / "GUP-2") in line


@pytest.mark.parametrize("is_told", [False, True])
def test_a_file_that_is_named_before_its_group_begins_is_that_group_s(is_told, session, tmp_path):
    RE, writer = session
    go(RE)
    RE.md["scan_id"] = 0
    writer.newfile(tmp_path / "GUP-2/their.dat", RE=RE if is_told else None)
    go(RE, "GUP-2")
    assert numbers(tmp_path / "GUP-2/their.dat") == ["1"]
    if is_told:
        go(RE, "GUP-3")
        assert len(list((tmp_path / "GUP-3").iterdir())) == 1


def test_a_link_is_followed_once_when_a_file_is_named(session, tmp_path):
    RE, writer = session
    for name in ("first", "second"):
        (tmp_path / f"{name}.dat").write_text("#F x\n#E 1\n#D x\n")
    link = tmp_path / "link.dat"
    link.symlink_to(tmp_path / "first.dat")
    writer.usefile(link)
    assert writer.spec_filename == tmp_path / "first.dat"
    link.unlink()
    link.symlink_to(tmp_path / "second.dat")
    go(RE)
    assert "#S 1 " in (tmp_path / "first.dat").read_text()
    assert (tmp_path / "second.dat").read_text() == "#F x\n#E 1\n#D x\n"


def test_a_link_in_the_folder_is_not_followed(session, tmp_path):
    RE, writer = session
    victim = tmp_path / "victim"
    victim.write_text("#F precious\n")
    (tmp_path / "GUP-1").mkdir()
    (tmp_path / "GUP-1/sample1.dat").symlink_to(victim)
    writer.newfile("sample1", RE=RE)
    go(RE)
    path = writer.spec_filename
    assert path == tmp_path / "GUP-1/sample1-2.dat"
    path.rename(tmp_path / "moved.dat")
    path.symlink_to(victim)  # as somebody does who moves files to the archive
    go(RE)
    assert not writer.status().failures
    assert numbers(writer.spec_filename) == ["2"]
    assert victim.read_text() == "#F precious\n"


def test_a_file_that_was_put_in_the_place_of_the_session_s_is_looked_into_first(session, tmp_path):
    RE, writer = session
    path = writer.newfile("sample1", RE=RE)
    go(RE)
    edited = tmp_path / "edited"
    edited.write_text(path.read_text().rstrip("\n") + "\n#C so says the user")
    before = edited.read_text()
    edited.replace(path)  # as editors save
    go(RE)
    assert path.read_text().startswith(before + "\n\n#F ")
    assert numbers(path) == ["1", "2"]
    with SpecWriter(tmp_path) as other:
        other.newfile(path)
        play(other, documents("scan", tmp_path / "source"))
        assert other.spec_filename == path.with_name("sample1-2.dat"), "it is held again"
    edited.write_text("my notes\n")
    edited.replace(path)
    go(RE)
    assert path.read_text() == "my notes\n"
    assert numbers(writer.spec_filename) == ["3"]
    assert not writer.status().failures


def test_a_folder_that_was_replaced_is_another_one(session, tmp_path):
    RE, _ = session
    go(RE)
    (tmp_path / "GUP-1").rename(tmp_path / "archive")
    go(RE)
    assert numbers(only(tmp_path / "archive")) == ["1"]
    assert numbers(only(tmp_path / "GUP-1")) == ["2"]
    (tmp_path / "GUP-1").rename(tmp_path / "later")
    (tmp_path / "archive").rename(tmp_path / "GUP-1")
    go(RE)
    assert numbers(only(tmp_path / "GUP-1")) == ["1", "3"], "it is the folder that counts"


def test_a_relative_directory_is_where_the_session_is_when_a_run_begins(tmp_path, monkeypatch):
    RE = RunEngine({})
    places = [tmp_path / "a", tmp_path / "b"]
    with SpecWriter("data") as writer:
        RE.subscribe(writer.receiver)
        for place in [*places, places[0]]:
            place.mkdir(exist_ok=True)
            monkeypatch.chdir(place)
            go(RE)
            assert writer.spec_filename == only(place)
        assert writer.newfile("x", RE=RE) == places[0] / "data/x.dat"
        monkeypatch.chdir(places[1])
        go(RE)
    assert numbers(only(places[0])) == ["1", "3"]
    assert numbers(places[1] / "data/x.dat") == ["4"]


def test_a_comment_goes_where_the_last_scan_is(session, tmp_path):
    RE, writer = session
    go(RE)
    go(RE, "GUP-2")
    RE.md["proposal_id"] = "GUP-1"
    writer.comment("said of the last scan")
    writer.flush()
    assert only(tmp_path / "GUP-2").read_text().endswith("said of the last scan\n")
    assert "said" not in only(tmp_path / "GUP-1").read_text()


def test_many_folders_keep_few_files_open_and_the_first_is_gone_on_with(source, tmp_path):
    runs = [run_of(source, n, proposal_id=f"GUP-{n}") for n in range(30)]
    with SpecWriter(tmp_path / "data/{proposal_id}") as writer:
        for run in runs:
            play(writer, run)
        opened = [os.path.realpath(fd) for fd in Path("/proc/self/fd").iterdir()]
        assert len([path for path in opened if path.startswith(f"{tmp_path}/data")]) < 20
        play(writer, run_of(source, 99, proposal_id="GUP-0"))
    path = only(tmp_path / "data/GUP-0")
    assert numbers(path) == ["0", "99"]
    spec.check_silx(path)


def test_one_file_a_run_is_called_as_a_subclass_says(tmp_path, source):
    class Named(SpecFile):
        def file_name(self, run):
            return "{proposal_id}/run-{scan_id}"

    class NamedWriter(SpecWriter):
        file_class = Named

    with NamedWriter(tmp_path, one_file_a_run=True) as writer:
        for n in (1, 2):
            play(writer, run_of(source, n, proposal_id=f"GUP-{n}"))
    assert numbers(tmp_path / "GUP-1/run-1.dat") == ["1"]
    assert numbers(tmp_path / "GUP-2/run-2.dat") == ["2"]


def test_a_folder_is_no_file_to_go_on_in(session, tmp_path):
    _, writer = session
    with pytest.raises(ConfigError, match="is a folder"):
        writer.newfile(tmp_path)
