"""One run in raw HDF5: the file, or files, that its documents go into."""

from __future__ import annotations

import logging
from typing import Any

import h5py

from ...assets.asset import Asset, Frames
from ...contract.runfile import RunFile
from ...hdf5.documents import Documents
from ...hdf5.file import LiveFile, write_node
from ...hdf5.joined import join_files, not_joined
from ...hdf5.links import AssetLinks
from ...hdf5.names import unique_name
from ...hdf5.objects import set_attribute
from ...hdf5.removal import remove
from ...hdf5.room import telling_of_system
from ...model.run import Descriptor, Document, Page, Run, Stream
from .columns import StreamColumns
from .default import set_default
from .settings import Hdf5Settings

__all__ = ["Hdf5File"]


logger = logging.getLogger(__name__)


class Hdf5File(RunFile[Hdf5Settings]):
    """The raw HDF5 file of one run."""

    _file: LiveFile

    @telling_of_system
    def open(self, run: Run) -> None:
        """Make the file with the start document."""
        if hasattr(self, "_file"):  # a try that failed
            self._file.abandon()
        place = self.claim(run, self.settings.ending)
        self._run = run
        self._streams: dict[str, StreamColumns] = {}
        self._links = AssetLinks(place.parent)
        self._unlinked: set[tuple[str, str]] = set()
        """Fields that have a new file whose link is not written yet: a disk may refuse it."""
        settings = self.settings
        self._file = LiveFile(place, is_live=settings.live, compression=settings.compression)
        self._documents = Documents(self._file, "/metadata")
        for key, value in self._root_attributes().items():
            set_attribute(self._file.h5, key, value)
        self._file.h5.require_group("streams")
        self._documents.put("start", run.start)

    def record(self, name: str, doc: Document) -> None:
        """Keep the documents of external data as they came."""
        if name in ("resource", "stream_resource"):
            self._documents.add(name, doc)
        elif name in ("datum", "datum_page"):
            self._documents.add_datum(name, doc)

    @telling_of_system
    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Write the descriptor, and the group of a new stream."""
        self._documents.add("descriptor", descriptor.doc)
        if stream.name not in self._streams:
            taken = self._file.plain()["streams"]
            group = taken.create_group(unique_name(stream.name, taken))
            set_attribute(group, "stream", stream.name)
            columns = StreamColumns(self._file, group.name, self._run, stream)
            self._streams[stream.name] = columns

    @telling_of_system
    def write_events(self, stream: Stream, page: Page) -> None:
        """Append rows to the stream's columns."""
        if self._streams[stream.name].append(page):
            self._file.go_live()  # at once: readers wait

    @telling_of_system
    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Link an external file from the field's group."""
        if self._links.add(stream, field, asset, frames):
            self._unlinked.add((stream.name, field))
        if (stream.name, field) not in self._unlinked:
            return
        group = self._file.plain()[self._streams[stream.name].group_of(field)]
        if "value" in group and "value" not in self._links.nodes(stream, field):
            remove(group, "value")  # a second file: each has a link with a number now
        for name, node in self._links.nodes(stream, field).items():
            write_node(group, name, node)
        self._unlinked.discard((stream.name, field))

    @telling_of_system
    def sync(self) -> None:
        """Let others see what was written."""
        self._documents.write()
        self._file.go_live()
        self._file.flush()

    @telling_of_system
    def close(self, stop: Document | None) -> None:
        """Write the stop document and leave an ordinary HDF5 file."""
        self._documents.write()
        h5 = self._file.plain()
        self._file.make_last_room()
        for stream, field, name, frames in self._links.frame_nodes():
            write_node(h5[self._group_of(stream, field)], name, frames)
        for images, error in join_files(h5, self._links, self._group_of, self._tell_of_images):
            self._tell_of_images(not_joined(images, error))
        if stop is not None:
            self._documents.put("stop", stop)
        if self.discrepancies:
            set_attribute(h5, "discrepancies", list(self.discrepancies))
        set_default(h5, self._run, self._streams.values())
        self._file.finish()
        for path in self._links.missing():
            self._tell_of_images(
                f"links {path}, which is not there (yet). If the file is elsewhere, move it or "
                "this one so that the relative link holds, or set PATH_MAP."
            )

    def abandon(self) -> None:
        """Let go of the file; what was flushed is in it."""
        if hasattr(self, "_file"):
            self._file.abandon()

    def _group_of(self, stream: str, field: str) -> str:
        return self._streams[stream].group_of(field)

    def _tell_of_images(self, message: str) -> None:
        logger.warning("hdf5: %s: %s", self._run.label, message)

    def _root_attributes(self) -> dict[str, Any]:
        return {
            "creator": "bluescribe Hdf5Writer",
            "h5py_version": h5py.version.version,
            "uid": self._run.uid,
            "title": self._run.title,
            "plan_name": self._run.plan_name,
        }
