"""Write the runs of a Bluesky RunEngine to files while the data is being acquired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import BluescribeError
from .later import names_of

if TYPE_CHECKING:
    from .archive.exporting import export
    from .formats.csv import CsvWriter
    from .formats.dx import DxWriter
    from .formats.hdf5 import Hdf5Writer
    from .formats.json import JsonWriter
    from .formats.jsonl import JsonlWriter
    from .formats.nexus import NexusWriter
    from .formats.spec import SpecWriter, newSpecFile, spec_comment
    from .formats.tiff import TiffWriter
    from .publishing import publish_to
    from .recording.writer import Writer
    from .session.subscribe import make_writers, subscribe_writers
    from .session.writers import Writers

__version__ = "0.1.0"

__all__ = [
    "BluescribeError",
    "CsvWriter",
    "DxWriter",
    "Hdf5Writer",
    "JsonWriter",
    "JsonlWriter",
    "NexusWriter",
    "SpecWriter",
    "TiffWriter",
    "Writer",
    "Writers",
    "export",
    "make_writers",
    "newSpecFile",
    "publish_to",
    "spec_comment",
    "subscribe_writers",
]

_HOMES = {
    "CsvWriter": "formats.csv",
    "DxWriter": "formats.dx",
    "Hdf5Writer": "formats.hdf5",
    "JsonWriter": "formats.json",
    "JsonlWriter": "formats.jsonl",
    "NexusWriter": "formats.nexus",
    "SpecWriter": "formats.spec",
    "TiffWriter": "formats.tiff",
    "Writer": "recording.writer",
    "Writers": "session",
    "export": "archive.exporting",
    "make_writers": "session",
    "newSpecFile": "formats.spec",
    "publish_to": "publishing",
    "spec_comment": "formats.spec",
    "subscribe_writers": "session",
}

__getattr__ = names_of(__name__, _HOMES)
"""Imports a public name when it is first used: a format that is off costs nothing."""


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
