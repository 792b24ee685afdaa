"""A format of somebody else, all of it in this file: every document is a line of JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from bluescribe import Writer
from bluescribe.contract.plugin import FormatPlugin
from bluescribe.contract.recovery import Found, Keep, Recovery, Source, changing
from bluescribe.contract.runfile import RunFile
from bluescribe.contract.settings import WriterSettings
from bluescribe.files.json_text import dumps
from bluescribe.files.textfile import TextFile
from bluescribe.model.run import Descriptor, Document, Page, Run, Stream


class LinesSettings(WriterSettings):
    """Settings of lines."""

    file_extension: str = Field("lines", description="Ending of the files' names")
    greeting: str = Field("", description="What stands in the first line")


class LinesFile(RunFile[LinesSettings]):
    """The lines of one run."""

    takes_pages: ClassVar[bool] = False

    def open(self, run: Run) -> None:
        self._file = TextFile(self.claim(run, self.settings.ending))
        self._file.put(dumps(["greeting", self.settings.greeting]) + b"\n")

    def record(self, name: str, doc: Document) -> None:
        self._file.put(dumps([name, doc]) + b"\n")

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None: ...

    def write_events(self, stream: Stream, page: Page) -> None: ...

    def sync(self) -> None:
        self._file.flush()

    def close(self, stop: Document | None) -> None:
        self._file.close()

    def abandon(self) -> None:
        self._file.abandon()


class LinesRecovery(Recovery):
    """Writes files anew that have no stop document."""

    def examine(self, path: Path) -> list[Found]:
        if not self.has_ending(path):
            return []
        documents = read(path)
        streams = {doc["uid"]: doc["name"] for name, doc in documents if name == "descriptor"}
        events = Counter(streams[doc["descriptor"]] for name, doc in documents if name == "event")
        has_stop = documents[-1][0] == "stop"
        return [
            Found(
                path,
                path.name.removesuffix(self.ending),
                documents[0][1]["uid"],
                events,
                has_stop,
                problem="" if has_stop else "its last line is missing",
            )
        ]

    def mend(self, path: Path, keep: Keep) -> str:
        whole = path.read_bytes().rpartition(b"\n")[0]
        with changing(path, keep) as part, part.open("r+b") as file:
            file.truncate(len(whole) + 1)
        return "cut half a line"

    def rebuild(self, path: Path, sources: Sequence[Source], keep: Keep) -> str:
        (source,) = sources
        keep(path)
        self.write_again(path, source, self.ending)
        return "written anew from the journal"


class LinesWriter(Writer):
    """Write every document of every run as a line of JSON."""

    format = "lines"
    file_class = LinesFile
    settings_class = LinesSettings

    @classmethod
    def recovery(cls) -> type[Recovery]:
        return LinesRecovery


FORMAT = FormatPlugin(LinesWriter, readers="any editor")


def read(path: Path) -> list[tuple[str, Any]]:
    """Return the documents of a file, as far as its lines are whole."""
    whole = path.read_text().rpartition("\n")[0].split("\n")
    return [(name, doc) for name, doc in map(json.loads, whole[1:])]
