"""NeXus: one HDF5 file a run, which others can read while the run goes on.

The layout follows the NeXus definitions (https://manual.nexusformat.org) and keeps the paths of
apstools' NXWriter: ``/entry/data`` is the default plot, everything that Bluesky said stands under
``/entry/instrument/bluesky``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.plugin import FormatPlugin
from ...later import later, names_of
from .settings import NexusSettings
from .writer import NexusWriter

if TYPE_CHECKING:
    from .runfile import NexusFile

__all__ = ["FORMAT", "NexusFile", "NexusSettings", "NexusWriter"]

FORMAT = FormatPlugin(
    NexusWriter,
    opens_hdf5=True,
    copies_images=True,
    readers="HDF5; silx view, NeXpy, HDFView, MATLAB (h5read), in Python h5py.File(file)",
    read_back=later(f"{__name__}.readback", "read_back"),
)

__getattr__ = names_of(__name__, {"NexusFile": "runfile"})
