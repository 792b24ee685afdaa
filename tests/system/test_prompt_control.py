"""A session at IPython's prompt in which folder, sample and formats change between the runs."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.system.prompts import PATIENCE, Prompt

pytest.importorskip("IPython")

START_UP = """
    import bluesky.plans as bp, bluesky.plan_stubs as bps
    from bluesky import RunEngine
    from ophyd.sim import det, motor
    from bluescribe import subscribe_writers
    RE = globals().get("RE") or RunEngine({})
    shared = {"DIRECTORY": "data/{sample|none}", "FILE_NAME": "{sample|none}-{#:02d}"}
    blocks = {f"{name}_DATA_FILES": {"ENABLE": True} for name in ("JSONL", "CSV", "SPEC")}
    writers = subscribe_writers(RE, {"DATA_FILES": shared, **blocks})
    def pausing():
        def inner(detectors, step, pos_cache):
            yield from bps.one_nd_step(detectors, step, pos_cache)
            if RE.md["pauses"] and step[motor] == 1:
                RE.md["pauses"] -= 1
                yield from bps.checkpoint()
                yield from bps.pause()
        return bp.scan([det], motor, 0, 4, 5, per_step=inner)
"""


@pytest.fixture
def prompt(tmp_path):
    (tmp_path / "startup.py").write_text(dedent(START_UP))
    (tmp_path / "away").mkdir()
    prompt = Prompt(tmp_path)
    yield prompt
    prompt.close()


def events(path: Path) -> int:
    return [json.loads(line)[0] for line in path.read_text().splitlines()].count("event")


def test_every_point_is_in_the_right_file(prompt, tmp_path):
    prompt.type("%run -i startup.py")
    prompt.type("RE.md['sample'], RE.md['pauses'] = 'iron', 1")
    prompt.type("RE(pausing())")
    assert prompt.answer("RE.state") == "paused"
    # all changes while the first run is paused
    prompt.type("%cd away")
    prompt.type("writers.directory = 'moved/{sample}'")
    prompt.type("RE.md['sample'] = 'gold'")
    prompt.type("writers.csv.enabled = False")
    prompt.type("%run -i ../startup.py")
    prompt.type("RE.resume()")
    assert prompt.answer("RE.state") == "idle"
    # the second start-up has what is configured
    prompt.type("RE(pausing())")
    prompt.type("sample = 'a variable of the user'")
    prompt.type("%bluescribe folder moved/{sample}")
    prompt.type("%bluescribe pause csv")
    prompt.type("RE(pausing())")
    prompt.type("%bluescribe resume csv")
    prompt.type("with writers.spec.paused(): RE(pausing())")
    prompt.type("")
    prompt.type("%bluescribe reset")
    prompt.type("%cd ..")
    prompt.type("RE.md['sample'] = 'lead'")
    prompt.type("RE(pausing())")
    assert prompt.answer("len(writers.where(sample='gold'))") == "3"
    assert prompt.answer("writers.files(-1)['jsonl'][0].name") == "lead-01.jsonl"
    said = prompt.said
    prompt.type("writers.close()")
    prompt.type("exit()")
    assert prompt.process.wait(PATIENCE) == 0
    assert {str(p.relative_to(tmp_path)): events(p) for p in tmp_path.rglob("*.jsonl")} == {
        "data/iron/iron-01.jsonl": 5,
        "away/data/gold/gold-01.jsonl": 5,
        "away/moved/gold/gold-01.jsonl": 5,
        "away/moved/gold/gold-02.jsonl": 5,
        "data/lead/lead-01.jsonl": 5,
    }
    tables = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*-primary.csv")}
    assert tables == {
        "data/iron/iron-01-primary.csv", "away/data/gold/gold-01-primary.csv",
        "away/moved/gold/gold-02-primary.csv", "data/lead/lead-01-primary.csv",
    }  # fmt: skip
    spec = {str(p.parent.relative_to(tmp_path)): p.read_text() for p in tmp_path.rglob("*.dat")}
    assert {where: text.count("\n#S ") for where, text in spec.items()} == {
        "data/iron": 1, "away/data/gold": 1, "away/moved/gold": 1, "data/lead": 1,
    }  # fmt: skip
    assert_console(said, tmp_path)


def assert_console(said: str, folder: Path) -> None:
    """The console has a line for each change and each run, and no more."""
    lines = [line for line in said.splitlines() if " INFO " in line or " WARNING " in line]
    starts = [line for line in lines if " files: " in line]
    ends = [line for line in lines if "run " in line and "(scan " in line]
    changes = [line for line in lines if "from the next run on" in line]
    again = [line for line in lines if "called again" in line]
    assert (len(starts), len(ends), len(changes), len(again)) == (2, 5, 8, 1), said
    assert len(lines) == 16
    assert f"files: jsonl, csv, spec -> {folder}/data/{{sample|none}}" in starts[0]
    assert "csv: enabled = False (by the console" in again[0]
    assert f"{folder}/data/iron/iron-01." in ends[0]


def test_messages_are_shown_once_and_coloured_at_a_terminal_only(prompt, tmp_path):
    prompt.type("%run -i startup.py")
    prompt.type("writers.enabled = False")
    prompt.answer("1")
    assert prompt.said.count("not written") == 1
    assert "\x1b[2m" in prompt.said
    prompt.type("import logging; logging.basicConfig(format='MINE %(message)s', level=20)")
    prompt.type("writers.enabled = True")
    prompt.answer("2")
    assert prompt.said.count("written again") == 1
    assert "MINE csv, jsonl, spec" in prompt.said or "MINE jsonl, csv, spec" in prompt.said
    prompt.type("%bluescribe nonsense")
    prompt.type("%bluescribe")
    prompt.answer("3")
    assert "UsageError: 'nonsense' is none of these" in prompt.said
    assert "format  state  runs" in prompt.said
    prompt.type("writers")
    prompt.answer("4")
    assert prompt.said.count("format  state  runs") == 2
    assert "Traceback" not in prompt.said
