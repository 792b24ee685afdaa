"""One run in one NeXus file, readable while the run goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import h5py

from ...assets.asset import Asset, Frames
from ...assets.images import Images
from ...contract.post_run import Shortfall, Work
from ...contract.runfile import RunFile
from ...files.job_note import Note
from ...files.json_text import dumps
from ...hdf5.compression import compression_options
from ...hdf5.documents import Documents
from ...hdf5.file import LiveFile, write_node
from ...hdf5.joined import join_files, not_joined
from ...hdf5.links import AssetLinks
from ...hdf5.names import unique_name
from ...hdf5.objects import set_attribute
from ...hdf5.removal import remove
from ...hdf5.room import telling_of_system
from ...hdf5.tree import Dataset
from ...model.run import Descriptor, Document, Page, Run, Stream
from .copying import NexusCopy, Show
from .entryviews import EntryViews
from .joining import LateJoin
from .master import Master
from .metadata import BLUESKY, IMAGES, configuration_group, entry_group, stop_nodes, stream_group
from .owing import Finished, Owed, noted
from .settings import NexusSettings
from .table import StreamTable

__all__ = ["NexusFile"]

logger = logging.getLogger(__name__)

_NEXUS_RELEASE = "v2026.01"
_TIMES_TEXT = 20
"""A group or a value is so many times as large as its text in a document, or less."""


class NexusFile(RunFile[NexusSettings]):
    """The NeXus file of one run."""

    _file: LiveFile
    _owed = Owed()

    @telling_of_system
    def open(self, run: Run) -> None:
        """Make the file with all that the start document tells."""
        if hasattr(self, "_file"):  # a try that failed
            self._file.abandon()
        place = self.claim(run, self.settings.ending)
        self._place = place
        self._run = run
        self._master = Master.of(run, self.settings)
        self._tables: dict[str, StreamTable] = {}
        self._links = AssetLinks(place.parent)
        self._unlinked: set[tuple[str, str]] = set()
        """Fields that have a new file whose link is not written yet: a disk may refuse it."""
        self._views = EntryViews(run, self.settings, self._tables, self._links)
        self._file = LiveFile(
            place, is_live=self.settings.live, compression=self.settings.compression
        )
        self._documents = Documents(self._file, f"{BLUESKY}/documents")
        self._write_root()
        write_node(self._file.h5, "entry", entry_group(run, self._title(run)))
        if self.settings.images == "copy":  # a file that is written anew is to be like this one
            set_attribute(self._file.h5[BLUESKY], IMAGES, "copy")
        self._views.write(self._file.h5["entry"])

    def title(self, run: Run) -> str:
        """Return what ``/entry/title`` says; for subclasses to change."""
        return run.title

    def extend(self, entry: h5py.Group) -> None:
        """Add to a finished entry, just before its file is closed; for subclasses.

        Parameters
        ----------
        entry
            ``/entry`` of the open file, with all that was measured. An exception that is raised
            here is logged, and the file is finished without what it would have added.
        """

    def record(self, name: str, doc: Document) -> None:
        """Keep the documents of external data as they came."""
        if name in ("resource", "stream_resource"):
            self._documents.add(name, doc)
        elif name in ("datum", "datum_page"):
            self._documents.add_datum(name, doc)

    @telling_of_system
    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Write the descriptor, its devices' configuration, and the group of a new stream."""
        self.settings.tell_of_units(logger, self._run.label, descriptor.fields.values())
        self._file.make_room(_TIMES_TEXT * len(dumps(descriptor.doc)))
        self._documents.add("descriptor", descriptor.doc)
        h5 = self._file.plain()
        if stream.name not in self._tables:
            taken = h5[f"{BLUESKY}/streams"]
            name = unique_name(stream.name, taken)
            write_node(taken, name, stream_group(stream, descriptor))
            root = f"{BLUESKY}/streams/{name}"
            self._tables[stream.name] = StreamTable(self._file, root, self._run, stream)
        configuration = configuration_group(descriptor)
        if configuration.children:
            parent = h5[BLUESKY].require_group("configuration")
            parent.attrs["NX_class"] = "NXcollection"
            write_node(parent, self._configuration_name(stream), configuration)

    @telling_of_system
    def write_events(self, stream: Stream, page: Page) -> None:
        """Append rows to the stream's columns."""
        if self._tables[stream.name].append(page):
            self._views.has_news = True
            self._write_views()
            self._file.go_live()  # at once: readers wait

    @telling_of_system
    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Link an external file from the field's group."""
        if self._links.add(stream, field, asset, frames):
            self._unlinked.add((stream.name, field))
        if (stream.name, field) not in self._unlinked:
            return
        h5 = self._file.plain()
        group = h5.require_group(self._tables[stream.name].group_of(field))
        group.attrs["NX_class"] = "NXcollection"
        if field != group.name.rpartition("/")[2]:
            set_attribute(group, "data_key", field)
        if group.get("value", getlink=True) is not None and "value" not in self._nodes(
            stream, field
        ):
            remove(group, "value")  # a second file: each has a link with a number now
        for name, node in self._nodes(stream, field).items():
            write_node(group, name, node)
        self._unlinked.discard((stream.name, field))
        self._views.has_news = True

    @telling_of_system
    def sync(self) -> None:
        """Let others see what was written."""
        self._documents.write()
        self._write_views()
        self._file.go_live()
        self._file.flush()

    @telling_of_system
    def close(self, stop: Document | None) -> None:
        """Write what is known at the end and leave an ordinary HDF5 file."""
        self._file.make_last_room()
        self._documents.write()
        h5 = self._file.plain()
        self._links.may_open = True
        for stream, field, name, frames in self._links.frame_nodes():
            write_node(h5[self._group_of(stream, field)], name, frames)
        late = join_files(h5, self._links, self._group_of, self._tell_of_images)
        if stop is not None:
            for path, node in stop_nodes(self._run, stop).items():
                parent, _, name = f"/entry/{path}".rpartition("/")
                write_node(h5[parent], name, node)
        if self.discrepancies:
            write_node(h5[BLUESKY], "discrepancies", Dataset("\n".join(self.discrepancies)))
        self._write_views(is_over=True)
        self._extend(h5["entry"])
        self._late = [images for images, _ in late] if self.settings.images == "link" else []
        self._note(is_stopped=stop is not None)
        self._file.finish()
        self._tell_of_missing_files()

    def afterwards(self) -> Work | None:
        """Return what links the run in the master file, and copies its images or joins them."""
        works = self._works(self._show_copied)
        if self._late:
            works.append(
                LateJoin(
                    self._place,
                    self._late,
                    links=self._links,
                    join=self._join_late,
                    tell=self._tell_of_images,
                    patience=self.patience,
                )
            )
        return partial(_in_turn, works) if works else None

    def take_up(self, note: Note) -> Work:
        """Return what does that, in a file that an earlier process finished."""
        finished = Finished.read(note, self.settings, self.locate)
        self._place, self._run = note.file, finished.run
        self._owed = finished.owed
        return partial(_in_turn, self._works(finished.show))

    def _note(self, *, is_stopped: bool) -> None:
        """Find out what is to be done when the file is finished, and note it beside the file."""
        wants_images = self.settings.images == "copy"
        images = self._links.images(self._group_of) if wants_images else []
        self._owed = Owed(images, self._master if is_stopped else None)
        if self._owed:
            about = partial(noted, self._run, self._place, self._owed, self._links, self._tables)
            self.owe("nexus", self._run, self._place, self._owed.what, about)

    def _works(self, show: Show) -> list[Work]:
        works: list[Work] = []
        if self._owed.master is not None:
            master = self._owed.master
            works.append(partial(master.link, self._run, self._place, self.settings))
        if self._owed.images:
            works.append(
                NexusCopy(
                    self._place,
                    self._owed.images,
                    show=show,
                    patience=self.patience,
                    options=compression_options(self.settings.compression),
                )
            )
        return works

    def _join_late(self, h5: h5py.File) -> None:
        for images, error in join_files(h5, self._links, self._group_of, self._tell_of_images):
            self._tell_of_images(not_joined(images, error))
        self._views.write(h5["entry"], is_over=True)

    def abandon(self) -> None:
        """Let go of the file; what was flushed is in it."""
        if hasattr(self, "_file"):
            self._file.abandon()

    def _group_of(self, stream: str, field: str) -> str:
        return self._tables[stream].group_of(field)

    def _nodes(self, stream: Stream, field: str) -> dict[str, Any]:
        return self._links.nodes(stream, field)

    def _write_root(self) -> None:
        attributes = {
            "default": "entry",
            "file_name": self.paths[0].name,
            "file_time": datetime.now().astimezone().isoformat(),
            "creator": "bluescribe NexusWriter",
            "NeXus_release": _NEXUS_RELEASE,
            "HDF5_Version": h5py.version.hdf5_version,
            "h5py_version": h5py.version.version,
        }
        for name, text in attributes.items():
            set_attribute(self._file.h5, name, text)

    def _configuration_name(self, stream: Stream) -> str:
        """Name the first configuration of a stream like the stream, later ones with a number."""
        number = len(stream.descriptors)
        name = unique_name(stream.name, ())
        return name if number <= 1 else f"{name}:{number}"

    def _write_views(self, *, is_over: bool = False) -> None:
        """Write the links that readers look for, if there is something new to link."""
        if self._views.has_news or is_over:
            self._views.write(self._file.plain()["entry"], is_over=is_over)

    def _show_copied(self, h5: h5py.File, copied: Sequence[tuple[Images, tuple[int, ...]]]) -> None:
        """Lead the views of a copy of this file to images that are in it now."""
        for images, shape in copied:
            self._links.set_here(images, shape)
        self._views.write(h5["entry"], is_over=True)

    def _title(self, run: Run) -> str:
        try:
            return self.title(run)
        except Exception:
            logger.exception("nexus: title() of %s failed on %s", type(self).__name__, run.label)
            return run.title

    def _extend(self, entry: h5py.Group) -> None:
        try:
            self.extend(entry)
        except Exception:
            logger.exception(
                "nexus: extend() of %s failed on %s. The file has all that was measured, and not "
                "what extend() adds.",
                type(self).__name__,
                self._run.label,
            )

    def _tell_of_missing_files(self) -> None:
        for path in self._links.missing():
            self._tell_of_images(
                f"links {path}, which is not there (yet). If the file is elsewhere, move it or "
                "this one so that the relative link holds, or set PATH_MAP."
            )

    def _tell_of_images(self, message: str) -> None:
        if self.settings.images == "link":  # copying waits for them, and tells
            self.settings.tell(logger, f"{self._run.label}: {message}")


def _in_turn(works: Sequence[Work], give_up: threading.Event) -> list[Shortfall]:
    return [shortfall for work in works for shortfall in work(give_up)]
