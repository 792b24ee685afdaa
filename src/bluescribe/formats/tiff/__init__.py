"""TIFF: the two-dimensional arrays of a run as stacks, for programs that want images.

One BigTIFF of many pages a field, which grows while the run goes on, or one file a frame. The
description of the first page is JSON: what is shown, its units, the start document; that of each
page has its seq_num. ``{name}.tiff.json`` names the files, and what is in none of them.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ...assets import Asset, Frames
from ...jsontext import dumps, strict
from ...paths import claim, clean
from ...run import Descriptor, Document, Page, Run, Stream
from ...settings import WriterSettings
from ...textfile import replacing
from ...writer import Writer
from ..base import RunFile
from .stream import StreamImages

__all__ = ["TiffFile", "TiffSettings", "TiffWriter"]

_LIST = ".tiff.json"


class TiffSettings(WriterSettings):
    """Settings of TIFF."""

    file_extension: str = Field("tif", description="Ending of the files' names, without the dot")
    one_file_a_frame: bool = Field(
        False, description="Give each image a file; by default a field's images are one stack"
    )


class TiffFile(RunFile[TiffSettings]):
    """The images of one run, and the list of them."""

    _images: list[str]

    def files(self) -> list[Path]:
        """Return the list, then the images."""
        return [*self.paths, *map(Path, self._images)]

    def open(self, run: Run) -> None:
        """Make the list; it decides the name that all files of the run begin with."""
        self._run = run
        self._streams: dict[str, StreamImages] = {}
        self._has_news = False
        self._images = []
        self.claim(run, _LIST)
        self._describe("recording", None)

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Note a new stream."""
        if stream.name not in self._streams:
            is_single = self.settings.one_file_a_frame
            images = StreamImages(self._run, stream, self._claim_image, one_file_a_frame=is_single)
            self._streams[stream.name] = images
        self._has_news = True

    def write_events(self, stream: Stream, page: Page) -> None:
        """Write the images among the values; they are on disk at once."""
        self._has_news = True
        self._streams[stream.name].append(page)

    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Note a file that the list has to name."""
        self._has_news = True
        self._streams[stream.name].link(field, asset)

    def sync(self) -> None:
        """Write the list anew when it has something new to say."""
        if self._has_news:
            self._describe("recording", None)

    def close(self, stop: Document | None) -> None:
        """Write the list for the last time."""
        self._describe("never stopped" if stop is None else "complete", stop)

    def abandon(self) -> None:
        """Do nothing: each page is whole, and no file is open."""

    def _describe(self, state: str, stop: Document | None) -> None:
        streams = self._streams.values()
        told = {
            "uid": self._run.uid,
            "state": state,
            "start": strict(self._run.start),
            "stop": strict(stop),
            "streams": [images.description() for images in streams],
            "left_out": [entry for images in streams for entry in images.omissions()],
        }
        with replacing(self.paths[0]) as new:
            new.write(dumps(told) + b"\n")
        self._has_news = False

    def _claim_image(self, stream: str, field: str, ending: str) -> Path:
        path = self.paths[0]
        stem = path.name.removesuffix(_LIST)
        parts = [stem, clean(stream), clean(field), *([ending] if ending else [])]
        extension = f".{self.settings.file_extension}".rstrip(".")
        image = claim(path.with_name("-".join(parts)), extension)
        self._images.append(str(image))  # a third of the memory that a path takes
        return image


class TiffWriter(Writer):
    """Write the two-dimensional arrays of every run as TIFF, one stack a field.

    The stacks grow while the run goes on. What is no image is named in a list beside them.
    """

    format = "tiff"
    file_class = TiffFile
    settings_class = TiffSettings
    interval = 0.5
