"""JSON Lines, the journal: every document of a run, one ``[name, doc]`` a line, as it came.

What suitcase.jsonl writes and databroker's JSONL driver reads: a folder of these files is a
databroker catalog. One write a batch of lines; a torn last line is all the damage that a crash
can do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.plugin import FormatPlugin
from ...later import later, names_of
from .settings import JsonlSettings
from .writer import JsonlWriter

if TYPE_CHECKING:
    from .runfile import JsonlFile

__all__ = ["FORMAT", "JsonlFile", "JsonlSettings", "JsonlWriter"]

FORMAT = FormatPlugin(
    JsonlWriter,
    readers="all that was recorded, a JSON document a line",
    read_back=later(f"{__name__}.readback", "read_back"),
)

__getattr__ = names_of(__name__, {"JsonlFile": "runfile"})
