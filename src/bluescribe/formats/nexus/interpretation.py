"""What a row of a column is, in the words of NeXus: a number, a spectrum, an image.

PyMca lists spectra by it, and takes columns for spectra that do not say what they are when their
group is called like a multichannel analyser.
"""

from __future__ import annotations

from ...hdf5.columns.layout import Layout

__all__ = ["SCALAR", "interpretation"]

SCALAR = "scalar"
_OF_ARRAYS = ("spectrum", "image")
"""Of one dimension, and of two or more."""


def interpretation(layout: Layout) -> str | None:
    """Return ``@interpretation`` of a column, None if its rows are not numbers."""
    if layout.kind not in ("boolean", "integer", "real"):
        return None
    if all(length == 1 for length in layout.shape):
        return SCALAR
    return _OF_ARRAYS[min(len(layout.shape), len(_OF_ARRAYS)) - 1]
