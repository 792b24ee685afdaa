"""Runs that a kill cuts short are sent as well, when their files are finished."""

from __future__ import annotations

import json
import signal
import sys
import time
from textwrap import dedent

import bluesky.plan_stubs as bps
import pytest
from bluesky import RunEngine

from bluescribe import subscribe_writers
from bluescribe.delivery.outbox import Outbox
from tests import warm
from tests.recovering import lose_spools, recover
from tests.system.delivery.globus.sessions import (
    delivered,
    here,
    iconfig_for,
    items,
    scan,
    told,
    wait,
)

FORMATS = ("csv", "dx", "hdf5", "json", "nexus", "spec", "tiff")

SESSION = """
    import json, os, signal, sys, time
    import bluesky.plan_stubs as bps
    from bluesky import RunEngine
    from ophyd.sim import det, direct_img, motor
    from bluescribe import subscribe_writers
    from bluescribe.delivery.globus.begun import Begun
    from bluescribe.formats.nexus import NexusFile

    def plan():
        yield from bps.open_run()
        for value in range(5):
            yield from bps.mv(motor, value)
            yield from bps.trigger_and_read([det, motor, direct_img])
        if sys.argv[2] == "run":
            writers.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        yield from bps.close_run()

    if __name__ == "__main__":
        if sys.argv[2] == "end":
            Begun.end = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        if sys.argv[2] == "copying":  # as of a stack of thousands of images
            NexusFile.afterwards = lambda _: lambda _: time.sleep(60)
        RE = RunEngine({"proposal": "GUP-7"}, context_managers=[])
        writers = subscribe_writers(RE, json.loads(sys.argv[1]))
        RE(plan())
        os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_session(folder, formats, where):
    """Have a session killed in mid-run, or when all but the copying of images is done."""
    program = folder / "session.py"
    program.write_text(dedent(SESSION))
    command = [sys.executable, str(program), json.dumps(iconfig_for(folder, formats)), where]
    done = warm.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    lose_spools()  # or the next session finishes the files by itself


def notes(writers):
    return list((writers.globus.outbox.folder / "begun").glob("*"))


@pytest.mark.parametrize("formats", [("jsonl", *FORMATS), ("csv", "tiff", "nexus"), ("jsonl",)])
def test_a_run_is_sent_when_its_files_are_finished(begin, service, tmp_path, caplog, formats):
    kill_session(tmp_path, formats, "run")
    _, writers = begin(formats)
    wait(lambda: "cut short and are sent when" in caplog.text)
    assert any(f"bluescribe recover {tmp_path / 'data'}" in text for text in told(caplog))
    assert not service.tasks
    assert not recover(tmp_path / "data").failed
    delivered(writers)
    (document,) = service.tasks.values()
    wanted = {k: v for k, v in here(tmp_path).items() if ".damaged" not in k and "/." not in k}
    assert items(document) == wanted
    assert document["label"].startswith("1 ")
    assert not notes(writers)


def test_what_was_finished_before_the_next_session_is_sent_by_it(begin, service, tmp_path, caplog):
    kill_session(tmp_path, ("jsonl", "csv"), "run")
    assert not recover(tmp_path / "data").failed
    _, writers = begin(("jsonl",))  # the formats may be others by now
    delivered(writers)
    (document,) = service.tasks.values()
    assert {path.rpartition(".")[2] for path in items(document)} == {"jsonl", "json", "csv"}
    assert not any("cut short and are sent" in text for text in told(caplog))


@pytest.mark.parametrize("name", ["nexus", "csv", "json", "spec"])
def test_endings_of_files_may_be_others_by_now(service, tmp_path, name):
    kill_session(tmp_path, (name,), "run")
    iconfig = iconfig_for(tmp_path, (name,))
    iconfig[f"{name.upper()}_DATA_FILES"]["FILE_EXTENSION"] = "other"
    with subscribe_writers(RunEngine(context_managers=[]), iconfig) as writers:
        time.sleep(0.5)  # it looks each 0.2 s
        assert not service.tasks
        assert len(notes(writers)) == 1


def test_a_file_that_is_being_recovered_is_waited_for(begin, service, tmp_path):
    kill_session(tmp_path, ("nexus",), "run")
    (path,) = (tmp_path / "data").glob("*.hdf")
    at_work = path.rename(path.with_name(f"{path.name}.recovering"))  # recover was killed, too
    _, writers = begin(("nexus",))
    time.sleep(0.5)  # it looks each 0.2 s
    assert not service.tasks
    assert len(notes(writers)) == 1
    assert not recover(tmp_path / "data").failed
    assert not at_work.exists()
    delivered(writers)
    (document,) = service.tasks.values()
    assert [source.rpartition("/")[2] for source in items(document)] == [path.name]


def test_a_whole_run_that_was_not_in_the_outbox_yet_is_sent(begin, service, tmp_path):
    """Images are copied into its file for minutes after its end."""
    kill_session(tmp_path, ("jsonl", "nexus"), "copying")
    assert not Outbox(tmp_path / "outbox").paths()
    _, writers = begin(("jsonl", "nexus"))
    delivered(writers)
    (document,) = service.tasks.values()
    assert items(document) == here(tmp_path)
    assert not notes(writers)


def test_a_run_that_is_in_the_outbox_is_not_put_there_again(begin, service, tmp_path):
    kill_session(tmp_path, ("jsonl",), "end")
    assert (
        len(Outbox(tmp_path / "outbox").paths()) == len(list(tmp_path.glob("outbox/begun/*"))) == 1
    )
    service.default_state = {"status": "ACTIVE"}
    _, writers = begin(("jsonl",))
    wait(lambda: not notes(writers))
    service.default_state = {"status": "SUCCEEDED"}
    delivered(writers)
    assert len(service.tasks) == 1


def test_a_run_that_left_nothing_is_forgotten(begin, service, tmp_path):
    kill_session(tmp_path, ("jsonl",), "run")
    for path in (tmp_path / "data").iterdir():
        path.unlink()
    _, writers = begin(("jsonl",))
    wait(lambda: not notes(writers))
    assert not service.tasks


def test_a_run_that_cannot_be_noted_is_sent_when_it_has_ended(begin, service, tmp_path, caplog):
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "begun").write_text("a file stands where a folder is needed")
    RE, writers = begin(("jsonl", "csv"))
    scan(RE)
    scan(RE)
    delivered(writers, 2)
    (text,) = told(caplog)
    assert "cannot be noted in" in text


def test_notes_of_living_sessions_are_left_alone(begin, service):
    RE, writers = begin()
    _, other = begin()
    seen = []

    def plan():
        yield from bps.open_run()
        wait(lambda: len(notes(writers)) == 1)
        other.globus.look_for_more()
        writers.globus.look_for_more()
        seen.extend(notes(writers))
        yield from bps.close_run()

    RE(plan())
    assert len(seen) == 1
    wait(lambda: not notes(writers))
    wait(lambda: len(service.tasks) == 1)


LATE = """
    import json, sys
    from pathlib import Path
    import bluesky.plans as bp
    from bluesky import RunEngine
    from ophyd.sim import det
    from bluescribe import subscribe_writers

    if __name__ == "__main__":
        config = json.loads(sys.argv[1])
        folder = Path(config["DATA_FILES"]["DIRECTORY"])
        RE = RunEngine({"proposal": "GUP-7"}, context_managers=[])
        writers = subscribe_writers(RE, config)
        folder.rename(folder.with_name("away"))
        folder.write_text("the mount is away")
        RE(bp.count([det]))
"""


@pytest.mark.parametrize("formats", [("jsonl", "csv", "spec"), ("nexus",)])
def test_a_run_that_was_late_when_its_session_ended_is_sent(begin, service, tmp_path, formats):
    """Nothing was noted of its files: there were none. All go in one transfer."""
    data = tmp_path / "data"
    data.mkdir()
    program = tmp_path / "session.py"
    program.write_text(dedent(LATE))
    command = [sys.executable, str(program), json.dumps(iconfig_for(tmp_path, formats))]
    warm.run(command, capture_output=True, text=True, timeout=60, check=True)
    data.unlink()
    data.mkdir()
    _, writers = begin(formats)
    delivered(writers)
    (document,) = service.tasks.values()
    wanted = {path: place for path, place in here(tmp_path).items() if "/." not in path}
    assert len(wanted) >= len(formats)
    assert items(document) == wanted
    assert not notes(writers)
