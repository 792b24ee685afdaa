"""JSON Lines, the journal: every document of a run, one ``[name, doc]`` a line, as it came.

What suitcase.jsonl writes and databroker's JSONL driver reads: a folder of these files is a
databroker catalog. One write a batch of lines; a torn last line is all the damage that a crash
can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ...contract.plugin import FormatPlugin
from ...contract.runfile import RunFile
from ...contract.settings import WriterSettings
from ...files.json_text import dumps, event_with_arrays
from ...files.textfile import TextFile
from ...model.run import Descriptor, Document, Page, Run, Stream
from ...recording.writer import Writer

if TYPE_CHECKING:
    from ...contract.recovery import Recovery

__all__ = ["FORMAT", "JsonlFile", "JsonlSettings", "JsonlWriter"]


class JsonlSettings(WriterSettings):
    """Settings of the journal."""

    file_extension: str = Field("jsonl", description="Ending of the files' names, without the dot")
    strict: bool = Field(
        False,
        description="Write NaN and infinities as texts: JSON has no such numbers, Python's has",
    )


class JsonlFile(RunFile[JsonlSettings]):
    """The journal of one run."""

    takes_pages: ClassVar[bool] = False

    def open(self, run: Run) -> None:
        """Make the journal."""
        self._with_arrays: set[str] = set()
        """Descriptors whose events have arrays, as far as they tell."""
        self._file = TextFile(self.claim(run, self.settings.ending))

    def record(self, name: str, doc: Document) -> None:
        """Put a document on its line."""
        if name == "descriptor" and _declares_arrays(doc):
            self._with_arrays.add(str(doc.get("uid")))
        if name == "event" and doc["descriptor"] in self._with_arrays:
            self._file.put(event_with_arrays(doc, is_strict=self.settings.strict))
        else:
            self._file.put(dumps([name, doc], is_strict=self.settings.strict) + b"\n")

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Do nothing: `record` has it."""

    def write_events(self, stream: Stream, page: Page) -> None:
        """Do nothing: `record` has them."""

    def sync(self) -> None:
        """Write the lines that came since."""
        self._file.flush()

    def close(self, stop: Document | None) -> None:
        """Write the last lines."""
        self._file.close()

    def abandon(self) -> None:
        """Cut off a half line."""
        self._file.abandon()


def _declares_arrays(descriptor: Document) -> bool:
    keys = descriptor.get("data_keys")
    declared = keys.values() if isinstance(keys, Mapping) else ()
    return any(isinstance(key, Mapping) and key.get("dtype") == "array" for key in declared)


class JsonlWriter(Writer):
    """Write the journal of every run: all of its documents, exactly, as JSON Lines."""

    format = "jsonl"
    process_safe = True
    file_class = JsonlFile
    settings_class = JsonlSettings

    @classmethod
    def recovery(cls) -> type[Recovery]:
        """Return what reads journals and mends their ends."""
        from .recovery import JournalRecovery

        return JournalRecovery


FORMAT = FormatPlugin(
    JsonlWriter,
    readers="all that was recorded, a JSON document a line",
)
