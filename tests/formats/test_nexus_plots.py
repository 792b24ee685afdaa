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
from bluescribe.testing.shapes.devices import Scripted, gauss
from bluescribe.testing.shapes.devices import motor as exact_motor
from bluescribe.testing.shapes.engine import listening, play, play_interrupted
from bluescribe.testing.shapes.stream_assets import StreamDetector
from tests.readers.nexus_rules import broken_rules, findings
from tests.readers.plots import Plot, differences, draw, is_same, seen_by_nexusformat, seen_by_silx

Documents = list[tuple[str, Any]]
Columns = dict[str, Any]

PRIMARY = "/entry/instrument/bluesky/streams/primary"


def motor(name: str = "m1", **options: Any) -> Any:
    """Return a motor that does not come to a stand exactly where it was sent, as real ones."""
    noise = np.random.default_rng(1).normal(0, 1e-3, 1000).tolist()
    return exact_motor(name, readback_func=lambda value: value + noise.pop(), **options)


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


def spectra_of_a_count(folder: Path) -> Documents:
    return play(bp.count([Scripted("mca", spectra(5))], num=5, delay=0.01))


def one_spectrum(folder: Path) -> Documents:
    return play(scan(Scripted("mca", spectra(1)), points=1))


def arrays_of_one_number(folder: Path) -> Documents:
    values = [1.0, 4.0, 9.0, 16.0]
    det = Scripted("det", [[value] for value in values])
    return play(scan(det, Scripted("one", [[[value + 1]] for value in values]), points=4))


def motor_of_arrays(folder: Path) -> Documents:
    m1 = exact_motor("m1", readback_func=lambda value: np.array([value]))
    return play(bp.scan([Scripted("det", [1.0, 4.0, 9.0])], m1, -1, 1, 3))


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
    "spectra": Case(spectra_in_events, "image", "mca", ("m1", "channel")),
    "spectra of a count": Case(spectra_of_a_count, "image", "mca", ("time", "channel")),
    "one spectrum": Case(one_spectrum, "image", "mca", ("m1", "channel")),
    "images in events": Case(images_in_events, "stack", "camera", ("m1", None, None)),
    "spiral": Case(spiral, "scatter", "det", ("m1", "m2")),
    "arrays of one number": Case(arrays_of_one_number, "curve", "det", ("m1",), ("one",)),
    "a motor of arrays": Case(motor_of_arrays, "curve", "det", ("m1",)),
}


