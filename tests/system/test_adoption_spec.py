"""SPEC files that several sessions, and other programs, append to, after a session was killed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bluescribe import SpecWriter
from bluescribe.formats.spec.blocks import blocks
from bluescribe.testing import documents as documents_of
from tests.formats.test_spec_foreign import HEAD
from tests.readers import spec
from tests.system.adopting import (
    adopted,
    check,
    check_as_undisturbed,
    iconfig,
    left,
    next_session,
    session,
    told,
)

pytestmark = pytest.mark.usefixtures("soon")

FOREIGN = "\n" + HEAD
"""What another program appends: a header of its own, and a scan."""
SCAN = "\n" + HEAD.partition("\n\n")[2]
"""What a program appends that goes on under the header that is there."""
CUT = ("newfile mine", "open a", "take a 3", "kill")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def config(folder):
    return iconfig(folder, ["spec"])


def runs_in(path: Path) -> list[str]:
    """Return the uids of the scans in a file, in their order; empty for one of others."""
    return [block.run for block in blocks(path) if block.is_scan]


def rows_of(path: Path, documents: Any) -> dict[str, int]:
    """Return how many rows of each run are in a file."""
    uids = {doc["uid"] for name, doc in documents if name == "start"}
    return {b.run: b.rows for b in blocks(path) if b.is_scan and b.run in uids}


def test_scans_that_another_program_appended_stay_where_they_are(tmp_path, folder, config):
    documents = session(tmp_path, config, *CUT)
    (path,) = folder.iterdir()
    ours = path.read_bytes()
    path.write_bytes(ours + FOREIGN.encode())
    with next_session(config):
        pass
    assert left() == []
    assert runs_in(path) == [documents[0][1]["uid"], ""]
    assert rows_of(path, documents) == {documents[0][1]["uid"]: 3}
    assert path.read_bytes().endswith(FOREIGN.encode())
    assert path.with_name("mine.dat.damaged").read_bytes() == ours + FOREIGN.encode()
    spec.check_silx(path)


def test_a_scan_that_another_program_put_under_our_header_is_not_moved(
    tmp_path, folder, config, caplog
):
    """Its columns belong to that header: the run is written beside, once."""
    documents = session(tmp_path, config, *CUT)
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes() + SCAN.encode())
    before = path.read_bytes()
    with next_session(config):
        pass
    assert left() == []
    assert path.read_bytes() == before
    (other,) = set(folder.iterdir()) - {path}
    assert rows_of(other, documents) == {documents[0][1]["uid"]: 3}
    assert str(other) in " ".join(told(caplog))


def test_half_a_line_and_what_another_program_wrote_behind_it(tmp_path, folder, config):
    documents = session(tmp_path, config, *CUT)
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-7] + FOREIGN.encode())
    with next_session(config):
        pass
    assert left() == []
    assert runs_in(path) == [documents[0][1]["uid"], ""]
    assert rows_of(path, documents) == {documents[0][1]["uid"]: 3}
    assert path.read_bytes().endswith(FOREIGN.encode())


def test_a_file_that_a_living_session_has_is_written_when_that_lets_go(
    tmp_path, folder, config, caplog
):
    documents = session(tmp_path, config, *CUT)
    (path,) = folder.iterdir()
    before = path.read_bytes()
    run = documents_of("scan", tmp_path)
    with SpecWriter(folder) as living, ExitStack() as stack:
        living.newfile(path)
        for name, doc in run[:-1]:
            living(name, doc)
        living.flush()
        stack.enter_context(next_session(iconfig(tmp_path / "other"), is_adopted=False))
        with pytest.raises(AssertionError, match="goes on"):
            adopted(1.0)
        assert path.read_bytes().startswith(before), "it is not touched"
        assert not path.with_name("mine.dat.damaged").exists()
        for name, doc in run[-1:]:
            living(name, doc)
        living.close()
        adopted()
    waits, done = [text for text in told(caplog) if str(path) in text and "spec:" not in text]
    assert "is not written yet: it is being written" in waits
    assert done.startswith("an earlier session ended before")
    assert rows_of(path, [*documents, *run]) == {
        documents[0][1]["uid"]: 3,
        run[0][1]["uid"]: sum(name == "event" for name, _ in run),
    }
    assert left() == []


def test_a_session_that_goes_on_in_the_file_that_is_to_be_finished(tmp_path, folder, config):
    """It appends behind the scan that was cut short, which then is whole."""
    first = session(tmp_path, config, *CUT)
    more = session(tmp_path, config, "newfile mine", "open b", "take b 2", "close b", "open c",
                   "take c 1", "kill")  # fmt: skip
    with next_session(config):
        pass
    assert left() == []
    found = {path.name: rows_of(path, [*first, *more]) for path in folder.glob("*.dat")}
    rows = {uid: number for each in found.values() for uid, number in each.items()}
    uids = [doc["uid"] for name, doc in [*first, *more] if name == "start"]
    assert rows == dict(zip(uids, (3, 2, 1), strict=True))
    assert sum(map(len, found.values())) == 3, "no scan is there twice"


@pytest.mark.parametrize(
    "steps",
    [
        ("open a", "take a 2", "flush", "open b", "take b 2", "flush", "close b", "kill"),
        ("open a", "take a 2", "flush", "open b", "take b 2", "kill"),
        ("open a", "take a 2", "flush", "open b", "take b 2", "flush", "close a", "kill"),
    ],
    ids=["whole", "cut short", "the last"],
)
def test_a_scan_that_waits_beside_comes_into_the_file(steps, tmp_path, folder, config):
    documents = session(tmp_path, config, *steps)
    assert [*folder.glob("*-open.dat")] != []
    with next_session(config):
        pass
    assert left() == []
    assert len([*folder.glob("*.dat")]) == 1, sorted(path.name for path in folder.iterdir())
    check(folder, documents, ["spec"])
    check_as_undisturbed(folder, documents, config)


COMMENTS = {
    "between points": ("open a", "take a 1", "comment hello", "take a 1", "kill"),
    "behind the points": ("open a", "take a 1", "comment hello", "kill"),
    "before the points": ("open a", "comment hello", "take a 1", "kill"),
    "before the first run": ("comment hello", "open a", "take a 1", "kill"),
    "between two runs": (
        "open a", "take a 1", "close a", "comment hello", "open b", "take b 1", "kill",
    ),
    "in the latest of two runs": (
        "open a", "take a 1", "open b", "take b 1", "comment hello", "take b 1", "take a 1", "kill",
    ),
    "in the run that is left": (
        "open a", "take a 1", "open b", "take b 1", "close b", "comment hello", "take a 1", "kill",
    ),
}  # fmt: skip


@pytest.mark.parametrize("where", COMMENTS)
def test_comments_stand_where_they_stood(where, tmp_path, folder, config):
    documents = session(tmp_path, config, *COMMENTS[where])
    lines = comments_among_rows(folder)
    assert len(lines) == 1
    with next_session(config):
        pass
    assert comments_among_rows(folder) == lines
    check(folder, documents, ["spec"])


def comments_among_rows(folder: Path) -> dict[tuple[str, int], bytes]:
    """Return what was said, by the run and the rows before it."""
    found = {}
    for path in folder.glob("*.dat"):
        text = path.read_bytes()
        for block in blocks(path):
            lines = text[block.start : block.end].splitlines()
            rows = 0
            for line in lines:
                rows += line[:1].isdigit() or line[:1] == b"-"
                if line.startswith(b"#C ") and line.endswith(b"hello"):
                    found[block.run, rows] = line
    return found


def test_a_comment_between_two_runs_of_which_one_was_late(tmp_path, folder):
    config = iconfig(folder, ["spec"], RETRY_SECONDS=0)
    documents = session(tmp_path, config, f"away {folder}", "open a", "take a 1", "close a",
                        "comment hello", "open b", "take b 1", "kill")  # fmt: skip
    folder.unlink()
    with next_session(config):
        pass
    check(folder, documents, ["spec"])
    assert len(comments_among_rows(folder)) == 1
