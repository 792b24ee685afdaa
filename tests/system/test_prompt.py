"""A session at IPython's prompt: what it runs twice, breaks off with Ctrl-C and closes."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tests.system.prompts import PATIENCE, Prompt

pytest.importorskip("IPython")

START_UP = """
    import threading
    import bluesky.plans as bp
    from bluesky import RunEngine
    from ophyd.sim import det, motor
    from bluescribe import subscribe_writers
    RE = globals().get("RE") or RunEngine({})
    blocks = ("JSONL", "NEXUS", "SPEC")
    writers = subscribe_writers(
        RE,
        {"DATA_FILES": {"DIRECTORY": "data"}}
        | {f"{name}_DATA_FILES": {"ENABLE": True} for name in blocks},
    )
"""
OURS = "sorted(t.name for t in threading.enumerate() if t.name.startswith('bluescribe-'))"


@pytest.fixture
def prompt(tmp_path):
    (tmp_path / "startup.py").write_text(dedent(START_UP))
    prompt = Prompt(tmp_path)
    yield prompt
    prompt.close()


def within_patience(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def journals(folder: Path) -> list[Counter[str]]:
    """Return what is in each journal, by scan_id; a line may be half written."""
    paths = sorted((folder / "data").glob("*.jsonl"), key=lambda path: path.name.split("-S")[1])
    whole = [path.read_text().rpartition("\n")[0].splitlines() for path in paths]
    return [Counter(json.loads(line)[0] for line in lines) for lines in whole]


def test_a_session_that_is_interrupted_and_started_twice(prompt, tmp_path):
    prompt.type("%run -i startup.py")
    prompt.type("RE(bp.scan([det], motor, -1, 1, 5))")
    assert prompt.answer("RE.state") == "idle"
    prompt.type("RE(bp.count([det], 10_000, delay=0.02))")
    within_patience(lambda: len(journals(tmp_path)) == 2 and journals(tmp_path)[1]["event"] > 5)
    assert len(list(tmp_path.glob("state/**/*.spool"))) == 1
    for _ in range(2):
        os.kill(prompt.process.pid, signal.SIGINT)
        time.sleep(0.3)  # bluesky counts those that come at once as one
    assert prompt.answer("RE.state") == "paused"
    prompt.type("%run -i startup.py")
    prompt.type("RE.abort()")
    prompt.type("RE(bp.count([det], 2))")
    assert prompt.answer("RE.state") == "idle"
    prompt.type("writers.close()")
    assert prompt.answer(OURS) == "[]"
    assert [path.name for path in tmp_path.glob("state/bluescribe/spool/*")] == []
    prompt.type("exit()")
    assert prompt.process.wait(PATIENCE) == 0
    scan, broken_off, count = journals(tmp_path)
    assert (scan["event"], count["event"]) == (5, 2)
    assert broken_off["event"] > 5
    assert [each["stop"] for each in (scan, broken_off, count)] == [1, 1, 1]
    assert len(list(tmp_path.glob("data/*.hdf"))) == 3


@pytest.mark.ci
def test_the_kernel_ends_without_a_word_and_the_next_one_has_all(prompt, tmp_path):
    """As Jupyter restarts it."""
    prompt.type("%run -i startup.py")
    prompt.type("RE(bp.count([det], 10_000, delay=0.02))")
    within_patience(lambda: journals(tmp_path) and journals(tmp_path)[0]["event"] > 5)
    events = journals(tmp_path)[0]["event"]
    prompt.process.kill()
    prompt.process.wait()
    (left,) = tmp_path.glob("state/bluescribe/spool/*")
    again = Prompt(tmp_path)
    try:
        again.type("%run -i startup.py")
        assert again.answer("RE.state") == "idle"
        within_patience(lambda: not left.exists())
        again.type("RE(bp.count([det], 2))")
        again.type("writers.close()")
        assert again.answer(OURS) == "[]"
        again.type("exit()")
        assert again.process.wait(PATIENCE) == 0
    finally:
        again.close()
    assert list(tmp_path.glob("state/bluescribe/spool/*")) == []
    whole = [each for each in journals(tmp_path) if each["stop"]]
    cut_short = [each for each in journals(tmp_path) if not each["stop"]]
    assert [each["event"] for each in whole] == [2]
    assert max(each["event"] for each in cut_short) >= events