@pytest.mark.ci
@pytest.mark.parametrize("name", CASES)
def test_the_plot_shows_what_was_emitted(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    path, columns = take(tmp_path, case.make)
    plot = checked(path, name, case.kind)
    assert (plot.signal, plot.axes, tuple(plot.others)) == (case.signal, [*case.axes], case.others)
    for field, values in {plot.signal: plot.values, **plot.others}.items():
        assert is_same(values, columns[field])
    columns["channel"] = np.arange(64)
    for axis, positions in zip(plot.axes, plot.positions, strict=True):
        assert axis is None or np.allclose(positions, columns[axis].squeeze(), rtol=0, atol=1e-6)


# --- nothing to draw ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text", "switch", "empty", "image of text"])
def test_a_run_without_a_number_leads_readers_to_no_plot(tmp_path: Path, kind: str) -> None:
    values = {"text": "closed", "switch": True, "empty": [], "image of text": ["a", "b"]}
    path, _ = take(tmp_path, lambda _: play(bp.count([Scripted("det", [values[kind]])], num=2)))
    assert not [*broken_rules(path), *findings(path)]
    with h5py.File(path) as file:
        assert "default" not in file["entry"].attrs
        assert "data" not in file["entry"]


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
        mca = Scripted("mca", [[number, -number, 7.5] for number in range(63)])
        plan = bp.grid_scan([det, count, mca], *axes, snake_axes=snake, per_step=per_step)
        return play_interrupted(plan, *["abort"] * (points < 63))

    return make


def filters(dataset: Any) -> list[Any]:
    """Return what HDF5 compresses a dataset with."""
    made = dataset.id.get_create_plist()
    return [made.get_filter(number) for number in range(made.get_nfilters())]


def placed(values: Any, columns: Columns) -> Any:
    """Return values of a grid in its shape, each where the motors were nearest to."""
    values = np.asarray(values)
    found = np.full((len(UP), len(ACROSS), *values.shape[1:]), np.nan)
    for value, m1, m2 in zip(values, columns["m1"], columns["m2"], strict=True):
        found[np.abs(UP - m1).argmin(), np.abs(ACROSS - m2).argmin()] = value
    return found


@pytest.mark.parametrize("snake", [False, True])
def test_a_finished_grid_is_a_picture_and_so_is_all_beside_it(tmp_path: Path, snake: bool) -> None:
    path, columns = take(tmp_path, grid(snake=snake))
    plot = checked(path, f"grid{' snaked' * snake}", "image")
    assert plot.axes == ["m1_set", "m2_set"]
    assert np.array_equal(plot.positions[0], UP)
    assert np.array_equal(plot.positions[1], ACROSS)
    assert list(plot.others) == ["number"]
    assert plot.others["number"].dtype.kind == "i"
    with h5py.File(path) as file:
        data = file["entry/data"]
        axes = {*plot.axes, "EPOCH"}
        assert {*data} == {*columns} - {"mca"} | {"mca", *axes}
        for field in {*data} - axes:
            assert is_same(data[field][()], placed(columns[field], columns)), field
        assert is_same(data["EPOCH"][()] - data["EPOCH"][0, 0], data["time"] - data["time"][0, 0])
        for field in ("det", "m1", "mca"):
            value = file[f"{PRIMARY}/{field}/value"]
            assert is_same(value[()], columns[field])


@pytest.mark.parametrize("compression", ["none", "gzip", "bitshuffle"])
def test_a_grid_of_spectra_is_in_the_order_of_the_grid(tmp_path: Path, compression: str) -> None:
    large = [np.arange(2000, dtype="u4") + number for number in range(63)]

    def make(folder: Path) -> Documents:
        m1, m2, _ = spot()
        axes = (m1, -3, 3, len(UP), m2, 12, 20, len(ACROSS))
        return play(bp.grid_scan([Scripted("mca", large)], *axes, snake_axes=True))

    path, columns = take(tmp_path, make, compression=compression)
    plot = seen_by_silx(path)
    assert not [*broken_rules(path), *findings(path)]
    assert not differences(plot, seen_by_nexusformat(path))
    assert plot.axes == ["m1_set", "m2_set", "channel"]
    assert is_same(plot.values, placed(columns["mca"], columns))
    with h5py.File(path) as file:
        assert file["entry/data/mca"].dtype == np.uint32
        shown, column = filters(file["entry/data/mca"]), filters(file[f"{PRIMARY}/mca/value"])
        assert shown == column
        assert bool(column) == (compression != "none")


@pytest.mark.parametrize("points", [62, 32])
def test_a_grid_that_was_broken_off_is_shown_as_points(tmp_path: Path, points: int) -> None:
    path, columns = take(tmp_path, grid(points, snake=True))
    plot = checked(path, f"grid of {points}", "scatter")
    assert plot.axes == ["m2", "m1"]
    for axis, positions in zip(plot.axes, plot.positions, strict=True):
        assert is_same(positions, columns[axis or ""])
    assert is_same(plot.values, columns["det"])
    assert is_same(plot.others["number"], columns["number"])


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
    assert plot.axes == ["m1_set", "m2_set"]
    expected = columns["det"].reshape(3, 5)
    expected[1] = expected[1, ::-1]
    assert is_same(plot.values, expected)


@pytest.mark.parametrize("shape", [(2, 5), (5, 2), (2, 2)])
def test_a_grid_of_two_positions_is_shown_as_points_beside_the_picture(
    tmp_path: Path, shape: tuple[int, int]
) -> None:
    def make(folder: Path) -> Documents:
        m1, m2, det = spot()
        axes = (m1, 5, 7, shape[0], m2, 10, 20, shape[1])
        return play(bp.grid_scan([det], *axes, snake_axes=True))

    path, columns = take(tmp_path, make)
    plot = checked(path, f"grid of {shape}", "scatter")
    assert plot.axes == ["m2", "m1"]
    assert is_same(plot.positions[0], columns["m2"])
    assert is_same(plot.positions[1], columns["m1"])
    assert is_same(plot.values, columns["det"])
    with h5py.File(path) as file:
        data = file["entry/data"]
        assert data.attrs["axes"].tolist() == ["m1_set", "m2_set"]
        assert data["m1_set"][()].tolist() == np.linspace(5, 7, shape[0]).tolist()
        assert data["det"].shape == shape


@pytest.mark.parametrize("snake", [False, True])
def test_a_grid_of_three_motors_has_each_value_at_its_place(tmp_path: Path, snake: bool) -> None:
    def make(folder: Path) -> Documents:
        m1, m2, m3 = motor("m1"), motor("m2"), motor("m3")
        sums = Scripted("count", range(60))
        axes = (m1, 0, 2, 3, m2, 0, 3, 4, m3, 0, 4, 5)
        return play(bp.grid_scan([sums], *axes, snake_axes=snake))

    path, columns = take(tmp_path, make)
    plot = checked(path, "grid of three motors", "stack")
    assert plot.axes == ["m1_set", "m2_set", "m3_set"]
    at = tuple(np.rint(columns[name]).astype(int) for name in ("m1", "m2", "m3"))
    expected = np.zeros((3, 4, 5))
    expected[at] = columns["count"]
    assert is_same(plot.values, expected)


def test_a_snake_that_the_plan_does_not_tell_of_is_undone(tmp_path: Path) -> None:
    def make(folder: Path) -> Documents:
        m1, m2, _ = spot()
        count = Scripted("count", range(6))
        return play(bp.list_grid_scan([count], m1, [0, 3], m2, [0, 1, 5], snake_axes=True))

    path, _ = take(tmp_path, make)
    with h5py.File(path) as file:
        assert file["entry/data/count"][()].tolist() == [[0, 1, 2], [5, 4, 3]]
        assert file["entry/data/m2_set"][()].tolist() == [0, 1, 5]


@pytest.mark.parametrize("shift", [0, 3])
def test_a_grid_whose_motors_read_no_setpoint_has_the_mean_positions_as_axes(
    tmp_path: Path, shift: int
) -> None:
    """One that was not where it should have been is no grid, but points where it was."""

    def make(folder: Path) -> Documents:
        m1 = motor("m1")
        m2 = exact_motor("m2", readback_func=lambda at: at + (0.1 + shift) * (m1.position > 1.5))
        m1.setpoint.kind = m2.setpoint.kind = "omitted"
        axes = (m1, 0, 2, 3, m2, 0, 2, 3)
        return play(bp.grid_scan([Scripted("n", range(9))], *axes, snake_axes=True))

    path, columns = take(tmp_path, make)
    assert not [*broken_rules(path), *findings(path)]
    with h5py.File(path) as file:
        data = file["entry/data"]
        if shift:
            assert data.attrs["axes"].tolist() == ["m2", "m1"]
            assert data["n"][()].tolist() == columns["n"].tolist()
        else:
            assert data.attrs["axes"].tolist() == ["m1_mean", "m2_mean"]
            assert np.allclose(data["m2_mean"], [0, 1 + 0.1 / 3, 2 + 0.1 / 3])
            assert data["n"][()].tolist() == [[0, 1, 2], [5, 4, 3], [6, 7, 8]]


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
    assert (plot.signal, plot.axes, list(plot.others)) == ("mca", ["m1", "channel"], [])
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
