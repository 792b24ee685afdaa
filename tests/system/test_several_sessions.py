"""Several sessions, or processes of one, with one home of spools: each has a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import bluesky.plans as bp
import pytest
from bluesky import RunEngine
from ophyd.sim import SynAxis, SynGauss

from bluescribe import subscribe_writers
from bluescribe.files.write_lock import is_held
from bluescribe.spool.folder import SESSION
from tests import warm

PATIENCE = 60

SESSION_OF_ITS_OWN = """
    import json, os, sys
    from pathlib import Path
    from bluescribe.files.write_lock import is_held
    from bluescribe.spool.folder import SESSION
    from bluescribe.session.subscribe import make_writers

    HOME = Path(os.environ["XDG_STATE_HOME"], "bluescribe", "spool")

    def spools():
        return sorted(str(path) for path in HOME.iterdir())

    def begin(folder, uid):
        blocks = {f"{name}_DATA_FILES": {"ENABLE": True} for name in ("JSONL", "HDF5")}
        writers = make_writers({"DATA_FILES": {"DIRECTORY": folder, "SHOW_FILES": False}, **blocks})
        writers("start", {"uid": uid, "time": 1.0})
        key = {"x": {"dtype": "integer", "shape": [], "source": "here"}}
        descriptor = {"uid": f"of {uid}", "run_start": uid, "time": 1.0, "data_keys": key}
        writers("descriptor", {**descriptor, "name": "primary"})
        measure(writers, uid, 1)
        return writers

    def measure(writers, uid, number):
        values = {"data": {"x": number}, "timestamps": {"x": 1.0}}
        event = {"uid": f"{uid} {number}", "descriptor": f"of {uid}", "time": 1.0}
        writers("event", {**event, "seq_num": number, **values})
        assert writers.flush(30)

    def end(writers, uid):
        writers("stop", {"uid": f"stop of {uid}", "run_start": uid, "time": 2.0})
        writers.close()
"""

WITH_CHILDREN = (
    SESSION_OF_ITS_OWN
    + """
    import multiprocessing

    def child(folder, of_parent):
        before = spools()
        assert of_parent in before
        writers = begin(folder, "of the child")
        (own,) = set(spools()) - set(before)
        assert is_held(Path(own, SESSION))
        measure(writers, "of the child", 2)
        end(writers, "of the child")
        assert not os.path.exists(own)
        assert spools() == before

    def forked(*args):
        pid = os.fork()
        if pid == 0:
            child(*args)
            sys.exit(0)  # its exit handlers run
        assert os.waitpid(pid, 0)[1] == 0

    def by(context):
        def started(*args):
            process = multiprocessing.get_context(context).Process(target=child, args=args)
            process.start()
            process.join(60)
            assert process.exitcode == 0
        return started

    if __name__ == "__main__":
        manner, folder = sys.argv[1:]
        start = forked if manner == "os.fork" else by(manner)
        writers = begin(folder, "of the parent")
        (own,) = spools()
        inside = sorted(os.listdir(own))
        start(folder, own)
        assert is_held(Path(own, SESSION))
        assert spools() == [own]
        assert sorted(os.listdir(own)) == inside
        measure(writers, "of the parent", 2)
        end(writers, "of the parent")
        assert spools() == []
"""
)

ONE_OF_TEN = (
    SESSION_OF_ITS_OWN
    + """
    from bluesky import RunEngine
    from bluescribe import subscribe_writers

    uid, folder = sys.argv[1:]
    def say(what):
        print(json.dumps(what), flush=True)
        sys.stdin.readline()

    writers = begin(folder, uid)
    blocks = {"CSV_DATA_FILES": {"ENABLE": True}}  # and look for what the dead have left
    shared = {"DIRECTORY": folder, "SHOW_FILES": False}
    others = subscribe_writers(RunEngine({}), {"DATA_FILES": shared, **blocks})
    say(spools())
    for number in range(2, 30):
        measure(writers, uid, number)
    say(spools())
    others.close()
    end(writers, uid)
"""
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "bluescribe" / "spool"


def journal(path: Path) -> list[str]:
    return [json.loads(line)[0] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("manner", ["os.fork", "fork", "spawn"])
def test_children_have_spools_of_their_own_and_leave_that_of_their_parent(manner, tmp_path, home):
    script, folder = tmp_path / "session.py", tmp_path / "data"
    script.write_text(dedent(WITH_CHILDREN))
    command = [sys.executable, str(script), manner, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    journals = [journal(path) for path in folder.glob("*.jsonl")]
    assert journals == [["start", "descriptor", "event", "event", "stop"]] * 2
    assert len(list(folder.glob("*.h5"))) == 2
    assert list(home.iterdir()) == []


def test_ten_sessions_have_a_folder_each_and_nobody_takes_one_that_lives(tmp_path, home):
    script, folder = tmp_path / "session.py", tmp_path / "data"
    script.write_text(dedent(ONE_OF_TEN))
    pipe = subprocess.PIPE
    sessions: list[Any] = [
        warm.Popen(
            [sys.executable, str(script), f"{n} run", str(folder)],
            text=True,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )
        for n in range(10)
    ]
    try:
        for session in sessions:
            assert session.stdout.readline()
        own = sorted(home.iterdir())
        assert len(own) == 10
        assert all(is_held(path / SESSION) for path in own)
        for session in sessions:
            session.stdin.write("\n")
            session.stdin.flush()
        seen = [json.loads(session.stdout.readline()) for session in sessions]
        assert seen == [[str(path) for path in own]] * 10
        ended = [session.communicate("\n", timeout=PATIENCE) for session in sessions]
    finally:
        for session in sessions:
            session.kill()
    assert [session.returncode for session in sessions] == [0] * 10
    assert [err for _, err in ended] == [""] * 10
    assert list(home.iterdir()) == []
    journals = [journal(path) for path in folder.glob("*.jsonl")]
    assert journals == [["start", "descriptor", *["event"] * 29, "stop"]] * 10
    assert len(list(folder.glob("*.h5"))) == 10
    assert not list(folder.glob("*.csv"))


def test_two_run_engines_write_through_one_spool(tmp_path, home):
    axis = SynAxis(name="m1")
    detector = SynGauss("det", axis, "m1", center=0, Imax=1)
    blocks = {"DATA_FILES": {"DIRECTORY": str(tmp_path)}, "JSONL_DATA_FILES": {"ENABLE": True}}
    one, other = RunEngine({}), RunEngine({})
    seen: list[list[str]] = []
    with subscribe_writers(one, blocks) as writers:
        writers.subscribe(other)

        def look(name, doc):
            writers.flush(PATIENCE)
            seen.append([path.name for path in home.iterdir()])

        for engine, count in ((one, 3), (other, 4), (one, 5)):
            engine(bp.scan([detector], axis, 0, 1, count), {"event": look})
    assert len({tuple(names) for names in seen}) == 1
    assert [len(names) for names in seen] == [1] * 12
    journals = [journal(path) for path in tmp_path.glob("*.jsonl")]
    assert sorted(each.count("event") for each in journals) == [3, 4, 5]
    assert list(home.iterdir()) == []
