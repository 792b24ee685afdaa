"""Files that other programs wrote are appended to, and what they held stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import spec2nexus
from bluesky import RunEngine
from bluesky.plans import count
from ophyd.sim import det
from silx.io.specfile import SpecFile as SilxFile  # type: ignore[import-not-found]  # compiled
from spec2nexus.spec import SpecDataFile

from bluescribe import JsonlWriter, SpecWriter
from bluescribe.testing import documents
from tests.extent import IS_LONG
from tests.recovering import recover

HEAD = """#F foreign
#E 1111111111
#D Fri Mar 18 01:58:31 2005
#C foreign  User = specuser
#O0 two theta  theta  chi

#S 1  ascan  tth 1 2 2 1
#D Fri Mar 18 01:58:31 2005
#P0 1 0.5 90
#N 3
#L two theta  Seconds  Detector
1 1 17
2 1 19

"""


def scan(rows: str, *, columns: str = "#N 3\n#L two theta  Seconds  Detector\n") -> str:
    """Return a scan of SPEC's that stands last, without the end of its last line."""
    return f"#S 7  ascan  tth 1 2 2 1\n#D Fri Mar 18 01:59:31 2005\n#P0 1 0.5 90\n{columns}{rows}"


def spectrum(channels: int) -> str:
    """Return a spectrum in lines of 16 channels, as SPEC writes it."""
    lines = [" ".join(map(str, range(i, i + 16))) for i in range(0, channels, 16)]
    return "@A " + "\\\n ".join(lines)


MESH = "\n".join(f"{i % 60} {i // 60} {i * 7}" for i in range(3_000))
MCA = "#@MCA %16C\n#@CHANN 64 0 63 1\n#N 3\n#L two theta  Seconds  Detector\n"

WHOLE = {
    "a row": scan("1 1 17\n2 1 19"),
    "the only row": scan("2 1 19"),
    "a row of a long mesh": scan(MESH),
    "a row of a scan that began far back": scan(f"{MESH}\n" * 3 + "1 1 17"),
    "not a number": scan("1 1 17\n2 nan -inf"),
    "a row after blanks": scan("1 1 17\n  2 1 19"),
    "a spectrum": scan(f"1 1 17\n{spectrum(64)}\n2 1 19\n{spectrum(64)}", columns=MCA),
    "a spectrum before its row": scan(f"{spectrum(64)}\n1 1 17\n{spectrum(64)}", columns=MCA),
    "a spectrum that goes on": scan(f"1 1 17\n{spectrum(64)}\\", columns=MCA),
    "a comment": scan("1 1 17\n#C Fri Mar 18 02:00:00 2005.  Scan aborted after 1 points."),
    "a result": scan("1 1 17\n#R 1 1.5 17 0.25"),
    "a line of its own kind": scan("1 1 17\n#UXML <a b='c'/>"),
    "labels": scan("", columns="#N 3\n#L two theta  Seconds  Detector"),
    "no columns declared": scan("1 1 17\n2 1", columns=""),
    "columns that are not as declared": scan("1 1 17 4\n2 1 19 4", columns="#N 3\n#L a  b  c\n"),
    "text between the rows": scan("1 1 17\nnan in an inf"),
    "zeros of a crash": scan("1 1 17\n") + "\0" * 5_000,
    "a half line end": scan("1 1 17\r\n2 1 19\r"),
    "the date of a scan": scan("1 1 17\n") + "\n#S 8 ct 1\n#D Fri Mar 18 02:00:00 2005",
    "all whole": scan("1 1 17\n2 1 19\n#R 1\n"),
}

SMALL = ("user6idd.dat", "twoc.dat", "usaxs-bluesky-specwritercallback.dat", "05_02_test.dat")
LARGE = ("33bm_spec.dat", "33id_spec.dat", "CdSe", "lmn40.spe", "spec_from_spock.spc")


def seen_by_silx(path):
    found = []
    for each in SilxFile(str(path)):
        spectra = [values.tolist() for values in each.mca]
        found.append((each.number, each.data.tolist(), spectra))
    return found


def seen_by_spec2nexus(path):
    found = SpecDataFile(str(path)).scans
    return [(key, each.raw.strip().strip("\0").strip()) for key, each in found.items()]


