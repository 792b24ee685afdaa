"""External data announced by resource and datum documents."""

# mypy: allow-untyped-calls
# Some of bluesky's functions have no annotations.

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
import h5py
import numpy as np
import tifffile
from event_model import compose_resource
from ophyd.sim import NullStatus, SynSignalWithRegistry

from .devices import Scripted, gauss, motor
from .engine import Plan, play, play_interrupted
from .registry import Documents, shape


class AreaDetector:
    """Write frames into HDF5 files as ophyd's file plug-ins do, and announce them.

    Parameters
    ----------
    folder : Path
        Where the files go.
    name : str
        The device's name; its one field is called ``<name>_image``.
    frames : int
        Frames a point.
    points_per_file : int, optional
        Begin another file, and another resource, after so many points.
    spec : str
        What the resource says, ``AD_HDF5`` or ``AD_HDF5_SWMR``.
    """

    parent = None

    def __init__(
        self,
        folder: Path,
        name: str = "ad",
        *,
        frames: int = 1,
        points_per_file: int | None = None,
        spec: str = "AD_HDF5",
    ) -> None:
        self.name = name
        self.key = f"{name}_image"
        self._folder, self._frames, self._limit, self._spec = folder, frames, points_per_file, spec
        self._files = self._points = 0
        self._pending: list[tuple[str, Any]] = []
        self._file: h5py.File | None = None

    @property
    def hints(self) -> dict[str, Any]:
        """Hint at nothing: images are not for plotting."""
        return {"fields": []}

    def stage(self) -> list[Any]:
        """Open the first file."""
        self._open()
        return [self]

    def unstage(self) -> list[Any]:
        """Close the last file: after the stop document, as in a real IOC."""
        self._close()
        return [self]

    def _open(self) -> None:
        self._files += 1
        self._points = 0
        name = f"{self.name}_{self._files:06d}.h5"
        self._file = h5py.File(self._folder / name, "w", libver="latest")
        self._file.create_dataset(
            "entry/data/data", (0, 6, 8), "uint16", maxshape=(None, 6, 8), chunks=(1, 6, 8)
        )
        bundle = compose_resource(
            spec=self._spec,
            root=str(self._folder),
            resource_path=name,
            resource_kwargs={"frame_per_point": self._frames},
        )
        self._compose_datum = bundle.compose_datum
        resource = {k: v for k, v in bundle.resource_doc.items() if k != "run_start"}
        self._pending.append(("resource", resource))

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def trigger(self) -> NullStatus:
        """Write the frames of one point."""
        if self._limit is not None and self._points == self._limit:
            self._close()
            self._open()
        assert self._file is not None, "an area detector is staged before it is triggered"
        images = self._file["entry/data/data"]
        first = len(images)
        images.resize(first + self._frames, axis=0)
        for i in range(first, first + self._frames):
            images[i] = np.arange(48, dtype="uint16").reshape(6, 8) + 1000 * self._files + i
        self._file.flush()
        datum = self._compose_datum(datum_kwargs={"point_number": self._points})
        self._points += 1
        self._pending.append(("datum", datum))
        self._reading = {self.key: {"value": datum["datum_id"], "timestamp": time.time()}}
        return NullStatus()

    def read(self) -> dict[str, Any]:
        """Read the datum_id that stands for the frames."""
        return self._reading

    def describe(self) -> dict[str, Any]:
        """Describe the frames of one point."""
        return {
            self.key: {
                "source": f"PV:SIM:{self.name}:",
                "dtype": "array",
                "shape": [self._frames, 6, 8],
                "dtype_str": "<u2",
                "dims": ["time", "dim_0", "dim_1"],
                "external": "FILESTORE:",
            }
        }

    def collect_asset_docs(self) -> Iterator[tuple[str, Any]]:
        """Hand over the documents that have come together."""
        pending, self._pending = self._pending, []
        yield from pending


def _npy_detector(folder: Path, name: str = "img", **options: Any) -> SynSignalWithRegistry:
    """Make a detector that saves each image as a file of its own."""
    counter = iter(range(1000))
    return SynSignalWithRegistry(
        func=lambda: np.full((4, 5), next(counter)), name=name, save_path=str(folder), **options
    )


@shape(external=True)
def resource_npy(folder: Path) -> Documents:
    """Scan with images as .npy files, of which the descriptor's configuration has one too."""
    m1 = motor()
    return play(bp.scan([_npy_detector(folder)], m1, 0, 3, 4))


