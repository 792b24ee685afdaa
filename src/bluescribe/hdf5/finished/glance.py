"""Whether an HDF5 file was cut short, from its first bytes: HDF5 is not imported for that."""

from __future__ import annotations

from pathlib import Path

from ...assets.hdf5.superblock import read_superblock
from ...contract.glance import Glance

__all__ = ["Hdf5Glance"]


class Hdf5Glance(Glance):
    """Looks at the HDF5 files of one format."""

    def seems_cut_short(self, path: Path) -> bool:
        """Tell whether a file says that somebody writes it; the oldest formats never do."""
        if not self.has_ending(path):
            return False
        try:
            return read_superblock(path).is_marked
        except ValueError:
            return False

    def is_held(self, path: Path) -> bool:
        """Tell whether a living process writes a file, or another part of its run."""
        if super().is_held(path):
            return True
        recovery = self.plugin.recovery  # which part is whose stands in the files
        return recovery is not None and recovery(self.plugin, self._settings).is_held(path)
