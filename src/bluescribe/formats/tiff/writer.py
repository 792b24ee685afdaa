"""TiffWriter: writes every run that it receives as TIFF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...later import later
from ...recording.writer import Writer
from .settings import TiffSettings

if TYPE_CHECKING:
    from ...contract.recovery import Recovery

__all__ = ["TiffWriter"]


class TiffWriter(Writer):
    """Write the two-dimensional arrays of every run as TIFF, one stack a field.

    The stacks grow while the run goes on. What is no image is named in a list beside them.
    """

    format = "tiff"
    process_safe = True
    file_class = later(f"{__package__}.runfile", "TiffFile")
    settings_class = TiffSettings
    interval = 0.5

    @classmethod
    def recovery(cls) -> type[Recovery]:
        """Return what finishes lists and stacks, or writes them anew."""
        from .recovery import TiffRecovery

        return TiffRecovery
