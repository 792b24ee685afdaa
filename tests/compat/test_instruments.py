"""Instruments in six shapes run before and after; their files agree where both have a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from bluesky import RunEngine, SupplementalData

pytest.importorskip("apstools.callbacks")

from tests.compat.instruments import INSTRUMENTS, Session, baseline_of, motors_recorded
from tests.compat.side_by_side import unequal_scans
from tests.conftest import PROCESS
from tests.formats.test_nexus_apstools import unequal

RUNS = {"bits": 2, "usaxs": 2, "xpcs": 2, "polar": 1, "training": 3, "haven": 2}
"""NeXus files."""
DIFFERENT = {
    "bits": "/entry/title: b'S00002-count-",  # the template's own words where a run has no title
}
"""What the guide tells to differ."""


@pytest.mark.parametrize("name", INSTRUMENTS)
@pytest.mark.parametrize("way", ["threads", pytest.param("processes", marks=pytest.mark.ci)])
def test_files_before_and_after_agree(name, way, tmp_path, monkeypatch):
    monkeypatch.setenv(PROCESS, str(way == "processes").lower())
    instrument = INSTRUMENTS[name]
    RE = RunEngine(dict(instrument.md), call_returns_result=False)
    if instrument.baseline:
        RE.preprocessors.append(SupplementalData(baseline=baseline_of(instrument)))
    if instrument.takes_motors:
        RE.preprocessors.append(motors_recorded)
    before, after = (Session(RE, tmp_path / folder) for folder in ("before", "after"))
    for session, set_up in ((before, instrument.before), (after, instrument.after)):
        session.folder.mkdir()
        set_up(session)

    def waiting(kind: str, doc: object) -> None:
        if kind == "stop":  # apstools would begin another file while a thread writes the last one
            before.wait()

    RE.subscribe(waiting)
    RE(instrument.plan([before, after]))
    for session in (before, after):
        session.wait()
    after.close()
    check(name, before.folder, after.folder)


def check(name: str, before: Path, after: Path) -> None:
    expected, found = files(before), files(after)
    assert [path for path in expected if Path(path).suffix != ".dat"] == [
        path for path in found if Path(path).suffix != ".dat"
    ]
    nexus = [path for path in expected if Path(path).suffix != ".dat"]
    assert len(nexus) == RUNS[name]
    different = [
        f"{path}: {line}"
        for path in nexus
        for line in unequal(before / path, after / path)
        if not line.startswith(DIFFERENT.get(name, " "))
    ]
    assert not different, "\n".join(different)
    for theirs, ours in zip(before.glob("*.dat"), after.glob("*.dat"), strict=True):
        words = [line for line in unequal_scans(theirs, ours) if not line.startswith("#S ")]
        assert not words, "\n".join(words)
    assert any(before.glob("*.dat")) is (name in ("bits", "training"))


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
