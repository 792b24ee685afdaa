"""One run in raw HDF5: streams, and the documents as JSON text."""

from __future__ import annotations

import logging
from typing import ClassVar

import h5py

from ...hdf5.images.joined import not_joined
from ...hdf5.names import unique_name
from ...hdf5.objects import set_attribute
from ...hdf5.parts.divided import DividedRunFile
from ...hdf5.parts.pieces import Where
from ...hdf5.runfile import Unjoined
from ...model.run import Descriptor, Document, Run, Stream
from .default import set_default
from .settings import Hdf5Settings
from .table import WHERE, StreamColumns

__all__ = ["Hdf5File"]

logger = logging.getLogger(__name__)


class Hdf5File(DividedRunFile[Hdf5Settings, StreamColumns]):
    """The raw HDF5 file of one run."""

    documents_group: ClassVar[str] = "/metadata"
    where: ClassVar[Where] = WHERE

    def _write_start(self, run: Run) -> None:
        attributes = {
            "creator": "bluescribe Hdf5Writer",
            "h5py_version": h5py.version.version,
            "uid": run.uid,
            "title": run.title,
            "plan_name": run.plan_name,
        }
        for key, value in attributes.items():
            set_attribute(self._file.h5, key, value)
        self._file.h5.require_group("streams")
        self._documents.put("start", run.start)

    def _new_table(self, stream: Stream, descriptor: Descriptor) -> StreamColumns:
        taken = self._file.plain()["streams"]
        group = taken.create_group(unique_name(stream.name, taken))
        set_attribute(group, "stream", stream.name)
        return StreamColumns(self._file, group.name, self._run, stream)

    def _write_end(self, h5: h5py.File, stop: Document | None, unjoined: Unjoined) -> None:
        for images, error in unjoined:
            self._warn_of_images(not_joined(images, error))
        if stop is not None:
            self._documents.put("stop", stop)
        if self.discrepancies:
            set_attribute(h5, "discrepancies", list(self.discrepancies))
        set_default(h5, self._run, self._tables.values())

    def _warn_of_images(self, message: str) -> None:
        logger.warning("hdf5: %s: %s", self._run.label, message)
