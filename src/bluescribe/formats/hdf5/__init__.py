"""Raw HDF5: what was measured, one dataset a field, and the documents. No NeXus.

``/streams/<stream>/<field>`` beside ``time`` and ``seq_num``, ``/metadata/start``... as JSON text.
Others can read the file while the run goes on (SWMR).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.plugin import FormatPlugin
from ...later import later, names_of
from .settings import Hdf5Settings
from .writer import Hdf5Writer

if TYPE_CHECKING:
    from .runfile import Hdf5File

__all__ = ["FORMAT", "Hdf5File", "Hdf5Settings", "Hdf5Writer"]

FORMAT = FormatPlugin(
    Hdf5Writer,
    opens_hdf5=True,
    readers="HDF5; silx view, HDFView, MATLAB (h5read), in Python h5py.File(file)",
    read_back=later(f"{__name__}.readback", "read_back"),
)

__getattr__ = names_of(__name__, {"Hdf5File": "runfile"})
