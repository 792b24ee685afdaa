"""JsonWriter: writes every run that it receives as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...later import later
from ...recording.writer import Writer
from .settings import JsonSettings

if TYPE_CHECKING:
    from ...contract.recovery import Recovery

__all__ = ["JsonWriter"]


class JsonWriter(Writer):
    """Write every run as one JSON document, in which each stream is a dataset for xarray.

    ``xarray.Dataset.from_dict(json.load(file)["primary"])`` reads the primary stream. The document
    is there when the run has ended.
    """

    format = "json"
    process_safe = True
    file_class = later(f"{__package__}.runfile", "JsonFile")
    settings_class = JsonSettings

    @classmethod
    def recovery(cls) -> type[Recovery]:
        """Return what writes documents of runs that had no end."""
        from .recovery import DocumentRecovery

        return DocumentRecovery
