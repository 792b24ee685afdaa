"""One run in JSON Lines: the file, or files, that its documents go into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ...contract.runfile import RunFile
from ...files.json_text import dumps, event_with_arrays
from ...files.textfile import TextFile
from ...model.run import Descriptor, Document, Page, Run, Stream
from .settings import JsonlSettings

__all__ = ["JsonlFile"]


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
