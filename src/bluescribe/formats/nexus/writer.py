"""NexusWriter: writes every run that it receives as NeXus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...later import later
from ...recording.writer import Writer
from .settings import NexusSettings

if TYPE_CHECKING:
    from ...contract.glance import Glance
    from ...contract.recovery import Recovery

__all__ = ["NexusWriter"]


class NexusWriter(Writer):
    """Write every run to a NeXus/HDF5 file of its own.

    While the run goes on, read it with ``h5py.File(path, "r", swmr=True)`` or silx; when
    ``RE(...)`` has returned it is an ordinary HDF5 file.
    """

    format = "nexus"
    process_safe = True
    file_class = later(f"{__package__}.runfile", "NexusFile")
    settings_class = NexusSettings
    interval = 0.5

    @classmethod
    def recovery(cls) -> type[Recovery]:
        """Return what mends NeXus files, or writes them anew."""
        from .recovery import NexusRecovery

        return NexusRecovery

    @classmethod
    def glance(cls) -> type[Glance]:
        """Return what looks at the first bytes of HDF5 files."""
        from ...hdf5.finished.glance import Hdf5Glance

        return Hdf5Glance
