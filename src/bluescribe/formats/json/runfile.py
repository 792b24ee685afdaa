"""One run in JSON: the file, or files, that its documents go into."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from ...assets.asset import Asset, Frames
from ...contract.runfile import RunFile
from ...files import part_beside
from ...files.json_text import dumps, strict
from ...model.run import Descriptor, Document, Page, Run, Stream
from .dataset import StreamDataset, unique
from .settings import JsonSettings
from .spool import SPOOL, Spool

__all__ = ["JsonFile"]


_METADATA = "metadata"


_READING = [
    "xarray.Dataset.from_dict(document[stream]) makes a dataset of a stream; document[stream]"
    '["timestamps"] is one too: when each value was read, in epoch seconds.',
    "NaN and infinities are null, and the attribute not_finite of a variable names each: [row, "
    "(element...), text]. A null that it does not name is a value that is missing.",
    "Where an attribute says encoding, each value is JSON text: arrays of several shapes, values "
    "of several types, structures.",
    "In metadata and structures, numbers that are not finite are the texts NaN, Infinity and "
    "-Infinity.",
    "The attribute external of a stream names the files that hold values which are not here.",
]


class JsonFile(RunFile[JsonSettings]):
    """The document of one run."""

    _spool: Spool

    @property
    def paths(self) -> list[Path]:
        """The document once it is there; until then its temporary file."""
        return super().paths[-1:]

    def open(self, run: Run) -> None:
        """Make the temporary file."""
        self._run = run
        self._streams: dict[str, StreamDataset] = {}
        self._descriptors: list[Document] = []
        self._spool = Spool(self.claim(run, f"{self._ending}{SPOOL}"), run.uid)

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Begin the dataset of a new stream."""
        self._streams.setdefault(stream.name, StreamDataset(stream, self._spool))
        self._descriptors.append(descriptor.doc)

    def write_events(self, stream: Stream, page: Page) -> None:
        """Add rows to the stream's dataset."""
        self._streams[stream.name].append(page)

    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Note a file that the dataset has to name."""
        self._streams[stream.name].link(field, asset)

    def sync(self) -> None:
        """Write what waits to the temporary file."""
        self._spool.flush()

    def close(self, stop: Document | None) -> None:
        """Write the document beside its place; when it is whole, it goes there."""
        self._spool.flush()
        with part_beside(self._spool.place) as part:
            with part.open("r+b") as new, self._spool.place.open() as columns:
                new.writelines(self._text(stop, columns))
                new.flush()
                os.fsync(new.fileno())
            part.replace(self.claim(self._run, self._ending))
        self._spool.remove()

    def abandon(self) -> None:
        """Leave the temporary file: no document is better than half of one."""
        if hasattr(self, "_spool"):
            self._spool.abandon()

    @property
    def _ending(self) -> str:
        return self.settings.ending

    def _text(self, stop: Document | None, columns: BinaryIO) -> Iterator[bytes]:
        metadata = {
            "start": strict(self._run.start),
            "stop": strict(stop),
            "descriptors": strict(self._descriptors),
            **({"discrepancies": list(self.discrepancies)} if self.discrepancies else {}),
            "reading": _READING,
        }
        yield b'{\n"metadata": ' + _indented(metadata)
        taken = {_METADATA}
        for stream, dataset in self._streams.items():
            name = unique(stream, taken)
            taken.add(name)
            yield b",\n" + dumps(name) + b": "
            yield from dataset.text(columns)
        yield b"\n}\n"


def _indented(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except TypeError:  # an integer beyond 64 bits, a lone surrogate
        return dumps(value)
