"""One run in one NeXus file, readable while the run goes on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import h5py
import numpy as np
from pydantic import Field as Setting
from pydantic import NonNegativeFloat

from ...afterwards import Work
from ...assets import Asset, Frames
from ...jsontext import dumps
from ...run import Descriptor, Document, Field, Page, Run, Stream
from ...settings import WriterSettings
from ..base import RunFile
from .column import Column
from .copying import ImageCopy
from .file import LiveFile, set_attribute, write_node
from .images import Images
from .joined import join_files
from .links import AssetLinks
from .metadata import (
    BLUESKY,
    configuration_group,
    document,
    entry_group,
    stop_nodes,
    stream_group,
)
from .names import nexus_name, unique_name
from .table import StreamTable
from .tree import Dataset, Group
from .views import grid_plot_group, instrument_groups, log_group, plot_group

__all__ = ["NexusFile", "NexusSettings"]

logger = logging.getLogger(__name__)

_NEXUS_RELEASE = "v2026.01"


class NexusSettings(WriterSettings):
    """Settings of NeXus files."""

    file_extension: str = Setting("hdf", description="Ending of the files' names, without the dot")
    live: bool = Setting(
        True,
        description="Let others read while the run goes on (SWMR); false for old readers and NFS",
    )
    warn_missing: bool = Setting(
        True,
        description="Warn when a run ends whose external files cannot be found",
    )
    images: Literal["link", "copy"] = Setting(
        "link",
        description="Link images that are in files of their own, or copy them after the run",
    )
    images_timeout: NonNegativeFloat = Setting(
        60.0,
        description="Seconds for which files are waited for that are to be copied",
    )


class NexusFile(RunFile[NexusSettings]):
    """The NeXus file of one run."""

    _file: LiveFile

    def open(self, run: Run) -> None:
        """Make the file with all that the start document tells."""
        path = self.claim(run, f".{self.settings.file_extension}")
        self._run = run
        self._tables: dict[str, StreamTable] = {}
        self._datums: list[Document] = []
        self._documents: dict[str, int] = {}
        self._views: list[tuple[str, str]] = []
        self._has_new_views = self._is_over = False
        self._links = AssetLinks(path.parent)
        self._file = LiveFile(path, is_live=self.settings.live)
        self._datum_column = Column(
            self._file,
            f"{BLUESKY}/documents",
            "datum",
            declared=Field("datum"),
            attrs={"text_format": "json"},
            rows_expected=256,
        )
        self._write_root()
        write_node(self._file.h5, "entry", entry_group(run))

    def record(self, name: str, doc: Document) -> None:
        """Keep the documents of external data as they came."""
        if name in ("resource", "stream_resource"):
            self._write_document(name, doc)
        elif name in ("datum", "datum_page"):
            dumps(doc)  # one that cannot be written is refused now: the stop must not fail for it
            self._datums.append(doc if name == "datum" else {"datum_page": doc})

    def add_descriptor(self, stream: Stream, descriptor: Descriptor) -> None:
        """Write the descriptor, its devices' configuration, and the group of a new stream."""
        self._write_document("descriptor", descriptor.doc)
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

    def write_events(self, stream: Stream, page: Page) -> None:
        """Append rows to the stream's columns."""
        if self._tables[stream.name].append(page):
            self._has_new_views = True
            self._write_views()
            self._file.go_live()  # at once: readers wait

    def link_assets(self, stream: Stream, field: str, asset: Asset, frames: Frames | None) -> None:
        """Link an external file from the field's group."""
        if not self._links.add(stream, field, asset, frames):
            return
        h5 = self._file.plain()
        group = h5.require_group(self._tables[stream.name].group_of(field))
        group.attrs["NX_class"] = "NXcollection"
        if field != group.name.rpartition("/")[2]:
            set_attribute(group, "data_key", field)
        if group.get("value", getlink=True) is not None and "value" not in self._nodes(
            stream, field
        ):
            del group["value"]  # a second file: each has a link with a number now
        for name, node in self._nodes(stream, field).items():
            write_node(group, name, node)
        self._has_new_views = True

    def sync(self) -> None:
        """Let others see what was written."""
        self._write_datums()
        self._write_views()
        self._file.go_live()
        self._file.flush()

    def close(self, stop: Document | None) -> None:
        """Write what is known at the end and leave an ordinary HDF5 file."""
        self._write_datums()
        h5 = self._file.plain()
        for stream, field, name, frames in self._links.frame_nodes():
            write_node(h5[self._group_of(stream, field)], name, frames)
        may_warn = self.settings.warn_missing and self.settings.images == "link"
        join_files(h5, self._links, self._group_of, self._run.label if may_warn else None)
        self._is_over = self._has_new_views = True  # grids are complete, ranks of images known
        self._write_views()
        self._write_ends_of_baseline()
        if stop is not None:
            for path, node in stop_nodes(self._run, stop).items():
                parent, _, name = f"/entry/{path}".rpartition("/")
                write_node(h5[parent], name, node)
        self._file.close()
        if may_warn:
            self._warn_of_missing()

    def afterwards(self) -> Work | None:
        """Return what copies the images, if that is wanted and there are some."""
        images = self._links.images(self._group_of) if self.settings.images == "copy" else []
        if not images:
            return None
        return ImageCopy(
            self.paths[0],
            images,
            show=self._show_copied,
            timeout=self.settings.images_timeout,
            options={},
        )

    def abandon(self) -> None:
        """Let go of the file; what was flushed is in it."""
        if hasattr(self, "_file"):
            self._file.abandon()

    def _group_of(self, stream: str, field: str) -> str:
        return self._tables[stream].group_of(field)

    def _show_copied(self, h5: h5py.File, copied: Sequence[tuple[Images, int]]) -> None:
        """Lead the views of a copy of this file to images that are in it now."""
        for images, rank in copied:
            self._links.set_here(images, rank)
        self._show_views(h5["entry"])

    def _nodes(self, stream: Stream, field: str) -> dict[str, Any]:
        return self._links.nodes(stream, field)

    def _write_root(self) -> None:
        attrs = self._file.h5.attrs
        attrs["default"] = "entry"
        attrs["file_name"] = self.paths[0].name
        attrs["file_time"] = datetime.now().astimezone().isoformat()
        attrs["creator"] = "bluescribe NexusWriter"
        attrs["NeXus_release"] = _NEXUS_RELEASE
        attrs["HDF5_Version"] = h5py.version.hdf5_version
        attrs["h5py_version"] = h5py.version.version

    def _write_document(self, name: str, doc: Document) -> None:
        number = self._documents.get(name, 0) + 1
        write_node(self._file.plain()[f"{BLUESKY}/documents"], f"{name}_{number}", document(doc))
        self._documents[name] = number

    def _configuration_name(self, stream: Stream) -> str:
        """Name the first configuration of a stream like the stream, later ones with a number."""
        number = len(stream.descriptors)
        name = unique_name(stream.name, ())
        return name if number <= 1 else f"{name}:{number}"

    def _write_datums(self) -> None:
        if not self._datums:
            return
        block = self._datum_column.fit(self._datums)
        if block is None:
            self._file.plain()
            block = self._datum_column.make_fit(self._datums)
        self._datum_column.append(block)
        self._datum_column.advance(block)
        self._datums = []

    def _write_views(self) -> None:
        """Write the links that readers look for, if there is something new to link."""
        if not self._has_new_views:
            return
        self._show_views(self._file.plain()["entry"])
        self._has_new_views = False

    def _show_views(self, entry: h5py.Group) -> None:
        while self._views:  # they may be of columns that have been made anew since
            parent, name = self._views.pop()
            if name in entry[parent]:
                del entry[parent][name]
        for table in self._tables.values():
            log = log_group(self._run, table)
            if log:
                self._show(entry, nexus_name(table.stream.name, {*_ENTRY_NAMES, *entry}), log)
        primary = self._run.primary
        if primary is not None and primary.name in self._tables:
            self._write_primary_views(entry, self._tables[primary.name])

    def _write_primary_views(self, entry: h5py.Group, table: StreamTable) -> None:
        plot = plot_group(self._run, table, self._links)
        if self._is_over and plot:
            plot = grid_plot_group(self._run, table, self._links, entry.file) or plot
        if plot:
            self._show(entry, "data", plot)
        for name, group in instrument_groups(self._run, table, self._links).items():
            self._show(entry["instrument"], name, group)

    def _show(self, parent: h5py.Group, name: str, group: Group) -> None:
        """Write a view, and remember it: before they are written again, all are taken away."""
        self._views.append((parent.name, name))
        write_node(parent, name, group)

    def _write_ends_of_baseline(self) -> None:
        """Put the first and the last reading of each baseline field where it is easy to take."""
        for table in self._tables.values():
            if not table.stream.is_baseline:
                continue
            for field in table.stream.fields:
                column = table.column(field)
                if column is None or not column.rows:
                    continue
                values = self._file.h5[column.path]
                group = values.parent
                for name, row in (("value_start", 0), ("value_end", -1)):
                    write_node(group, name, Dataset(np.asarray(values[row]), _copied(values)))

    def _warn_of_missing(self) -> None:
        for path in self._links.missing():
            logger.warning(
                "nexus: %s links %s, which is not there (yet). If the file is elsewhere, "
                "move it or this one so that the relative link holds.",
                self._run.label,
                path,
            )


_ENTRY_NAMES = ("data", "instrument", "title", "user", "sample")


def _copied(dataset: h5py.Dataset) -> dict[str, Any]:
    """Return the attributes that tell what a value is."""
    return {k: dataset.attrs[k] for k in ("units", "source", "precision") if k in dataset.attrs}
