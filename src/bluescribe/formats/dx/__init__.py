"""Data Exchange: tomography runs in the layout that reconstruction programs read.

https://dxfile.readthedocs.io: ``/exchange`` has projections, whites, darks and angles,
``/measurement`` sample and instrument, ``/process`` how they were acquired. Runs without images
get no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.plugin import FormatPlugin
from ...recording.writer import Writer
from .runfile import DxFile
from .settings import DxSettings

if TYPE_CHECKING:
    from ...contract.recovery import Recovery

__all__ = ["FORMAT", "DxFile", "DxSettings", "DxWriter"]


class DxWriter(Writer):
    """Write every tomography run to a Data Exchange file.

    Settings say which field is the image, which the angle, and which streams, or values of
    ``image_key``, are projections, whites and darks.
    """

    format = "dx"
    process_safe = True
    file_class = DxFile
    settings_class = DxSettings
    interval = 0.5

    @classmethod
    def recovery(cls) -> type[Recovery]:
        """Return what mends Data Exchange files, or writes them anew."""
        from .recovery import DxRecovery

        return DxRecovery


FORMAT = FormatPlugin(
    DxWriter,
    opens_hdf5=True,
    copies_images=True,
    readers="Data Exchange HDF5; tomopy, algotom",
)
