"""TIFF: the two-dimensional arrays of a run as stacks, for programs that want images.

Images that a detector has written to files of another kind are copied when the run has ended.

One stack of many pages a field, which grows while the run goes on, or one file a frame. It is
classic TIFF, which most programs read, and goes on in another file before it reaches 4 GB. The
description of the first page of a file is JSON: what is shown, its units, the start document; that
of each page has its seq_num. ``{name}.tiff.json`` names the files, and what is in none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.plugin import FormatPlugin
from ...later import later, names_of
from .settings import TiffSettings
from .writer import TiffWriter

if TYPE_CHECKING:
    from .runfile import TiffFile

__all__ = ["FORMAT", "TiffFile", "TiffSettings", "TiffWriter"]

FORMAT = FormatPlugin(
    TiffWriter,
    opens_hdf5=True,
    copies_images=True,
    readers="images; ImageJ, PyMca, in Python tifffile.imread(file)",
    read_back=later(f"{__name__}.readback", "read_back"),
)

__getattr__ = names_of(__name__, {"TiffFile": "runfile"})
