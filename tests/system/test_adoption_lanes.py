"""Which writer of a dead session wrote what, and which one finishes it."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from bluescribe import JsonlWriter
from bluescribe.archive.adoption.adopting import adopt
from bluescribe.formats.jsonl import JsonlFile
from bluescribe.model.run import Run
from bluescribe.spool import entries
from bluescribe.spool.folder import SpoolFolder
from bluescribe.spool.left import LeftSpool
from tests.installed import install
from tests.readers import jsonl
from tests.system.adopting import (
    adopted,
    check,
    iconfig,
    left,
    next_session,
    session,
    told,
)
from tests.system.faults.test_kill import fingerprint

pytestmark = pytest.mark.usefixtures("soon")

CUT = ("open a", "take a 3", "kill")
TILED = {
    "ENABLE": True,
    "URI": "http://127.0.0.1:9",
    "PATH": "raw",
    "INTERVAL": 0.2,
}
"""Nobody listens there."""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def test_what_a_delivery_keeps_for_itself_is_left_to_it(tmp_path, folder, monkeypatch, caplog):
    pytest.importorskip("tiled")
    monkeypatch.setenv("TILED_API_KEY", "secret")
    outbox = tmp_path / "outbox"
    config = iconfig(folder, ["jsonl"]) | {"TILED": {**TILED, "OUTBOX": str(outbox)}}
    documents = session(tmp_path, config, *CUT)
    (path,) = left()
    taken = SpoolFolder.taken(path)
    assert taken is not None
    spool = LeftSpool(taken)
    taken.release()
    assert sorted(map(bool, spool.lanes.values())) == [False, True]
    before = fingerprint(outbox)
    assert before
    with next_session(iconfig(folder, ["jsonl"])):
        pass
    assert left() == []
    assert fingerprint(outbox) == before
    check(folder, documents, ["jsonl"])
    assert str(outbox) not in " ".join(told(caplog))


def test_two_writers_of_one_format_have_each_its_own_folder(tmp_path):
    documents = session(tmp_path, {}, f"two journals {tmp_path}", *CUT)
    for name in ("x", "y"):
        (path,) = (tmp_path / name).iterdir()
        path.write_bytes(path.read_bytes()[:-5])
    steps = adopt()
    assert left() == []
    assert sorted(step.path.parent.name for step in steps) == ["x", "y"]
    for name in ("x", "y"):
        check(tmp_path / name, documents, ["jsonl"])
        assert len([*(tmp_path / name).glob("*.damaged")]) == 1


class OwnFile(JsonlFile):
    """Has a name of its own, and wants no run that says so."""

    def accepts(self, run: Run) -> bool:
        return run.start["key"] != "b"

    def file_name(self, run: Run) -> str:
        return f"mine-{run.start['key']}"


class OwnWriter(JsonlWriter):
    file_class: ClassVar[type[JsonlFile]] = OwnFile


def test_the_hooks_of_the_session_that_adopts_are_used(tmp_path, folder):
    config = iconfig(folder, ["jsonl"], RETRY_SECONDS=0)
    steps = ("open a", "take a 1", "close a", "open b", "take b 1", "close b")
    documents = session(tmp_path, config, f"away {folder}", *steps)
    folder.unlink()
    adopt(kinds={"jsonl": OwnWriter})
    assert left() == []
    assert [path.name for path in folder.iterdir()] == ["mine-a.jsonl"]
    (run,) = jsonl.read_folder(folder)
    assert run.uid == documents[0][1]["uid"]


def test_a_format_that_is_not_installed_any_more_waits_until_it_is(
    tmp_path, folder, monkeypatch, caplog
):
    with monkeypatch.context() as there:
        install(there, tmp_path / "installed", lines="tests.lines_format:FORMAT")
        there.setenv("PYTHONPATH", str(tmp_path / "installed"))
        config = iconfig(folder, ["jsonl", "lines"])
        documents = session(tmp_path, config, *CUT)
    before = {path.name: path.read_bytes() for path in folder.glob("*.lines")}
    assert len(before) == 1
    with next_session(iconfig(tmp_path / "other"), is_adopted=False):
        with pytest.raises(AssertionError, match="goes on"):
            adopted(1.0)
        assert {path.name: path.read_bytes() for path in folder.glob("*.lines")} == before
        assert len(left()) == 1
        (message,) = [text for text in told(caplog) if ".lines" in text]
        assert "is not written yet" in message
        assert "lines" in message.partition("is not written yet")[2]
        install(monkeypatch, tmp_path / "again", lines="tests.lines_format:FORMAT")
        adopted()
    assert left() == []
    check(folder, documents, ["jsonl"])
    assert len([*folder.glob("*.lines")]) == 1
    assert len([*folder.glob("*.lines.damaged")]) == 1


def test_a_spool_of_another_version_is_kept(tmp_path, folder, monkeypatch, caplog):
    documents = session(tmp_path, iconfig(folder, ["jsonl"]), *CUT)
    before = fingerprint(folder)
    (path,) = left()
    with monkeypatch.context() as other:
        other.setattr(entries, "SCHEMA", entries.SCHEMA - 1)
        with next_session(iconfig(tmp_path / "o"), is_adopted=False):
            adopted()
        (message,) = told(caplog)
        assert str(path) in message
        assert "use that version" in message
        assert left() == [path]
        assert fingerprint(folder) == before
    adopt()
    assert left() == []
    check(folder, documents, ["jsonl"])


def test_settings_that_are_not_allowed_any_more_are_told(tmp_path, folder, caplog):
    session(tmp_path, {}, f"own settings {folder}", *CUT)
    before = fingerprint(folder)
    (path,) = left()
    with next_session(iconfig(tmp_path / "other"), is_adopted=False):
        with pytest.raises(AssertionError, match="goes on"):
            adopted(1.0)
        (message,) = told(caplog)
    assert "is not written yet" in message
    assert "greeting" in message
    assert left() == [path]
    assert fingerprint(folder) == before


def test_what_nobody_can_read_is_kept_and_told(tmp_path, folder, caplog):
    session(tmp_path, iconfig(folder, ["jsonl"]), *CUT)
    (path,) = left()
    (found,) = path.glob("*.spool")
    found.write_bytes(b"something else" * 100)
    with next_session(iconfig(tmp_path / "other"), is_adopted=False):
        adopted(2.0)
    print(told(caplog))
    assert left() == [path], "it may be of use to somebody"


def test_the_sessions_own_spool_is_none_that_is_left(tmp_path, folder):
    config = iconfig(folder, ["jsonl"])
    with next_session(config) as writers:
        bundle: Any = [("start", {"uid": "u", "time": 0.0}), ("stop", {"run_start": "u"})]
        writers(*bundle[0])
        assert writers.flush(10)
        assert len(left()) == 1
        assert adopt() == []
        writers(*bundle[1])
    assert left() == []
