"""NeXus: one HDF5 file a run, which others can read while the run goes on.

The layout follows the NeXus definitions (https://manual.nexusformat.org) and keeps the paths of
apstools' NXWriter: ``/entry/data`` is the default plot, everything that Bluesky said stands under
``/entry/instrument/bluesky``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.plugin import FormatPlugin
from ...recording.writer import Writer
from .runfile import NexusFile
from .settings import NexusSettings

if TYPE_CHECKING:
    from ...contract.recovery import Recovery

__all__ = ["FORMAT", "NexusFile", "NexusSettings", "NexusWriter"]


class NexusWriter(Writer):
    """Write every run to a NeXus/HDF5 file of its own.

    While the run goes on, read it with ``h5py.File(path, "r", swmr=True)`` or silx; when
    ``RE(...)`` has returned it is an ordinary HDF5 file.
    """

    format = "nexus"
    process_safe = True
    file_class = NexusFile
    settings_class = NexusSettings
    interval = 0.5

    @classmethod
    def recovery(cls) -> type[Recovery]:
        """Return what mends NeXus files, or writes them anew."""
        from .recovery import NexusRecovery

        return NexusRecovery


FORMAT = FormatPlugin(
    NexusWriter,
    opens_hdf5=True,
    copies_images=True,
    readers="HDF5; silx view, NeXpy, HDFView, MATLAB (h5read), in Python h5py.File(file)",
)
