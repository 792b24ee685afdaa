"""NXWriter and NXWriterAPS: one NeXus file a run, where and as their attributes say."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from ...errors import ConfigError
from ...formats.nexus import NexusFile, NexusWriter
from .callback import Callback, Document
from .content import APS, GENERAL, merged, template_of
from .places import folder_of, place_of
from .resources import writer_class

__all__ = ["NEXUS_FILE_EXTENSION", "NEXUS_RELEASE", "NXWriter", "NXWriterAPS"]

NEXUS_FILE_EXTENSION = "hdf"
NEXUS_RELEASE = "v2026.01"
"""Of the definitions that our files follow; apstools has an older one."""
_TEMPLATE_KEY = "nxwriter_template"
_DECIDED = ("directory", "file_name", "file_extension", "signal", "axes", "warn_missing")


class NXWriter(Callback):
    """Write every run to a NeXus file, as apstools' class of this name is used.

    Parameters
    ----------
    **settings
        Those of `NexusWriter` that no attribute gives, such as ``content`` and ``images``. Images
        are copied into the file, as apstools does, where nothing is said.

    Raises
    ------
    ConfigError
        A setting is unknown, or an attribute of this class.
    """

    file_extension: str = NEXUS_FILE_EXTENSION
    instrument_name: str | None = None
    nexus_release: str = NEXUS_RELEASE
    nxdata_signal: str | None = None
    nxdata_signal_axes: list[str] | None = None
    template_key: str = _TEMPLATE_KEY
    warn_on_missing_content: bool | str = True

    content: Mapping[str, Any] = {}
    """Groups and fields by name, in the place of overrides of writing methods."""
    file_class: ClassVar[type[NexusFile]] = NexusFile
    """What writes a file: a subclass has the hooks ``extend(entry, run)``, ``title(run)``..."""

    _external_file_read_timeout: float = 20
    _external_file_read_retry_delay: float = 0.5
    _ways: ClassVar[Mapping[str, Any]] = GENERAL
    _instead = (
        "Such a subclass of NexusFile is named in file_class of this class, and content is an "
        "attribute of it; see the guide for users of apstools"
    )

    def __init__(self, **settings: Any) -> None:
        if found := [name for name in _DECIDED if name in settings]:
            raise ConfigError(
                f"{type(self).__name__}: {', '.join(found)} is said by attributes: file_path, "
                "file_name, file_extension, nxdata_signal, nxdata_signal_axes, "
                "warn_on_missing_content"
            )
        self._settings: dict[str, Any] = {"images": "copy", **settings}
        self._moved: dict[Path, Path] = {}
        """Where external files are, by where their documents say that they are."""
        super().__init__()

    @property
    def output_nexus_file(self) -> Path | None:
        """The file that was the last to be complete."""
        return self._runs.last_file

    @property
    def _writer_active(self) -> bool:
        return self._runs.is_writing

    def get_sample_title(self) -> str:
        """Return the title of a run that has none in its metadata; called when it starts."""
        return f"S{self.scan_id:04d}-{self.plan_name}-{self.uid[:7]}"

    def make_file_name(self) -> Path:
        """Return where a run goes for which ``file_name`` is not set; called when it starts."""
        started = datetime.fromtimestamp(self.start_time)  # noqa: DTZ006  # as apstools has it
        name = f"{started:%Y%m%d-%H%M%S}-S{self.scan_id:05d}-{self.uid[:7]}.{self.file_extension}"
        return (self.file_path or Path()) / name

    def getResourceFile(self, resource_id: str) -> Path:  # noqa: N802  # as apstools has it
        """Return where an external file is; for subclasses to change."""
        resource = self.externals[resource_id]
        return Path(resource.get("root", ""), resource["resource_path"])

    def get_stream_link(
        self, signal: str, stream: str | None = None, ref: str | None = None
    ) -> Any:
        """Refuse: there is nothing to link when a run starts.

        Raises
        ------
        NotImplementedError
            It says how ``content`` names a reading.
        """
        source = f"{stream or 'baseline'}/{signal}"
        raise NotImplementedError(
            f"there is nothing to link when a run starts: name it in content, for example "
            f'content = {{"/entry": {{"title": {source!r}}}}}'
        )

    def resource(self, doc: Document) -> None:
        """Take in what an external file is, and where an override says that it is."""
        super().resource(doc)
        if type(self).getResourceFile is not NXWriter.getResourceFile:
            said = NXWriter.getResourceFile(self, str(doc.get("uid")))
            self._moved[said] = Path(self.getResourceFile(str(doc.get("uid"))))

    def clear(self) -> None:
        """Forget what is known of the last run."""
        super().clear()
        for path in list(self._moved)[:-1000]:
            del self._moved[path]

    def wait_writer(self) -> None:
        """Wait until the files of all runs that have ended are complete, images included.

        Runs that are late because their disk is away are not waited for.
        """
        while self._is_worth_waiting:
            time.sleep(min(0.05, self._external_file_read_retry_delay))

    def wait_writer_plan_stub(self) -> Iterator[Any]:
        """Wait for the same in a plan."""
        from bluesky.utils import Msg

        while self._is_worth_waiting:
            seconds = min(0.05, self._external_file_read_retry_delay)
            yield Msg("sleep", None, seconds)  # type: ignore[no-untyped-call]  # bluesky

    @property
    def _is_worth_waiting(self) -> bool:
        return self._writer_active and not self.status().late

    def _make_writer(self) -> NexusWriter:
        overrides = type(self).getResourceFile is not NXWriter.getResourceFile
        kind = writer_class(self.file_class, self._moved if overrides else None)
        return kind(**self._settings)

    def _settings_of_run(self, start: Document) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "content": self._content_of_run(start),
            "root_attributes": self._root_attributes(),
            "signal": self.nxdata_signal,
            "axes": _names(self.nxdata_signal_axes),
            "warn_missing": self.warn_on_missing_content,
            "images_timeout": self._external_file_read_timeout,
        }
        if self.template_key != _TEMPLATE_KEY:
            said = template_of(start.get(self.template_key), self.template_key)
            settings["template"] = [*self._settings.get("template", []), *said]
        path = self.file_name or self._asked(self.make_file_name)
        if path:
            return settings | place_of(Path(path))
        return settings | {"directory": folder_of(self.file_path or Path())}

    def _content_of_run(self, start: Document) -> dict[str, Any]:
        said: dict[str, Any] = {}
        title = start.get("title") or self._asked(self.get_sample_title)
        if title:
            said["/entry"] = {"title": {"value": str(title)}}
        if self.instrument_name is not None:
            name = {"name": {"value": str(self.instrument_name)}}
            said["/entry/instrument:NXinstrument"] = name
        return merged(self._ways, said, self.content, self._settings.get("content", {}))

    def _root_attributes(self) -> dict[str, Any]:
        said = dict(self._settings.get("root_attributes", {}))
        if self.instrument_name is not None:
            said["instrument"] = str(self.instrument_name)
        if self.nexus_release != NEXUS_RELEASE:
            said["NeXus_release"] = str(self.nexus_release)
        return said


class NXWriterAPS(NXWriter):
    """The same with the source and the undulator of the APS, where the baseline has them."""

    _ways = APS


def _names(axes: str | list[str] | None) -> list[str]:
    return [axes] if isinstance(axes, str) else list(axes or [])
