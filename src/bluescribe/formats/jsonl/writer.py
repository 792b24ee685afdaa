"""JsonlWriter: writes every run that it receives as JSON Lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...later import later
from ...recording.writer import Writer
from .settings import JsonlSettings

if TYPE_CHECKING:
    from ...contract.recovery import Recovery

__all__ = ["JsonlWriter"]


class JsonlWriter(Writer):
    """Write the journal of every run: all of its documents, exactly, as JSON Lines."""

    format = "jsonl"
    process_safe = True
    file_class = later(f"{__package__}.runfile", "JsonlFile")
    settings_class = JsonlSettings

    @classmethod
    def recovery(cls) -> type[Recovery]:
        """Return what reads journals and mends their ends."""
        from .recovery import JournalRecovery

        return JournalRecovery
