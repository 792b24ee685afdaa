"""JSON: one document a run, in which each stream is a dataset that xarray takes.

``xarray.Dataset.from_dict(document["primary"])`` gives what databroker's ``run.primary.read()``
gives. The document is strict JSON (RFC 8259) and is there, whole, when the run has ended; until
then its columns wait in a temporary file beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.plugin import FormatPlugin
from ...later import later, names_of
from .settings import JsonSettings
from .writer import JsonWriter

if TYPE_CHECKING:
    from .runfile import JsonFile

__all__ = ["FORMAT", "JsonFile", "JsonSettings", "JsonWriter"]

FORMAT = FormatPlugin(
    JsonWriter,
    readers="JSON; any language reads it",
    read_back=later(f"{__name__}.readback", "read_back"),
)

__getattr__ = names_of(__name__, {"JsonFile": "runfile"})
