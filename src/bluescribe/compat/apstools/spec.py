"""SpecWriterCallback and SpecWriterCallback2: scans appended to the file that is named."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from ...errors import ConfigError
from ...formats.spec import SpecWriter
from .callback import Callback, Document
from .comments import KEYS, SPEC_TIME_FORMAT, dated, none, said_at
from .console import remember

__all__ = [
    "SCAN_ID_RESET_VALUE",
    "SPEC_TIME_FORMAT",
    "SpecWriterCallback",
    "SpecWriterCallback2",
]

SCAN_ID_RESET_VALUE = 0


class SpecWriterCallback2(Callback):
    """Append every run to a SPEC file, as apstools' class of this name is used.

    Parameters
    ----------
    filename
        The file; None for one that is called by the time of this call.
    auto_write
        True: scans are written while they go on, and nobody has to ask for it.
    RE
        The RunEngine that counts on from the highest scan number of a file that exists, where
        `reset_scan_id` is given.
    reset_scan_id
        Whether it does.
    **settings
        Those of `SpecWriter` that no attribute gives, such as ``count_time``.

    Raises
    ------
    ConfigError
        A setting is unknown, `auto_write` is false, or the file is not a SPEC file.
    """

    file_extension: str = "dat"
    buffered_comments: dict[str, list[str]]
    """What was said between two runs; it stands in the next one."""
    comments: dict[str, list[str]]
    """What was said in the run that goes on, or was the last one."""
    RE: Any
    reset_scan_id: Any
    _instead: ClassVar[str] = "See the guide for users of apstools"

    def __init__(
        self,
        filename: str | Path | None = None,
        auto_write: bool = True,
        RE: Any = None,
        reset_scan_id: bool | int = False,
        **settings: Any,
    ) -> None:
        if not auto_write:
            raise ConfigError(
                f"{type(self).__name__}: auto_write=False has no use: a scan is written while it "
                "goes on. A callback that is not subscribed writes nothing"
            )
        self._settings = {"command": "apstools", **settings}
        self.RE, self.reset_scan_id = RE, reset_scan_id
        self.buffered_comments, self.comments = none(), none()
        super().__init__()
        self.spec_filename = filename
        if filename is not None and Path(filename).exists():
            has_to_count = RE is not None and reset_scan_id is not False
            self.newfile(filename, RE=RE if has_to_count else None)
        remember(self)

    @property
    def data_labels(self) -> list[str]:
        """Nothing: the labels of a scan are those in its ``#L``."""
        return []

    @property
    def spec_filename(self) -> Path:
        """The file that the next run goes into; set it to None for one called by the time."""
        name = self._file_name
        if name is None:
            name = self._file_name = self.make_default_filename()
        return name

    @spec_filename.setter
    def spec_filename(self, value: str | Path | None) -> None:
        self._file_name = self._checked(Path(value or self.make_default_filename()))

    @property
    def file_name(self) -> Path:
        """The same."""
        return self.spec_filename

    @file_name.setter
    def file_name(self, value: str | Path | None) -> None:
        self.spec_filename = value

    def make_default_filename(self) -> Path:
        """Return what a file is called for which no name is given."""
        return _by_time()

    def newfile(
        self,
        filename: str | Path | None = None,
        scan_id: int | bool | None = None,
        RE: Any = None,
    ) -> Path:
        """Go on in another file from the next run on; it is made when that begins.

        Parameters
        ----------
        filename
            The file; a relative path is one in the working directory of each run. One that exists
            is appended to. None for one that is called by the time.
        scan_id
            The last scan number, at least the highest one in the file. True stands for 0, and
            False for None.
        RE
            The RunEngine that counts on from there.

        Raises
        ------
        ConfigError
            The file is there and is not a SPEC file.
        """
        if not self._runs:
            self.clear()
        path = Path(filename or self.make_default_filename())
        highest = self._highest_in(path)
        self.spec_filename = path
        if isinstance(scan_id, bool):
            scan_id = SCAN_ID_RESET_VALUE if scan_id else None
        if highest is not None:
            scan_id = max(scan_id or 0, highest)
        if scan_id is not None and RE is not None:
            RE.md["scan_id"] = self.scan_id = scan_id
        return path

    def usefile(self, filename: str | Path) -> int:
        """Go on in a SPEC file that exists; return the highest scan number in it.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ConfigError
            It is not a SPEC file.
        """
        highest = self._highest_in(Path(filename))
        if highest is None:
            raise FileNotFoundError(f"file {filename} does not exist")
        self.spec_filename = filename
        return highest

    def comment(self, text: str, *, at_end: bool = False) -> None:
        """Write a comment between the points of the run; see `SpecWriter.comment`."""
        self._writer.control("comment", text=str(text), time=time.time(), at_end=at_end)

    def start(self, doc: Document) -> None:
        """Take in what a start document says."""
        super().start(doc)
        self.comments = none()

    def _cmt(self, key: str, text: str | None = None) -> str:
        """Write a comment that belongs to a kind of document; of a text alone return the line."""
        if text is None:
            return f"#C {dated(key, self.doc_timestamp or time.time())}"
        line = dated(text, time.time())
        if self._runs:
            self.comments[key].append(line)
            self.comment(text, at_end=key == "stop")
        else:
            self.buffered_comments[key].append(line)
        return f"#C {line}"

    def _begin(self, doc: Document) -> None:
        super()._begin(doc)
        if not self._runs:
            return
        waiting, self.buffered_comments = self.buffered_comments, none()
        for key in KEYS:
            self.comments[key] += waiting.get(key, [])
            for line in waiting.get(key, []):
                seconds, text = said_at(line)
                at_end = key == "stop"
                self._writer.control("comment", text=text, time=seconds, at_end=at_end)

    def _checked(self, path: Path) -> Path:
        self._writer.settings.changed({"append_to": str(path)})
        return path

    def _highest_in(self, path: Path) -> int | None:
        writer = self._writer
        assert isinstance(writer, SpecWriter)  # as `_make_writer` has made it
        highest = writer.highest_scan(self._below(path))
        return None if highest is None else max(0, highest)

    def _below(self, path: Path) -> Path:
        return (self.file_path or Path()) / path.expanduser()

    def _make_writer(self) -> SpecWriter:
        # each run has a name of its own; newfile() of this writer is refused where there is one
        return SpecWriter(append_to=_by_time(), **self._settings)

    def _settings_of_run(self, start: Document) -> dict[str, Any]:
        return {"append_to": str(self._below(self.spec_filename))}


class SpecWriterCallback(SpecWriterCallback2):
    """The same, by the older name."""


def _by_time() -> Path:
    return Path(f"{datetime.now():%Y%m%d-%H%M%S}.dat")  # noqa: DTZ005  # as apstools has it
