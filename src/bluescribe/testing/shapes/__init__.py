"""Play every shape of run in a real RunEngine.

Each module enters its shapes into `SHAPES` when it is imported.
"""

from importlib import import_module

from .registry import SHAPES, Document, Documents, Shape, documents, shape

__all__ = ["SHAPES", "Document", "Documents", "Shape", "documents", "shape"]

# From what every beamline does to what few have seen.
for _module in (
    "steps",
    "grids",
    "streams",
    "endings",
    "several",
    "flying",
    "assets",
    "stream_assets",
    "async_devices",
    "values",
    "arrays",
    "naming",
    "metadata",
    "documents_altered",
):
    import_module(f".{_module}", __name__)
