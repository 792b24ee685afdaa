"""Hdf5Writer: writes every run that it receives as raw HDF5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...later import later
from ...recording.writer import Writer
from .settings import Hdf5Settings

if TYPE_CHECKING:
    from ...contract.glance import Glance
    from ...contract.recovery import Recovery

__all__ = ["Hdf5Writer"]


class Hdf5Writer(Writer):
    """Write every run to a plain HDF5 file: one dataset a field, the documents as JSON.

    While the run goes on, read it with ``h5py.File(path, "r", swmr=True)``; when ``RE(...)`` has
    returned it is an ordinary HDF5 file.
    """

    format = "hdf5"
    process_safe = True
    file_class = later(f"{__package__}.runfile", "Hdf5File")
    settings_class = Hdf5Settings
    interval = 0.5

    @classmethod
    def recovery(cls) -> type[Recovery]:
        """Return what mends raw HDF5 files, or writes them anew."""
        from .recovery import RawRecovery

        return RawRecovery

    @classmethod
    def glance(cls) -> type[Glance]:
        """Return what looks at the first bytes of HDF5 files."""
        from ...hdf5.finished.glance import Hdf5Glance

        return Hdf5Glance
