"""silx view draws of each shape of run what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from bluesky.plans import grid_scan

from bluescribe import NexusWriter, export
from bluescribe.testing import SHAPES
from bluescribe.testing.contract.playing import played
from bluescribe.testing.shapes.engine import play
from tests.viewers.beamline import RUNS, Beamline, scan, snaked_grid
from tests.viewers.drawing import differences
from tests.viewers.jitter import jittered
from tests.viewers.measured import primaries
from tests.viewers.viewer import SilxViewer

Documents = list[tuple[str, Any]]
Check = Callable[[Documents], None]
Written = Callable[[Path, Documents, Check], None]


def finished(folder: Path, documents: Documents, check: Check) -> None:
    """Write the runs, and look at their files afterwards."""
    with NexusWriter(folder, file_name="{uid}", drain_timeout=60) as writer:
        for document in documents:
            writer(*document)
    check(documents)


def live(folder: Path, documents: Documents, check: Check) -> None:
    """Look at the files before the first of the runs ends."""
    end = next((n for n, (name, _) in enumerate(documents) if name == "stop"), len(documents))
    with NexusWriter(folder, file_name="{uid}", drain_timeout=60) as writer:
        for document in documents[:end]:
            writer(*document)
        assert writer.flush(timeout=60)
        check(documents[:end])
        for document in documents[end:]:
            writer(*document)


def exported(folder: Path, documents: Documents, check: Check) -> None:
    """Export the runs."""
    export(documents, folder, ["nexus"], file_name="{uid}")
    check(documents)


@pytest.fixture
def check(tmp_path: Path, viewer: SilxViewer) -> Check:
    """Fail unless silx draws of each run what its documents tell."""

    def look(documents: Documents) -> None:
        for uid, primary in primaries(documents).items():
            wrong = [*differences(viewer.open(tmp_path / f"{uid}.hdf"), primary)]
            assert not wrong, "; ".join(wrong)

    return look


def cases(names: Iterable[str]) -> Iterator[Any]:
    """Return runs, each with how it is written; every fourth is exported and read early too."""
    names = [*names]
    often = [(name, written) for written in (live, exported) for name in names[::4]]
    for name, written in [*((name, finished) for name in names), *often]:
        yield pytest.param(name, written, id=f"{name}-{written.__name__}")


@pytest.mark.parametrize(("shape", "written"), [*cases(SHAPES)])
def test_the_default_plot_of_a_shape_shows_what_was_measured(
    shape: str, written: Written, tmp_path: Path, check: Check, shapes_folder: Path
) -> None:
    written(tmp_path, jittered(played(shape, "plain", shapes_folder)), check)


@pytest.mark.parametrize(("run", "written"), [*cases(RUNS)])
def test_the_default_plot_of_a_day_at_a_beamline_shows_what_was_measured(
    run: str, written: Written, tmp_path: Path, check: Check
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    written(tmp_path, RUNS[run](raw), check)


@pytest.mark.parametrize("lengths", [(2, 3, 4), (3, 2, 4), (3, 4, 2)])
def test_a_grid_of_three_motors_is_drawn_with_two_positions_along_any(
    lengths: tuple[int, int, int], tmp_path: Path, viewer: SilxViewer
) -> None:
    beamline = Beamline()
    motors = zip([beamline.z, beamline.y, beamline.x], lengths, strict=True)
    axes: list[Any] = [part for motor, length in motors for part in (motor, 0, 1, length)]
    documents = play(grid_scan([beamline.diode], *axes))
    finished(tmp_path, documents, lambda _: None)
    ((uid, primary),) = primaries(documents).items()
    wrong = [*differences(viewer.open(tmp_path / f"{uid}.hdf"), primary)]
    assert not wrong, "; ".join(wrong)


def test_a_master_file_is_drawn_as_the_last_of_its_runs(tmp_path: Path, viewer: SilxViewer) -> None:
    documents = [*scan(tmp_path), *snaked_grid(tmp_path)]
    with NexusWriter(tmp_path, file_name="{uid}", master_file="visit.hdf") as writer:
        for document in documents:
            writer(*document)
    *_, last = primaries(documents).values()
    wrong = [*differences(viewer.open(tmp_path / "visit.hdf"), last)]
    assert not wrong, "; ".join(wrong)


def turned_over(plot: h5py.Group) -> None:
    plot["diode"][...] = plot["diode"][()][::-1]


def mirrored(plot: h5py.Group) -> None:
    plot["x_set"][...] = plot["x_set"][()][::-1]


def emptied(plot: h5py.Group) -> None:
    plot["diode"][...] = np.nan


def transposed(plot: h5py.Group) -> None:
    plot.attrs["axes"] = ["x_set", "y_set"]


@pytest.mark.parametrize("spoil", [turned_over, mirrored, emptied, transposed])
def test_a_wrong_plot_is_noticed(
    spoil: Callable[[h5py.Group], None], tmp_path: Path, viewer: SilxViewer
) -> None:
    documents = snaked_grid(tmp_path)
    with NexusWriter(tmp_path, file_name="run") as writer:
        for document in documents:
            writer(*document)
    with h5py.File(tmp_path / "run.hdf", "r+") as file:
        spoil(file["entry/data"])
    (primary,) = primaries(documents).values()
    wrong = [*differences(viewer.open(tmp_path / "run.hdf"), primary)]
    assert any("diode" in text and "shown" in text for text in wrong), wrong
