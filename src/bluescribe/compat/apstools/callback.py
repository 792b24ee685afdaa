"""Callback: what the writers for NeXus and SPEC have in common. Overrides are called here."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from ...contract.attributes import KnownAttributes
from ...errors import BluescribeError, RecordingError
from ...recording.status import Status
from ...recording.writer import Writer
from .overrides import check_overrides
from .places import place_of
from .runs import Runs

__all__ = ["Callback"]

logger = logging.getLogger(__name__)

Document = dict[str, Any]
_NOT_IN_METADATA = ("scan_id", "time", "uid")
_NOTHING = object()


class Callback(KnownAttributes, ABC):
    """A callback for a RunEngine, with the state of apstools' ``FileWriterCallbackBase``.

    What an override of one of its methods raises is logged, and costs neither run nor file.
    """

    _instead: ClassVar[str]
    """How the user of a subclass gives what takes the place of refused overrides."""

    uid: Any
    scan_id: Any
    plan_name: Any
    metadata: dict[str, Any]
    detectors: list[str]
    positioners: list[str]
    streams: dict[str, list[str]]
    externals: dict[str, Document]
    scanning: bool
    start_time: Any
    stop_time: Any
    stop_reason: Any
    exit_status: Any
    doc_timestamp: Any

    def __init__(self) -> None:
        self._file_name: Path | None = None
        self._file_path: Path | None = None
        self._begun: Any = None
        self._passed: Any = None
        self._runs = Runs()
        self.clear()
        self._hears_events = type(self).event is not Callback.event
        self._writer = self._make_writer()
        self._writer.on_complete(self._runs.report)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse overrides that nobody would call.

        Raises
        ------
        DefinitionError
            It names what takes their place.
        """
        super().__init_subclass__(**kwargs)
        if cls.__module__.rpartition(".")[0] != __package__:
            check_overrides(cls, cls._instead)

    @property
    def file_name(self) -> Path | None:
        """The file of the next runs; None has them named by `make_file_name`."""
        return self._file_name

    @file_name.setter
    def file_name(self, value: str | Path | None) -> None:
        self._file_name = None if value is None else self._checked(Path(value))

    @property
    def file_path(self) -> Path | None:
        """The folder of the next runs; None for the working directory of each."""
        return self._file_path

    @file_path.setter
    def file_path(self, value: str | Path | None) -> None:
        self._file_path = None if value is None else self._checked(Path(value))

    def receiver(self, key: str, doc: Document) -> None:
        """Receive a document; it is what ``RE.subscribe`` gets."""
        if key == "start":
            self._begin(doc)
        elif not self._runs:
            return
        elif key == "event" and not self._hears_events:  # nearly all are, and each costs the scan
            self._writer(key, doc)
        else:
            self.doc_timestamp = doc.get("time")
            self._hear(key, doc)
            if self._passed is not doc:
                self._pass_on(key, doc)
            self._passed = None

    def clear(self) -> None:
        """Forget what is known of the last run."""
        self.uid = self.scan_id = self.plan_name = None
        self.metadata, self.streams, self.externals = {}, {}, {}
        self.detectors, self.positioners = [], []
        self.scanning = False
        self.start_time = self.stop_time = self.stop_reason = self.exit_status = None
        self.doc_timestamp = None

    def start(self, doc: Document) -> None:
        """Take in what a start document says.

        An override that does not call this leaves the run out. What it makes of ``metadata``
        stands in the file.
        """
        self.clear()
        self._begun = doc.get("uid")
        self.uid, self.plan_name = doc.get("uid"), doc.get("plan_name", "")
        self.scan_id, self.start_time = doc.get("scan_id") or 0, doc.get("time")
        self.doc_timestamp, self.scanning = self.start_time, True
        self.detectors = doc.get("detectors", [])
        self.positioners = doc.get("positioners") or doc.get("motors", [])
        self.metadata = {key: doc[key] for key in doc if key not in _NOT_IN_METADATA}

    def descriptor(self, doc: Document) -> None:
        """Take in which stream a descriptor declares."""
        self.streams.setdefault(str(doc.get("name")), []).append(str(doc.get("uid")))

    def event(self, doc: Document) -> None:
        """Take in an event; for subclasses."""

    def resource(self, doc: Document) -> None:
        """Take in what an external file is."""
        self.externals[str(doc.get("uid"))] = dict(doc, _document_type_="resource")

    def datum(self, doc: Document) -> None:
        """Take in a part of an external file; for subclasses."""

    def stop(self, doc: Document) -> None:
        """Take in how the run ended; when this returns, its file is complete, but for images."""
        self.exit_status, self.stop_time = doc.get("exit_status"), doc.get("time")
        self.stop_reason = doc.get("reason", "not available")
        self.scanning = False
        self._passed = doc
        self._pass_on("stop", doc)

    def status(self) -> Status:
        """Tell what is being written, what was, what waits and what failed."""
        return self._writer.status()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was received is on disk; see `Writer.flush`."""
        return self._writer.flush(timeout)

    def close(self) -> None:
        """Finish every file; nothing is written any more."""
        self._writer.close()

    @abstractmethod
    def _make_writer(self) -> Writer:
        """Return what writes the files."""

    @abstractmethod
    def _settings_of_run(self, start: Document) -> Mapping[str, Any]:
        """Return the settings of the run that starts, as the attributes say."""

    def _checked(self, path: Path) -> Path:
        """Return a path that runs can go to.

        Raises
        ------
        ConfigError
            They cannot.
        """
        self._writer.settings.changed(place_of(path))
        return path

    def _begin(self, doc: Document) -> None:
        self._begun = _NOTHING
        try:
            self.start(doc)
        except Exception as error:
            self._tell("start", error)
            Callback.start(self, doc)
        if self._begun != doc.get("uid"):  # as in apstools, an override may leave runs out
            return
        start = self._with_metadata(doc)
        self._change(start)
        self._runs.begin(str(doc.get("uid")))
        self._writer("start", start)

    def _change(self, start: Document) -> None:
        try:
            self._writer.change_silently(**self._settings_of_run(start))
        except BluescribeError as error:
            logger.error(  # noqa: TRY400  # the message says all
                "%s: %s. The run goes to the working directory, under a name of bluescribe's.",
                type(self).__name__,
                error,
            )
            self._writer.change_silently()

    def _with_metadata(self, doc: Document) -> Document:
        """Return the start document with what an override of `start` made of the metadata."""
        said = {key: doc[key] for key in doc if key not in _NOT_IN_METADATA}
        is_same = said.keys() == self.metadata.keys() and all(
            self.metadata[key] is value for key, value in said.items()
        )
        if is_same:
            return doc
        return {**self.metadata, **{key: doc[key] for key in _NOT_IN_METADATA if key in doc}}

    def _hear(self, key: str, doc: Document) -> None:
        if key not in ("descriptor", "event", "resource", "datum", "stop"):
            return
        try:
            getattr(self, key)(doc)
        except RecordingError:  # its owner asked to be stopped
            raise
        except Exception as error:
            self._tell(key, error)

    def _pass_on(self, key: str, doc: Document) -> None:
        if key == "stop":
            self._runs.end(str(doc.get("run_start")))
        self._writer(key, doc)

    def _asked(self, hook: Callable[[], Any]) -> Any:
        """Return what an override gives; None if it fails."""
        try:
            return hook()
        except Exception as error:
            self._tell(getattr(hook, "__name__", "a hook"), error)
            return None

    def _tell(self, name: str, error: Exception) -> None:
        logger.error(  # called where something was raised
            "%s.%s() failed; the run is written without what it would have done",
            type(self).__name__,
            name,
            exc_info=error,
        )
