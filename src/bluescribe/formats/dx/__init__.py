"""Data Exchange: tomography runs in the layout that reconstruction programs read.

https://dxfile.readthedocs.io: ``/exchange`` has projections, whites, darks and angles,
``/measurement`` sample and instrument, ``/process`` how they were acquired. Runs without images
get no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.plugin import FormatPlugin
from ...later import later, names_of
from .settings import DxSettings
from .writer import DxWriter

if TYPE_CHECKING:
    from .runfile import DxFile

__all__ = ["FORMAT", "DxFile", "DxSettings", "DxWriter"]

FORMAT = FormatPlugin(
    DxWriter,
    opens_hdf5=True,
    copies_images=True,
    readers="Data Exchange HDF5; tomopy, algotom",
    read_back=later(f"{__name__}.readback", "read_back"),
)

__getattr__ = names_of(__name__, {"DxFile": "runfile"})
