"""Raw HDF5 files after a crash: where they have what."""

from __future__ import annotations

from typing import ClassVar

import h5py

from ...hdf5.finished.mend import Layout, StreamsLayout
from ...hdf5.finished.recovery import Hdf5Recovery
from ...hdf5.parts.pieces import Where
from .table import WHERE

__all__ = ["RawRecovery"]


class RawLayout(StreamsLayout):
    """The streams, and the documents under ``/metadata``."""

    home = "/metadata"
    stop = "/metadata/stop"
    streams = "/streams"

    def run(self, file: h5py.File) -> str:
        """Return what the root attribute says."""
        return str(file.attrs.get("uid", ""))


class RawRecovery(Hdf5Recovery):
    """Finishes the raw HDF5 files that bluescribe wrote."""

    creator: ClassVar[str] = "bluescribe Hdf5Writer"
    layout: ClassVar[Layout] = RawLayout()
    where: ClassVar[Where] = WHERE
