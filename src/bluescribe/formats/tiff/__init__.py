"""TIFF: the two-dimensional arrays of a run as stacks, for programs that want images.

Images that a detector has written to files of another kind are copied when the run has ended.

One stack of many pages a field, which grows while the run goes on, or one file a frame. It is
classic TIFF, which most programs read, and goes on in another file before it reaches 4 GB. The
description of the first page of a file is JSON: what is shown, its units, the start document; that
of each page has its seq_num. ``{name}.tiff.json`` names the files, and what is in none of them.
"""

from __future__ import annotations

from ...contract.plugin import FormatPlugin
from .readback import read_back
from .runfile import TiffFile
from .settings import TiffSettings
from .writer import TiffWriter

__all__ = ["FORMAT", "TiffFile", "TiffSettings", "TiffWriter"]

FORMAT = FormatPlugin(
    TiffWriter,
    opens_hdf5=True,
    copies_images=True,
    readers="images; ImageJ, PyMca, in Python tifffile.imread(file)",
    read_back=read_back,
)