@shape(external=True)
def resource_tiff(folder: Path) -> Documents:
    """Scan with images as TIFF files of an unknown spec."""
    options: dict[str, Any] = {
        "save_func": tifffile.imwrite,
        "save_spec": "SITE_TIFF_SEQ",
        "save_ext": "tiff",
    }
    return play(bp.scan([_npy_detector(folder, **options)], motor(), 0, 1, 2))


@shape(external=True)
def resource_hdf5(folder: Path) -> Documents:
    """Scan with images in HDF5, one frame a point."""
    return play(bp.scan([AreaDetector(folder)], motor(), 0, 1, 3))


@shape(external=True)
def resource_hdf5_swmr(folder: Path) -> Documents:
    """Count with images in HDF5 that is announced as being written by a single writer."""
    return play(bp.count([AreaDetector(folder, spec="AD_HDF5_SWMR")], num=2))


@shape(external=True)
def resource_hdf5_frames(folder: Path) -> Documents:
    """Scan with images in HDF5, three frames a point."""
    return play(bp.scan([AreaDetector(folder, frames=3)], motor(), 0, 1, 3))


@shape(external=True)
def resource_rollover(folder: Path) -> Documents:
    """Scan with images in three files, one after the other: three resources for one field."""
    return play(bp.scan([AreaDetector(folder, points_per_file=2)], motor(), 0, 1, 5))


@shape(external=True)
def resource_and_scalars(folder: Path) -> Documents:
    """Scan with an image, a spectrum, a text and numbers in each event."""
    m1 = motor()
    others = [Scripted("mca", [[1, 2, 3], [4, 5, 6]]), Scripted("state", ["ok", "Ü"]), gauss(m1)]
    return play(bp.scan([AreaDetector(folder), *others], m1, 0, 1, 2))


@shape(external=True)
def resource_two_detectors(folder: Path) -> Documents:
    """Scan with two area detectors that write files of their own."""
    detectors = [AreaDetector(folder, "left"), AreaDetector(folder, "right", frames=2)]
    return play(bp.scan(detectors, motor(), 0, 1, 2))


@shape(external=True)
def resource_grid(folder: Path) -> Documents:
    """Scan a snaked grid with images."""
    m1, m2 = motor("m1"), motor("m2")
    return play(bp.grid_scan([AreaDetector(folder)], m1, 0, 1, 2, m2, 0, 1, 3, snake_axes=True))


@shape(external=True, runs=2)
def resource_of_earlier_run(folder: Path) -> Documents:
    """Take two runs into one file: the second run's datums refer to the first run's resource."""
    det = AreaDetector(folder)

    def plan() -> Plan:
        for _ in range(2):
            yield from bpp.run_wrapper(bps.repeat(lambda: bps.trigger_and_read([det]), 2))

    return play(bpp.stage_wrapper(plan(), [det]))


@shape(external=True)
def resource_paused(folder: Path) -> Documents:
    """Pause and resume with images: the repeated point has a frame of its own."""
    det = AreaDetector(folder)

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "paused"})
        for point in range(3):
            yield from bps.checkpoint()
            yield from bps.trigger_and_read([det])
            if point == 1:
                yield from bps.pause()
        yield from bps.close_run()

    return play_interrupted(bpp.stage_wrapper(plan(), [det]), "resume")


@shape(external=True, altered="the files are deleted: a RunEngine does not look at them")
def resource_missing_file(folder: Path) -> Documents:
    """Scan with images whose files are not there, as on another machine."""
    played = play(bp.scan([AreaDetector(folder)], motor(), 0, 1, 2))
    for path in folder.glob("ad_*.h5"):
        path.unlink()
    return played


@shape(external=True, altered="the RunEngine emits datum documents; an event source may page them")
def resource_datum_page(folder: Path) -> Documents:
    """Scan with images whose datums come as one page."""
    played = play(bp.scan([AreaDetector(folder)], motor(), 0, 1, 3))
    datums = [doc for name, doc in played if name == "datum"]
    page = {
        "resource": datums[0]["resource"],
        "datum_id": [d["datum_id"] for d in datums],
        "datum_kwargs": {"point_number": [d["datum_kwargs"]["point_number"] for d in datums]},
    }
    kept = [(name, doc) for name, doc in played if name != "datum"]
    after_resource = [name for name, _ in kept].index("resource") + 1
    return [*kept[:after_resource], ("datum_page", page), *kept[after_resource:]]
