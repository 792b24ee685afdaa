"""One run in one NeXus file, readable while the run goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import h5py

from ...assets.images import Images
from ...contract.hooks import call_hook
from ...contract.post_run import Shortfall, Work
from ...files.job_note import Note
from ...files.json_text import dumps
from ...hdf5.compression import compression_options
from ...hdf5.images.joined import join_files, not_joined
from ...hdf5.names import unique_name
from ...hdf5.nodes import write_node
from ...hdf5.objects import new_attributes, set_attribute
from ...hdf5.parts.divided import DividedRunFile
from ...hdf5.parts.pieces import Where
from ...hdf5.preallocate import telling_of_system
from ...hdf5.runfile import Unjoined
from ...hdf5.tree import Dataset
from ...model.run import Descriptor, Document, Run, Stream
from .copying import NexusCopy, Show
from .entryviews import EntryViews
from .joining import LateJoin
from .master import Master
from .metadata import (
    BLUESKY,
    IMAGES,
    WHERE,
    configuration_group,
    entry_group,
    stop_nodes,
    stream_group,
)
from .owing import Finished, Owed, noted
from .settings import NexusSettings
from .table import StreamTable

__all__ = ["NexusFile"]

logger = logging.getLogger(__name__)

_NEXUS_RELEASE = "v2026.01"
_TIMES_TEXT = 20
"""A group or a value is so many times as large as its text in a document, or less."""


class NexusFile(DividedRunFile[NexusSettings, StreamTable]):
    """The NeXus file of one run."""

    documents_group: ClassVar[str] = f"{BLUESKY}/documents"
    where: ClassVar[Where] = WHERE
    _owed = Owed()

    def _write_start(self, run: Run) -> None:
        self._master = Master.of(run, self.settings)
        self._views = EntryViews(run, self.settings, self._tables, self._links)
        self._write_root()
        write_node(self._file.h5, "entry", entry_group(run, self._title(run)))
        if self.settings.images == "copy":  # a file that is written anew is to be like this one
            set_attribute(self._file.h5[BLUESKY], IMAGES, "copy")

    def title(self, run: Run) -> str:
        """Return what ``/entry/title`` says; for subclasses to change."""
        return run.title

    if TYPE_CHECKING:  # an override may take the entry alone, or the run, too
        extend: Callable[..., None]
    else:

        def extend(self, entry: h5py.Group, run: Run | None = None) -> None:
            """Add to a finished entry, just before its file is closed; for subclasses.

            Parameters
            ----------
            entry
                ``/entry`` of the open file, with all that was measured. An exception that is raised
                here is logged, and the file is finished without what it would have added.
            run
                The run: ``run.start``, ``run.plan_name``, ``run.streams`` and their fields. It is
                always given; a subclass that takes the entry alone goes on working.
            """

    @telling_of_system
    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Write the descriptor, its devices' configuration, and the group of a new stream."""
        self.settings.tell_of_units(logger, self._run.label, descriptor.fields.values())
        self._file.make_room(_TIMES_TEXT * len(dumps(descriptor.doc)))
        super().add_descriptor(stream, descriptor)
        configuration = configuration_group(descriptor)
        if configuration.children:
            parent = self._file.plain()[BLUESKY].require_group("configuration")
            parent.attrs["NX_class"] = "NXcollection"
            write_node(parent, self._configuration_name(stream, descriptor), configuration)

    def _new_table(self, stream: Stream, descriptor: Descriptor) -> StreamTable:
        taken = self._file.plain()[f"{BLUESKY}/streams"]
        name = unique_name(stream.name, taken)
        write_node(taken, name, stream_group(stream, descriptor))
        return StreamTable(self._file, f"{BLUESKY}/streams/{name}", self._run, stream)

    def _group_of_links(self, stream: Stream, field: str) -> h5py.Group:
        self._views.has_news = True
        group = super()._group_of_links(stream, field)
        group.attrs["NX_class"] = "NXcollection"
        return group

    @telling_of_system
    def sync(self) -> None:
        """Let others see what was written."""
        self._write_views()
        super().sync()

    def _has_news(self) -> None:
        self._views.has_news = True

    def _show_news(self) -> None:
        self._write_views()

    def _write_end(self, h5: h5py.File, stop: Document | None, unjoined: Unjoined) -> None:
        if stop is not None:
            for path, node in stop_nodes(self._run, stop).items():
                parent, _, name = f"/entry/{path}".rpartition("/")
                write_node(h5[parent], name, node)
        if self.discrepancies:
            write_node(h5[BLUESKY], "discrepancies", Dataset("\n".join(self.discrepancies)))
        self._write_views(is_over=True)
        self._extend()
        self._late = [images for images, _ in unjoined] if self.settings.images == "link" else []
        self._note(is_stopped=stop is not None)

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
                    tell=self._warn_of_images,
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
        for images, error in join_files(h5, self._links, self._group_of, self._warn_of_images):
            self._warn_of_images(not_joined(images, error))
        self._views.write(h5["entry"], is_over=True)

    def _write_root(self) -> None:
        attributes = {
            "default": "entry",
            "file_name": self.paths[0].name,
            "file_time": datetime.now().astimezone().isoformat(),
            "creator": "bluescribe NexusWriter",
            "NeXus_release": _NEXUS_RELEASE,
            "HDF5_Version": h5py.version.hdf5_version,
            "h5py_version": h5py.version.version,
            **self.settings.root_attributes,
        }
        new_attributes(self._file.h5.id, attributes)

    def _configuration_name(self, stream: Stream, descriptor: Descriptor) -> str:
        """Name the first configuration of a stream like the stream, later ones with a number."""
        number = stream.descriptors.index(descriptor) + 1
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

    def _extend(self) -> None:
        if vars(NexusFile)["extend"] is not type(self).extend:
            self._put_down()  # what a subclass adds may be large
            self._file.make_last_room()
        try:
            call_hook(self.extend, self._file.h5["entry"], run=self._run)
        except Exception:
            logger.exception(
                "nexus: extend() of %s failed on %s. The file has all that was measured, and not "
                "what extend() adds.",
                type(self).__name__,
                self._run.label,
            )

    def _warn_of_images(self, message: str) -> None:
        if self.settings.images == "link":  # copying waits for them, and tells
            self.settings.tell(logger, f"{self._run.label}: {message}")


def _in_turn(works: Sequence[Work], give_up: threading.Event) -> list[Shortfall]:
    return [shortfall for work in works for shortfall in work(give_up)]
