"""JSON Lines, the journal: every document of a run, one ``[name, doc]`` a line, as it came.

What suitcase.jsonl writes and databroker's JSONL driver reads: a folder of these files is a
databroker catalog. One write a batch of lines; a torn last line is all the damage that a crash
can do.
"""

from __future__ import annotations

from ...contract.plugin import FormatPlugin
from .readback import read_back
from .runfile import JsonlFile
from .settings import JsonlSettings
from .writer import JsonlWriter

__all__ = ["FORMAT", "JsonlFile", "JsonlSettings", "JsonlWriter"]

FORMAT = FormatPlugin(
    JsonlWriter,
    readers="all that was recorded, a JSON document a line",
    read_back=read_back,
)
