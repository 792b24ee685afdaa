"""NeXus: one HDF5 file a run, which others can read while the run goes on.

The layout follows the NeXus definitions (https://manual.nexusformat.org) and keeps the paths of
apstools' NXWriter: ``/entry/data`` is the default plot, everything that Bluesky said stands under
``/entry/instrument/bluesky``.
"""

from __future__ import annotations

from ...contract.plugin import FormatPlugin
from .readback import read_back
from .runfile import NexusFile
from .settings import NexusSettings
from .writer import NexusWriter

__all__ = ["FORMAT", "NexusFile", "NexusSettings", "NexusWriter"]

FORMAT = FormatPlugin(
    NexusWriter,
    opens_hdf5=True,
    copies_images=True,
    readers="HDF5; silx view, NeXpy, HDFView, MATLAB (h5read), in Python h5py.File(file)",
    read_back=read_back,
)
