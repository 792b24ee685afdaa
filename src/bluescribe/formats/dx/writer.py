"""DxWriter: writes every run that it receives as Data Exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...later import later
from ...recording.writer import Writer
from .settings import DxSettings

if TYPE_CHECKING:
    from ...contract.glance import Glance
    from ...contract.recovery import Recovery

__all__ = ["DxWriter"]


class DxWriter(Writer):
    """Write every tomography run to a Data Exchange file.

    Settings say which field is the image, which the angle, and which streams, or values of
    ``image_key``, are projections, whites and darks.
    """

    format = "dx"
    process_safe = True
    file_class = later(f"{__package__}.runfile", "DxFile")
    settings_class = DxSettings
    interval = 0.5

    @classmethod
    def recovery(cls) -> type[Recovery]:
        """Return what mends Data Exchange files, or writes them anew."""
        from .recovery import DxRecovery

        return DxRecovery

    @classmethod
    def glance(cls) -> type[Glance]:
        """Return what looks at the first bytes of HDF5 files."""
        from ...hdf5.finished.glance import Hdf5Glance

        return Hdf5Glance
