"""One file a run: nothing stands between its rows, and nothing that was said is lost by a kill."""

from __future__ import annotations

import os
import signal
import sys
from textwrap import dedent

import numpy as np
import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky.preprocessors import run_decorator
from ophyd.sim import SynSignal, motor

from bluescribe import JsonlWriter, SpecWriter, export
from bluescribe.formats.spec import spec_comment
from tests import warm
from tests.formats.test_spec_session import check
from tests.recovering import recover

SAID = ("the shutter was stuck", "and is not any more")


def scan_with_comments(writer=None):
    devices = [
        motor,
        SynSignal(func=lambda: f"shutter {motor.position:.0f}", name="shutter"),
        SynSignal(func=lambda: float("nan") if motor.position > 1 else 0.5, name="bad"),
        SynSignal(func=lambda: np.arange(4), name="mca"),
    ]

    @run_decorator(md={"plan_name": "align"})
    def align():
        for position in range(4):
            yield from bps.mv(motor, position)
            yield from bps.trigger_and_read(devices)
            if writer is not None and position < len(SAID):
                yield from spec_comment(SAID[position], writer=writer)

    return align()


def check_file(path, *, rows=4, is_ended=True):
    """Fail unless rows and spectra follow on each other, and all comments behind them."""
    lines = path.read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("#L ")) + 1
    block = lines[first : first + 2 * rows]
    assert all(line[:1].isdigit() for line in block[::2]), block
    assert all(line.startswith("@A ") for line in block[1::2]), block
    behind = lines[first + 2 * rows :]
    assert all(line.startswith("#C ") for line in behind), behind
    for row in range(1, rows + 1):
        assert any(f'from row {row}: "shutter" = "shutter {row - 1}"' in line for line in lines)
    assert any('"bad" is not always finite' in line for line in behind) == (rows > 2)
    assert any("exit_status" in line for line in behind) == is_ended
    return behind


@pytest.mark.parametrize("how", ["live", "exported"])
def test_comments_stand_behind_the_last_row(how, tmp_path):
    RE, documents = RunEngine(), []
    RE.subscribe(lambda *pair: documents.append(pair))
    with SpecWriter(tmp_path / "live", one_file_a_run=True, file_name="run") as writer:
        RE.subscribe(writer.receiver)
        RE(scan_with_comments(writer))
    if how == "exported":
        export(documents, tmp_path / how, ["spec"], file_name="run", one_file_a_run=True)
    (path,) = (tmp_path / how).glob("run*.dat")
    behind = check_file(path)
    said = [line for line in behind if any(text in line for text in SAID)]
    assert len(said) == (2 if how == "live" else 0)
    check(path, documents)


def test_comments_wait_beside_the_rows_while_the_run_goes_on(tmp_path):
    seen = []
    RE = RunEngine()
    with SpecWriter(tmp_path, one_file_a_run=True, file_name="run") as writer:
        RE.subscribe(writer.receiver)

        def look(name, doc):
            if name == "event" and doc["seq_num"] == 3:
                assert writer.flush(30)
                seen.extend(sorted(path.name for path in tmp_path.iterdir()))

        RE.subscribe(look)
        RE(scan_with_comments(writer))
    assert len(seen) == 2
    assert seen[1].startswith("run.dat-")
    assert seen[1].endswith(".notes")
    assert [path.name for path in tmp_path.iterdir()] == ["run.dat"]


@pytest.fixture
def killed(tmp_path):
    """Return the files of a session that was killed behind three points and two comments."""
    script = dedent(
        f"""
        import os, signal
        from bluesky import RunEngine
        from bluescribe import JsonlWriter, SpecWriter
        from tests.formats.test_spec_apart import scan_with_comments
        RE = RunEngine()
        spec = SpecWriter({str(tmp_path)!r}, one_file_a_run=True, file_name="run")
        journal = JsonlWriter({str(tmp_path)!r}, file_name="run")
        def kill(name, doc):
            if name == "event" and doc["seq_num"] == 3:
                spec.flush(30)
                journal.flush(30)
                os.kill(os.getpid(), signal.SIGKILL)
        for call in (spec.receiver, journal.receiver, kill):
            RE.subscribe(call)
        RE(scan_with_comments(spec))
        """
    )
    done = warm.run([sys.executable, "-c", script], timeout=120, check=False,
                          env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    return tmp_path


@pytest.mark.ci
@pytest.mark.parametrize("has_journal", [True, False])
def test_recover_puts_behind_the_rows_what_was_said_before_a_kill(has_journal, killed):
    if not has_journal:
        (killed / "run.jsonl").unlink()
    assert len(list(killed.glob("run.dat-*.notes"))) == 1
    (step,) = recover(killed).steps
    assert step.outcome == ("written anew" if has_journal else "mended")
    behind = check_file(killed / "run.dat", rows=3, is_ended=False)
    assert [sum(text in line for line in behind) for text in SAID] == [1, 1]
    assert not list(killed.glob("*.notes"))
    assert len(list(killed.glob("*.notes.damaged"))) == 1
    assert not recover(killed).steps


def test_scans_of_a_session_that_are_written_anew_keep_their_comments_between_rows(tmp_path):
    RE = RunEngine()
    with SpecWriter(tmp_path) as writer, JsonlWriter(tmp_path) as journal:
        RE.subscribe(writer.receiver)
        RE.subscribe(journal.receiver)
        RE(scan_with_comments())
    (path,) = tmp_path.glob("*.dat")
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"#C from row 4")])
    (step,) = recover(tmp_path).steps
    assert step.outcome == "written anew"
    assert path.read_bytes() == whole
