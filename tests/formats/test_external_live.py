"""Detectors of ophyd and ophyd-async in a RunEngine, into Data Exchange and TIFF as it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bluesky.plans as bp
import h5py
import numpy as np
import pytest
import tifffile
from bluesky import RunEngine
from ophyd_async.plan_stubs import ensure_connected

from bluescribe import DxWriter, TiffWriter
from bluescribe.testing.shapes.assets import AreaDetector
from bluescribe.testing.shapes.async_devices import _blob
from bluescribe.testing.shapes.devices import motor


def ophyd_scan(folder: Path, axis: Any) -> Any:
    """Scan with a detector that closes its file when it is unstaged, after the stop document."""
    yield from bp.scan([AreaDetector(folder, frames=2)], axis, 0, 1, 4)


def ophyd_async_scan(folder: Path, axis: Any) -> Any:
    """Scan with a detector that announces streams."""
    detector = _blob(folder)
    yield from ensure_connected(detector)
    yield from bp.scan([detector], axis, 0, 1, 4)


@pytest.mark.parametrize("images", ["link", "copy"])
@pytest.mark.parametrize("plan", [ophyd_scan, ophyd_async_scan])
def test_a_run_as_it_runs(plan: Callable[..., Any], images: str, tmp_path: Path) -> None:
    engine = RunEngine()
    with DxWriter(tmp_path / "dx", images=images) as dx, TiffWriter(tmp_path / "tiff") as tiff:
        engine.subscribe(dx.receiver)
        engine.subscribe(tiff.receiver)
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            engine(plan(tmp_path / name, motor()))
    for writer in (dx, tiff):
        assert not writer.status().failures, writer.status()
    own = next((tmp_path / "first").glob("*.h5"))
    with h5py.File(own) as file:
        wanted = file["entry/data/data"][()]
    each = 2 if plan is ophyd_scan else 1
    for path in (tmp_path / "dx").iterdir():
        with h5py.File(path) as file:
            assert np.array_equal(file["exchange/data"], wanted)
            assert len(wanted) == 4 * each
            angles = np.repeat(np.linspace(0, 1, 4), each)
            assert np.allclose(file["exchange/theta"], angles)
    stacks = list((tmp_path / "tiff").glob("*.tif"))
    assert len(stacks) == 2
    for path in stacks:
        assert np.array_equal(tifffile.imread(path), wanted)
