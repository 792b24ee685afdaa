"""The demonstration from its start to the table of its files."""

# mypy: allow-untyped-calls
# Some of ophyd-async's functions have no annotations.

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bluesky import RunEngine
from bluesky.preprocessors import SupplementalData
from bluesky.utils import RunEngineInterrupted
from ophyd_async.plan_stubs import ensure_connected
from rich.console import Console

from ..session.subscribe import subscribe_writers
from ..session.writers import Writers
from .beamline import Act, Beamline, acts, make_beamline
from .picture import draw
from .progress import Points
from .report import Played, show_files

__all__ = ["run_demo"]

FORMATS = ("spec", "nexus", "csv", "jsonl")

_RETRY_SECONDS = 1
"""Nobody waits for a demonstration's disk."""

_METADATA = {
    "instrument_name": "a simulated beamline",
    "sample": {"name": "LaB6", "formula": "LaB6"},
    "user": "demo",
}


def run_demo(directory: Path, console: Console) -> int:
    """Run four plans on simulated devices, write every format, show what was written.

    Parameters
    ----------
    directory
        Folder for the files; made when it is missing. What is there stays.
    console
        Where to tell what happens.

    Returns
    -------
    int
        Exit status: 0 when every file is complete.
    """
    images = directory.absolute() / "images"
    images.mkdir(parents=True, exist_ok=True)
    beamline = make_beamline(images)
    with _session(directory, beamline) as (RE, writers):
        try:
            played = [_play(act, RE, writers, console) for act in acts(beamline)]
        except RunEngineInterrupted:  # Ctrl-C
            RE.stop()
            console.print(f"Stopped. What was measured is in {directory}", markup=False)
            return 130
    failures = list(_failures(writers))
    for failure in failures:
        console.print(f"FAILED {failure}", style="red", markup=False, soft_wrap=True)
    if failures:
        return 1
    picture = _draw(directory, played)
    show_files(console, played, images, picture)
    return 0


@contextmanager
def _session(directory: Path, beamline: Beamline) -> Iterator[tuple[RunEngine, Writers]]:
    """Set up what an instrument's startup file sets up."""
    RE = RunEngine(dict(_METADATA))
    RE(ensure_connected(beamline.stage, beamline.camera))
    always = [beamline.theta, beamline.x, beamline.y]
    RE.preprocessors.append(SupplementalData(baseline=always, monitors=[beamline.ring_current]))
    with subscribe_writers(RE, _iconfig(directory)) as writers:
        yield RE, writers


def _iconfig(directory: Path) -> Mapping[str, Any]:
    """Return what stands in an instrument's iconfig.yml."""
    shared = {"DIRECTORY": str(directory), "RETRY_SECONDS": _RETRY_SECONDS, "SHOW_FILES": False}
    blocks = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in FORMATS}
    return {"DATA_FILES": shared, **blocks}


def _play(act: Act, RE: RunEngine, writers: Writers, console: Console) -> Played:
    """Run one plan and find the files that it came to."""
    points = Points(act.title, act.points, console)
    token = RE.subscribe(points)
    try:
        with points:
            RE(act.plan)
    finally:
        RE.unsubscribe(token)
    files = {name: status.last_file for name, status in writers.status().items()}
    return Played(str(points), {name: path for name, path in files.items() if path is not None})


def _failures(writers: Writers) -> Iterator[str]:
    for name, status in writers.status().items():
        yield from (f"{name}: {failure}" for failure in status.failures)


def _draw(directory: Path, played: list[Played]) -> Path:
    """Draw the scan and the grid beside each other."""
    nexus = [run.files["nexus"] for run in played[:2]]
    picture = directory / f"{nexus[0].stem}.png"
    draw(nexus, picture)
    return picture