@pytest.fixture(scope="module")
def append_to(tmp_path_factory):
    """Take a run into a file that exists: one session for all of them."""
    RE = RunEngine({})
    with SpecWriter(tmp_path_factory.mktemp("session")) as writer:
        RE.subscribe(writer.receiver)

        def append(path):
            writer.usefile(path, RE=RE)
            RE(count([det]))
            assert not writer.status().failures

        yield append


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("ending", WHOLE)
def test_what_others_wrote_stays_to_the_byte(ending, line_end, append_to, tmp_path):
    path = tmp_path / "foreign.dat"
    before = (HEAD + WHOLE[ending]).replace("\r", "").replace("\n", line_end).encode()
    path.write_bytes(before + (b"\r" if ending == "a half line end" else b""))
    whole = tmp_path / "whole.dat"
    whole.write_bytes(before + line_end.encode())
    before = path.read_bytes()
    append_to(path)
    found = path.read_bytes()
    assert found.startswith(before)
    added = found[len(before) :].partition(b"#F ")[0]
    assert added == (b"\n" if before.endswith(b"\n") else b"\n\n"), "a line end, an empty line"
    assert b"half a line" not in found
    *old, ours = seen_by_silx(path)
    assert old == seen_by_silx(whole)
    assert len(ours[1][0]) == 1
    *old_too, ours_too = seen_by_spec2nexus(path)
    assert old_too == seen_by_spec2nexus(whole)
    assert "uid = " in ours_too[1]


OLD = Path(spec2nexus.__file__).with_name("data")
"""Files of instruments, which spec2nexus is tested with."""


@pytest.mark.parametrize("name", [*SMALL, *(LARGE if IS_LONG else ())])
def test_files_of_instruments_are_appended_to(name, append_to, tmp_path):
    path = tmp_path / "old.dat"
    before = (OLD / name).read_bytes().rstrip()
    path.write_bytes(before)
    old = [each.number for each in SilxFile(str(path))]
    append_to(path)
    assert path.read_bytes().startswith(before + b"\n\n#F ")
    assert [each.number for each in SilxFile(str(path))][:-1] == old
    assert len(SpecDataFile(str(path)).scans) == len(SpecDataFile(str(OLD / name)).scans) + 1


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("half", ["2 1", "2", "2.", "2 1\0\0\0"])
def test_half_a_row_becomes_a_comment_where_there_is_no_doubt(half, line_end, append_to, tmp_path):
    path = tmp_path / "foreign.dat"
    before = (HEAD + scan("1 1 17\n1.5 1 18\n")).replace("\n", line_end).encode()
    path.write_bytes(before + half.encode())
    append_to(path)
    told = b'#C half a line that was here: "' + half.strip("\0").encode()
    assert path.read_bytes().startswith(before + told)
    assert [len(each[1][0]) for each in seen_by_silx(path)] == [2, 2, 1]


def test_a_scan_of_another_program_in_our_file_is_judged_by_its_grammar(append_to, tmp_path):
    path = tmp_path / "both.dat"
    path.write_text("")
    append_to(path)
    ours = path.read_bytes()
    for theirs in ("\n" + scan("1 1 17\n2 1 19\n#R 1 2"), "\n" + HEAD + scan("1 1 17\n2 1 19")):
        path.write_bytes(ours + theirs.encode())
        append_to(path)
        assert path.read_bytes().startswith(ours + theirs.encode() + b"\n\n#F ")


def test_a_scan_that_a_crash_cut_short_behind_those_of_others_is_recovered(tmp_path):
    path, theirs = tmp_path / "data/foreign.dat", tmp_path / "theirs.dat"
    path.parent.mkdir()
    theirs.write_text(HEAD + scan(f"{MESH}\n" * 3 + "1 1 17\n"))
    path.write_bytes(theirs.read_bytes())
    with SpecWriter(path.parent) as writer:
        writer.usefile(path)
        for document in documents("scan", tmp_path / "source"):
            writer(*document)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(b"\n#C ", 0, whole.rindex(b"\n#C exit_status")) - 3])
    report = recover(path.parent)
    assert [(step.path, step.outcome) for step in report.steps] == [(path, "mended")]
    found = path.read_bytes()
    assert found.startswith(theirs.read_bytes())
    assert b"\n#C half a line that was here: " in found
    assert b"\n#C no stop document after 4 points" in found
    *old, ours = seen_by_silx(path)
    assert old == seen_by_silx(theirs)
    assert len(ours[1][0]) == 4
    assert not recover(path.parent).steps


def test_a_uid_that_is_a_path_leads_no_recovery_out_of_the_folder(tmp_path):
    folder = tmp_path / "deep/er/data"
    uid = "../../x"
    (_, start), *rest = documents("scan", tmp_path / "source")
    run = [("start", {**start, "uid": uid})]
    run += [(n, {**doc, "run_start": uid} if "run_start" in doc else doc) for n, doc in rest]
    with SpecWriter(folder) as writer, JsonlWriter(folder) as journal:
        for document in run:
            writer(*document)
            journal(*document)
    (path,) = folder.glob("*.dat")
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(b"\n#C ") - 3])
    report = recover(folder)
    assert [step.outcome for step in report.steps] == ["written anew"]
    assert path.read_bytes() == whole
    assert [entry.name for entry in (tmp_path / "deep").iterdir()] == ["er"]
    assert [entry.name for entry in (tmp_path / "deep/er").iterdir()] == ["data"]
