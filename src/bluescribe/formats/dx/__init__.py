"""Data Exchange: tomography runs in the layout that reconstruction programs read.

https://dxfile.readthedocs.io: ``/exchange`` has projections, whites, darks and angles,
``/measurement`` sample and instrument, ``/process`` how they were acquired. Runs without images
get no file.
"""

from __future__ import annotations

from ...contract.plugin import FormatPlugin
from .readback import read_back
from .runfile import DxFile
from .settings import DxSettings
from .writer import DxWriter

__all__ = ["FORMAT", "DxFile", "DxSettings", "DxWriter"]

FORMAT = FormatPlugin(
    DxWriter,
    opens_hdf5=True,
    copies_images=True,
    readers="Data Exchange HDF5; tomopy, algotom",
    read_back=read_back,
)
