"""An ADSimDetector with its HDF5 plugin, as an IOC of caproto serves it; and a motor and a sample.

``python -m tests.area_detector_ioc`` serves until it is killed. It has the PVs that ophyd-async's
own class asks for, and does what areaDetector does: frames go into a file that grows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.epics_ioc import PREFIX, beamline

DETECTOR = f"{PREFIX}sim:"
SHAPE = (6, 8)
ATTRIBUTE = "ring_current"
ATTRIBUTES = f"""<Attributes><Attribute name="{ATTRIBUTE}" type="EPICS_PV" source="ring:current"
dbrtype="DBR_DOUBLE"/></Attributes>"""
_FIRST = {
    "cam1:ArraySizeX_RBV": SHAPE[1],
    "cam1:ArraySizeY_RBV": SHAPE[0],
    "cam1:DataType_RBV": "UInt16",
    "cam1:NumImages": 2,
    "cam1:NumImages_RBV": 2,
    "cam1:AcquireTime": 0.01,
    "cam1:AcquireTime_RBV": 0.01,
    "cam1:NDAttributesFile": ATTRIBUTES,
    "HDF1:FilePathExists_RBV": 1,
}


def frame(number: int) -> np.ndarray:
    """Return the frame that has a number, counted from 1 in each file."""
    return (np.arange(np.prod(SHAPE)).reshape(SHAPE) + 100 * number).astype("u2")


def attribute(number: int) -> float:
    """Return what stands beside it."""
    return 100 + number / 8


def signals_of(device: Any) -> Iterator[Any]:
    """Yield what stands behind each signal of a device."""
    for _, child in device.children():
        backend = getattr(getattr(child, "_connector", None), "backend", None)
        if backend is None:
            yield from signals_of(child)
        else:
            yield backend


class File:
    """What the HDF5 plugin writes; it grows, and others may read."""

    def __init__(self) -> None:
        self.number = 0
        self.h5: h5py.File | None = None

    def begin(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.number = 0
        self.h5 = h5py.File(path, "w", libver="latest")
        rows = {"maxshape": (None, *SHAPE), "chunks": (1, *SHAPE), "dtype": "u2"}
        self.h5.create_dataset("entry/data/data", (0, *SHAPE), **rows)
        name = f"entry/instrument/NDAttributes/{ATTRIBUTE}"
        self.h5.create_dataset(name, (0,), maxshape=(None,), chunks=(16384,), dtype="f8")
        self.h5.swmr_mode = True

    def add(self) -> int:
        assert self.h5 is not None
        self.number += 1
        places = ("entry/data/data", f"entry/instrument/NDAttributes/{ATTRIBUTE}")
        for place, value in zip(places, (frame, attribute), strict=True):
            dataset = self.h5[place]
            dataset.resize(self.number, 0)
            dataset[-1] = value(self.number)
            dataset.flush()
        return self.number

    def end(self) -> None:
        if self.h5 is not None:
            self.h5.close()
            self.h5 = None


class Plugins:
    """What the driver and the HDF5 plugin do when a PV is set."""

    def __init__(self) -> None:
        self._file = File()
        self.pvs: dict[str, Any] = {}
        """By their names, when they have been made."""

    def _pv(self, suffix: str) -> Any:
        return self.pvs[DETECTOR + suffix]

    async def put(self, suffix: str, value: Any) -> Any:
        """Show what was set; put-completion comes when what was asked for is done."""
        readback = self.pvs.get(f"{DETECTOR}{suffix}_RBV")
        is_on = str(value) in ("1", "Yes")
        if readback is not None:
            await readback.write(value)
        if suffix == "HDF1:Capture":
            await self._capture(is_on)
        if suffix == "cam1:Acquire" and is_on:
            await self._acquire()
            await self._pv("cam1:Acquire_RBV").write(0)
            return 0
        return value

    async def _capture(self, is_on: bool) -> None:
        self._file.end()
        if is_on:
            folder, name = self._pv("HDF1:FilePath").value, self._pv("HDF1:FileName").value
            await self._pv("HDF1:NumCaptured_RBV").write(0)
            self._file.begin(Path(text(folder), f"{text(name)}.h5"))

    async def _acquire(self) -> None:
        for _ in range(self._pv("cam1:NumImages").value):
            await asyncio.sleep(0.02)
            await self._pv("HDF1:NumCaptured_RBV").write(self._file.add())


def pvs_of(device: Any) -> dict[str, Any]:
    """Return the PVs of a detector, by their names."""
    from caproto import ChannelType
    from caproto.server import PVGroup, pvproperty

    plugins = Plugins()
    properties: dict[str, Any] = {}
    for backend in signals_of(device):
        for name in {backend.read_pv, backend.write_pv} - {""}:
            suffix = name.removeprefix(DETECTOR)
            about = _about(backend.datatype, _FIRST.get(suffix), ChannelType)
            if "XMLFileName" in suffix:  # set to "", which caproto takes as no array of characters
                about = {"value": "", "dtype": ChannelType.STRING}
            properties[suffix] = pvproperty(name=suffix, put=_putter(plugins, suffix), **about)
    keys = {f"pv{number}": properties[suffix] for number, suffix in enumerate(sorted(properties))}
    plugins.pvs = dict(type("Detector", (PVGroup,), keys)(prefix=DETECTOR).pvdb)
    return plugins.pvs


def text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).rstrip(b"\0").decode()


def _putter(plugins: Plugins, suffix: str) -> Any:
    async def put(_: Any, __: Any, value: Any) -> Any:  # as caproto calls it
        return await plugins.put(suffix, value)

    return put


def _about(datatype: Any, first: Any, kinds: Any) -> dict[str, Any]:
    """Return how caproto makes a PV that holds values of a type."""
    if datatype is bool:
        return {"value": int(first or 0), "enum_strings": ["No", "Yes"], "dtype": kinds.ENUM}
    if isinstance(datatype, type) and issubclass(datatype, Enum):
        words = [member.value for member in datatype]
        return {"value": first or words[0], "enum_strings": words, "dtype": kinds.ENUM}
    if datatype is str:
        return {"value": first or "", "max_length": 1000, "dtype": kinds.CHAR}
    return {"value": datatype(first or 0)}


def main() -> None:
    """Serve all of it."""
    from caproto.server import run
    from ophyd_async.core import StaticFilenameProvider, StaticPathProvider
    from ophyd_async.epics.adcore import ADWriterFactory
    from ophyd_async.epics.adsimdetector import SimDetector

    paths = StaticPathProvider(StaticFilenameProvider("frames"), Path("/"))
    detector = SimDetector(DETECTOR, ADWriterFactory.hdf(paths), name="sim")
    run({**beamline().pvdb, **pvs_of(detector)})


if __name__ == "__main__":
    main()
