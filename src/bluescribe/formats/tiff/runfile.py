"""One run in TIFF: the file, or files, that its documents go into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...assets.announced import Announced
from ...assets.asset import Asset, Frames
from ...assets.hdf5 import reader  # noqa: F401  # h5py is imported before a scan, not in one
from ...assets.images import may_be_images
from ...assets.kinds import is_tiff
from ...contract.post_run import Work
from ...contract.runfile import RunFile
from ...files import Place, replacing
from ...files.job_note import Note
from ...files.json_text import dumps, strict
from ...files.run_paths import claim, clean
from ...files.write_lock import Hold
from ...model.run import Descriptor, Document, Page, Run, Stream
from .copying import TiffCopy, ToCopy
from .left import broken_copies, copied_fields, read_list, with_copies
from .settings import TiffSettings
from .stream import LIST, StreamImages

__all__ = ["TiffFile"]


class TiffFile(RunFile[TiffSettings]):
    """The images of one run, and the list of them."""

    _hold: Hold | None = None
    _images: list[str]
    _fields: list[ToCopy]

    @property
    def places(self) -> list[Place]:
        """The list, and the images."""
        return [
            *super().places,
            *(self._list.with_name(name) for name in getattr(self, "_images", ())),
        ]

    def files(self) -> list[Path]:
        """Return the list, then the images; copies that were broken off are gone again."""
        folder = self._list.parent
        return [*self.paths, *(path for name in self._images if (path := folder / name).exists())]

    def open(self, run: Run) -> None:
        """Make the list; it decides the name that all files of the run begin with."""
        self._run = run
        self._streams: dict[str, StreamImages] = {}
        self._has_news = False
        self._images = []
        self._list = self.claim(run, LIST)
        self._external = Announced(self._list.parent)
        self._describe("recording", None)

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Note a new stream."""
        if stream.name not in self._streams:
            self._streams[stream.name] = self._images_of(stream)
        self._has_news = True

    def write_events(self, stream: Stream, page: Page) -> None:
        """Write the images among the values; they are on disk at once."""
        self._has_news = True
        self._streams[stream.name].append(page)

    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Note a file that the list has to name."""
        self._has_news = True
        self._external.add(stream, field, asset, frames)

    def sync(self) -> None:
        """Write the list anew when it has something new to say."""
        if self._has_news:
            self._describe("recording", None)

    def close(self, stop: Document | None) -> None:
        """Write the list for the last time."""
        self._stop = stop
        self._fields = self._to_copy() if self.settings.images == "copy" else []
        if self._fields:
            self.owe("tiff", self._run, self._list, "its images are copied", self._noted)
        self._describe_finished()
        self._let_go()

    def afterwards(self) -> Work | None:
        """Return what copies images, if that is wanted and there are some."""
        return self._copies(self._describe_finished) if self._fields else None

    def take_up(self, note: Note) -> Work:
        """Return what copies the images that an earlier process has not copied."""
        told = note.about
        self._list = note.file
        self._run = Run.from_note(told["run"])
        left = read_list(Path(note.file))
        if left is None or left["uid"] != self._run.uid:
            raise OSError(f"{note.file} is not the list of {self._run.label}")
        self._external = Announced(note.file.parent)
        self._external.take_in(told["links"], self._run.streams, self.locate)
        self._streams = {s.name: self._images_of(s) for s in self._run.streams.values()}
        self._images = []
        done = copied_fields(left)
        self._fields = [f for f in self._to_copy() if (f.images.stream, f.images.field) not in done]
        for broken in broken_copies(note.file.path, left, done, self.settings.ending):
            self._list.with_name(broken.name).remove()
        return self._copies(self._describe_copies)

    def _noted(self) -> dict[str, Any]:
        return {"run": self._run.noted(), "links": self._external.noted()}

    def _copies(self, describe: Callable[[], None]) -> Work:
        return TiffCopy(
            self._fields,
            self._claim_image,
            self._list,
            settings=self.settings,
            describe=describe,
            patience=self.patience,
        )

    def _images_of(self, stream: Stream) -> StreamImages:
        return StreamImages(self._run, stream, self._external, self._claim_image, self.settings)

    def _to_copy(self) -> list[ToCopy]:
        """Return the fields that have images in files, but for those that are TIFF already."""
        return [
            ToCopy(
                self._streams[i.stream],
                replace(i, one_by_one=True),
                self._external.told(i.stream, i.field)[0],
            )
            for i in self._external.of_fields()
            if i.assets and all(may_be_images(a.shape) and not is_tiff(a.spec) for a in i.assets)
        ]

    def _describe_finished(self) -> None:
        self._describe("never stopped" if self._stop is None else "complete", self._stop)

    def _describe_copies(self) -> None:
        """Add to the list of an earlier process what was copied since."""
        left = read_list(Path(self._list))
        if left is None:
            raise OSError(f"{self._list} is not the list of {self._run.label} any more")
        with replacing(self._list) as new:
            new.write(dumps(with_copies(left, self._streams.values())) + b"\n")

    def abandon(self) -> None:
        """Let go of the list: each page is whole, and no file is open."""
        self._let_go()

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.release()

    def _describe(self, state: str, stop: Document | None) -> None:
        streams = self._streams.values()
        told = {
            "uid": self._run.uid,
            "state": state,
            "start": strict(self._run.start),
            "stop": strict(stop),
            **({"discrepancies": list(self.discrepancies)} if self.discrepancies else {}),
            "streams": [images.description() for images in streams],
            "left_out": [entry for images in streams for entry in images.omissions()],
        }
        with replacing(self._list) as new:
            new.write(dumps(told) + b"\n")
        self._has_news = False
        if state == "recording":
            self._let_go()
            self._hold = Hold(self._list)  # the list is another file each time

    def _claim_image(self, stream: str, field: str, ending: str) -> Place:
        stem = self._list.name.removesuffix(LIST)
        parts = [stem, clean(stream), clean(field), *([ending] if ending else [])]
        image = claim(self._list.with_name("-".join(parts)), self.settings.ending)
        self._images.append(image.name)
        return image
