"""The default plots of runs, as silx and nexusformat see them, and as pictures.

With the environment variable ``BLUESCRIBE_PICTURES`` the pictures go into that folder, for people.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import h5py
import numpy as np
import pytest
from ophyd.sim import Syn2DGauss

from bluescribe import NexusWriter
from bluescribe.testing import SHAPES
from bluescribe.testing.shapes.devices import Scripted, gauss, motor
from bluescribe.testing.shapes.engine import listening, play, play_interrupted
from bluescribe.testing.shapes.stream_assets import StreamDetector
from tests.readers.nexus_rules import broken_rules, findings
from tests.readers.plots import Plot, differences, draw, is_same, seen_by_nexusformat, seen_by_silx

Documents = list[tuple[str, Any]]
Columns = dict[str, Any]


def take(folder: Path, make: Callable[[Path], Documents], **settings: Any) -> tuple[Path, Columns]:
    """Write a run of a real RunEngine; return its file, and what was emitted as columns."""
    raw = folder / "raw"
    raw.mkdir()
    with NexusWriter(folder / "data", **settings) as writer, listening(writer):
        documents = make(raw)
        status = writer.status()
    assert not status.failures
    assert status.last_file is not None
    events = [doc for name, doc in documents if name == "event"]
    primary = {d["uid"] for n, d in documents if n == "descriptor" and d["name"] == "primary"}
    rows = [event for event in events if event["descriptor"] in primary]
    columns = (
        {key: np.array([row["data"][key] for row in rows]) for key in rows[0]["data"]}
        if rows
        else {}
    )
    start = documents[0][1]["time"]
    columns["time"] = np.array([row["time"] - start for row in rows])
    return status.last_file, columns


def checked(path: Path, name: str, kind: str = "curve") -> Plot:
    """Return the default plot; both readers agree on it, no rule is broken, and it can be drawn."""
    plot, other = seen_by_silx(path), seen_by_nexusformat(path)
    assert not differences(plot, other)
    assert not [*broken_rules(path), *findings(path)]
    folder = os.environ.get("BLUESCRIBE_PICTURES")
    picture = path.with_suffix(".png")
    draw(plot, picture, kind)
    assert picture.stat().st_size > 4_000
    if folder:
        shutil.copy(picture, Path(folder, f"{name}-{kind}.png"))
    return plot


def spectra(points: int) -> list[Any]:
    """Return spectra whose peak moves from point to point."""
    channels = np.arange(64)
    return [np.exp(-((channels - 10 - 4 * p) ** 2) / 20) for p in range(points)]


def images(points: int) -> list[Any]:
    """Return images whose spot moves from point to point."""
    y, x = np.mgrid[:20, :30]
    return [np.exp(-((y - 10) ** 2 + (x - 5 - 2 * p) ** 2) / 9) for p in range(points)]


def scan(*detectors: Any, points: int = 9) -> Any:
    return bp.scan(detectors, motor(), -1, 1, points)


def one_motor(folder: Path) -> Documents:
    m1 = motor()
    return play(bp.scan([gauss(m1, sigma=0.5)], m1, -1, 1, 9))


def several(folder: Path) -> Documents:
    m1 = motor()
    widths = {"i0": 2, "i1": 1, "i2": 0.4}
    detectors = [gauss(m1, name, sigma=width) for name, width in widths.items()]
    return play(bp.scan([*detectors, Scripted("mca", spectra(9))], m1, -1, 1, 9))


def together(folder: Path) -> Documents:
    m1, m2 = motor("m1"), motor("m2")
    return play(bp.scan([gauss(m1)], m1, -2, 2, m2, 10, 20, 9))


def one_point(folder: Path) -> Documents:
    return play(scan(Scripted("det", [42.5]), points=1))


def no_motor(folder: Path) -> Documents:
    return play(bp.count([Scripted("det", [3, 1, 4, 1, 5, 9])], num=6, delay=0.01))


def spectra_in_events(folder: Path) -> Documents:
    return play(scan(Scripted("mca", spectra(9))))


def images_in_events(folder: Path) -> Documents:
    return play(scan(Scripted("camera", images(9))))


def images_beside(folder: Path) -> Documents:
    return play(scan(StreamDetector(folder), points=5))


def spiral(folder: Path) -> Documents:
    m1, m2, det = spot()
    return play(bp.spiral([det], m1, m2, 0, 15, 5, 5, 0.4, 12))


def spot() -> tuple[Any, Any, Any]:
    """Return two motors, and a detector that sees a spot away from the middle."""
    m1, m2 = motor("m1"), motor("m2", value=15)
    return m1, m2, Syn2DGauss("det", m1, "m1", m2, "m2", center=(0.5, 16), Imax=1, sigma=1.5)


@dataclass(frozen=True)
class Case:
    """A run, and how it is to be shown."""

    make: Callable[[Path], Documents]
    kind: str
    signal: str
    axes: tuple[str | None, ...]
    others: tuple[str, ...] = ()


CASES = {
    "one motor": Case(one_motor, "curve", "det", ("m1",)),
    "several detectors": Case(several, "curve", "i0", ("m1",), ("i1", "i2")),
    "two motors together": Case(together, "curve", "det", ("m1",)),
    "one point": Case(one_point, "curve", "det", ("m1",)),
    "no motor": Case(no_motor, "curve", "det", ("time",)),
    "spectra": Case(spectra_in_events, "image", "mca", ("m1", None)),
    "images in events": Case(images_in_events, "stack", "camera", ("m1", None, None)),
    "spiral": Case(spiral, "scatter", "det", ("m1",)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_plot_shows_what_was_emitted(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    path, columns = take(tmp_path, case.make)
    plot = checked(path, name, case.kind)
    assert (plot.signal, plot.axes, tuple(plot.others)) == (case.signal, [*case.axes], case.others)
    for field, values in {plot.signal: plot.values, **plot.others}.items():
        assert is_same(values, columns[field])
    for axis, positions in zip(plot.axes, plot.positions, strict=True):
        assert axis is None or np.allclose(positions, columns[axis], rtol=0, atol=1e-6)


# --- frames in files of their own -----------------------------------------------------------------


def flight(shape: str) -> Callable[[Path], Documents]:
    return SHAPES[shape].play


@pytest.mark.parametrize(
    ("name", "make", "axes"),
    [
        ("linked images of a scan", images_beside, ["m1", None, None]),
        ("linked images of a count", flight("stream_count"), [None] * 3),
        # its file is still open in this process when the run ends
        ("linked images of ophyd-async", flight("async_scan"), ["stage_x", None, None]),
        ("a flight", flight("stream_fly"), [None] * 3),
        ("a flight of ophyd-async", flight("async_fly"), [None] * 3),
    ],
)
def test_frames_in_files_of_their_own_are_shown(
    tmp_path: Path, name: str, make: Callable[[Path], Documents], axes: list[str | None]
) -> None:
    path, columns = take(tmp_path, make)
    plot = checked(path, name, "stack")
    assert plot.axes == axes, plot
    assert is_same(plot.values, np.concatenate(list(raw_frames(tmp_path / "raw"))))
    if axes[0]:
        by_name = {key.replace("-", "_"): values for key, values in columns.items()}
        assert is_same(plot.positions[0], by_name[axes[0]])


def test_a_flight_into_several_files_is_shown_as_one(tmp_path: Path) -> None:
    path, _ = take(tmp_path, flight("stream_fly_rollover"))
    plot = seen_by_silx(path)  # nexusformat 2.1 takes files of different length for equal ones
    draw(plot, path.with_suffix(".png"), "stack")
    assert plot.axes == [None] * 3
    assert is_same(plot.values, np.concatenate(list(raw_frames(tmp_path / "raw"))))
    assert not list(broken_rules(path))


def raw_frames(folder: Path) -> Any:
    """Yield the frames of each file, read without the NeXus file."""
    for path in sorted(folder.rglob("*.h5")):
        with h5py.File(path) as file:
            found: list[Any] = []
            file.visititems(lambda _, node, found=found: found.append(node))
            yield next(n[()] for n in found if isinstance(n, h5py.Dataset) and n.ndim == 3)


# --- grids ----------------------------------------------------------------------------------------

ACROSS, UP = np.linspace(12, 20, 9), np.linspace(-3, 3, 7)


def grid(points: int = 63, *, snake: bool = False) -> Callable[[Path], Documents]:
    """Return what plays a grid of 7 lines of 9 points, and aborts it after some."""

    def make(folder: Path) -> Documents:
        m1, m2, det = spot()
        left = iter(range(points))

        # The RunEngine's plans insist on these very parameter names.
        def step(detectors: Any, step: Any, pos_cache: Any) -> Any:
            if next(left, None) is None:
                yield from bps.pause()
            yield from bps.one_nd_step(detectors, step, pos_cache)

        per_step: Any = step
        axes = (m1, -3, 3, len(UP), m2, 12, 20, len(ACROSS))
        count = Scripted("number", range(63))
        plan = bp.grid_scan([det, count], *axes, snake_axes=snake, per_step=per_step)
        return play_interrupted(plan, *["abort"] * (points < 63))

    return make


@pytest.mark.parametrize("snake", [False, True])
@pytest.mark.parametrize("points", [63, 62, 32, 27])
def test_a_grid_is_a_picture_as_far_as_it_has_come(
    tmp_path: Path, points: int, snake: bool
) -> None:
    path, columns = take(tmp_path, grid(points, snake=snake))
    plot = checked(path, f"grid of {points}{' snaked' * snake}", "image")
    lines = -(-points // len(ACROSS))
    assert plot.axes == ["m1", "m2"]
    assert np.allclose(plot.positions[0], UP[:lines])
    assert np.allclose(plot.positions[1], ACROSS)
    for field, shown in {"det": plot.values, **plot.others}.items():
        expected = np.full((lines, len(ACROSS)), np.nan)
        for row, value in enumerate(columns[field]):
            line = np.abs(UP - columns["m1"][row]).argmin()
            expected[line, np.abs(ACROSS - columns["m2"][row]).argmin()] = value
        assert is_same(shown, expected)
    assert list(plot.others) == ["number"]
    is_whole = points % len(ACROSS) == 0
    assert plot.others["number"].dtype.kind == ("i" if is_whole else "f")


@pytest.mark.parametrize("points", [5, 9])
def test_a_grid_that_ended_in_its_first_line_is_a_curve_over_the_motor_that_moved(
    tmp_path: Path, points: int
) -> None:
    path, columns = take(tmp_path, grid(points))
    plot = checked(path, f"grid of {points}")
    assert plot.axes == ["m2"]
    assert is_same(plot.values, columns["det"])
    assert is_same(plot.positions[0], columns["m2"])


@pytest.mark.parametrize(("shape", "axes"), [((1, 4), ["m2"]), ((4, 1), ["m1"])])
def test_a_grid_of_one_line_is_a_curve(
    tmp_path: Path, shape: tuple[int, int], axes: list[str]
) -> None:
    def make(folder: Path) -> Documents:
        m1, m2, det = spot()
        return play(bp.grid_scan([det], m1, 0, 1, shape[0], m2, 14, 18, shape[1]))

    path, columns = take(tmp_path, make)
    plot = checked(path, f"grid of {shape}")
    assert plot.axes == axes
    assert is_same(plot.values, columns["det"])


def test_a_grid_of_three_motors_of_which_one_stays_is_a_picture_of_the_others(
    tmp_path: Path,
) -> None:
    def make(folder: Path) -> Documents:
        m1, m2, det = spot()
        still = motor("still")
        axes = (m1, -1, 1, 3, still, 7, 7, 1, m2, 14, 18, 5)
        return play(bp.grid_scan([det], *axes, snake_axes=True))

    path, columns = take(tmp_path, make)
    plot = checked(path, "grid with a motor that stays", "image")
    assert plot.axes == ["m1", "m2"]
    expected = columns["det"].reshape(3, 5)
    expected[1] = expected[1, ::-1]
    assert is_same(plot.values, expected)


def test_integers_that_are_too_long_for_a_float_are_not_shown_as_one(tmp_path: Path) -> None:
    def make(folder: Path) -> Documents:
        m1, m2, _ = spot()
        long = Scripted("long", range(2**60, 2**60 + 6))
        left = iter(range(5))

        def step(detectors: Any, step: Any, pos_cache: Any) -> Any:
            if next(left, None) is None:
                yield from bps.pause()
            yield from bps.one_nd_step(detectors, step, pos_cache)

        per_step: Any = step
        plan = bp.grid_scan([long], m1, 0, 1, 2, m2, 0, 1, 3, per_step=per_step)
        return play_interrupted(plan, "abort")

    path, columns = take(tmp_path, make)
    plot = checked(path, "long integers", "scatter")
    assert plot.values.tolist() == columns["long"].tolist() == list(range(2**60, 2**60 + 5))


# --- what the user wants to see -------------------------------------------------------------------


def test_the_user_chooses_signal_and_axes(tmp_path: Path) -> None:
    path, columns = take(tmp_path, several, signal="i2", axes=["i0"])
    plot = checked(path, "chosen")
    assert (plot.signal, plot.axes, list(plot.others)) == ("i2", ["i0"], ["i1"])
    assert is_same(plot.values, columns["i2"])
    assert is_same(plot.positions[0], columns["i0"])


def test_the_user_chooses_a_spectrum(tmp_path: Path) -> None:
    path, columns = take(tmp_path, several, signal="mca")
    plot = checked(path, "chosen spectrum", "image")
    assert (plot.signal, plot.axes, list(plot.others)) == ("mca", ["m1", None], [])
    assert is_same(plot.values, columns["mca"])


def test_the_user_chooses_images_beside_a_scalar(tmp_path: Path) -> None:
    def make(folder: Path) -> Documents:
        return play(scan(Scripted("det", [1, 2, 3]), StreamDetector(folder), points=3))

    path, _ = take(tmp_path, make, signal="camera")
    plot = checked(path, "chosen images", "stack")
    assert (plot.signal, plot.axes) == ("camera", ["m1", None, None])
    assert is_same(plot.values, next(raw_frames(tmp_path / "raw")))


def test_a_grid_over_chosen_axes_is_no_picture(tmp_path: Path) -> None:
    path, columns = take(tmp_path, grid(), axes=["number"])
    plot = checked(path, "grid over a counter")
    assert plot.axes == ["number"]
    assert is_same(plot.values, columns["det"])


@pytest.mark.parametrize("settings", [{"signal": "typo"}, {"axes": ["typo"]}])
def test_a_choice_that_a_run_does_not_have_changes_nothing(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    path, columns = take(tmp_path, one_motor, **settings)
    plot = checked(path, "no such field")
    assert (plot.signal, plot.axes) == ("det", ["m1"])
    assert is_same(plot.values, columns["det"])
