"""The example run through each format, into a scratch folder beside the data, and read back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from ..config.configuration import WriterConfig
from ..contract.folders import existing_part
from ..contract.report import RunReport
from ..contract.settings import WriterSettings
from ..files.run_paths import fixed_part
from ..files.working_directory import working_directory
from ..recording.run_numbers import foresee
from ..recording.writer import Writer
from ..spool import Spool
from .example import VALUES, Example
from .folders import Folders
from .paths import escaped, mirrored
from .spool import scratch_spool
from .subject import Subject
from .verdict import Verdict, failed, ok, warning

__all__ = ["trial"]

_SECONDS = 20.0
"""How long all formats together are waited for: processes take some seconds on a busy computer."""


def trial(subject: Subject, folders: Folders, example: Example) -> Iterator[Verdict]:
    """Yield, for each format whose folder can be written, what became of an example run."""
    made = list(_made(subject, folders))
    tried = [one for one in made if isinstance(one, _Trial)]
    yield from (one for one in made if isinstance(one, Verdict))
    with ExitStack() as stack:
        settings = stack.enter_context(scratch_spool(subject.configuration.spool))
        spool = Spool(settings)
        for one in tried:
            stack.callback(one.writer.close)
            one.writer.follow(spool, is_adopted=False)
            one.writer.begin_early()
        for one in tried:
            stack.callback(one.writer.begin_to_close)  # of all, before the first is waited for
        writers = [one.writer for one in tried]
        start, wanted = example.start, [config.settings for config in subject.formats]
        foresee(start["uid"], start, wanted, working_directory())
        _play(writers, example)
        is_done = _wait([writer.request_flush() for writer in writers], subject)
    for one in tried:
        yield one.verdict(is_done=is_done)


def _wait(requests: list[threading.Event], subject: Subject) -> bool:
    """Wait until all that was asked for is done; return whether it is."""
    deadline = time.monotonic() + _SECONDS
    while not all(done.is_set() for done in requests) and time.monotonic() < deadline:
        next(done for done in requests if not done.is_set()).wait(0.1)
        subject.heed()
    return all(done.is_set() for done in requests)


def _made(subject: Subject, folders: Folders) -> Iterator[_Trial | Verdict]:
    """Make what is tried; of those whose folders cannot be written, a verdict that says so."""
    left_out = []
    for folder, configs in subject.folders.items():
        for config in configs:
            try:
                if folders.refuses(folder):
                    raise PermissionError
                yield _Trial(config, folders.scratch_in(_parent(config.settings)) / config.name)
            except OSError:
                left_out.append(config.name)
    if left_out:
        found = "not tried, as the folder cannot be written"
        yield failed(f"a run as {', '.join(left_out)}", found, "see the folder, above")


def _parent(settings: WriterSettings) -> Path:
    """Return the folder that exists already, in which that of the files is or will be."""
    fixed = fixed_part(str(settings.directory)).replace("{{", "{").replace("}}", "}")
    return existing_part(working_directory() / fixed)


def _play(writers: list[Writer], example: Example) -> None:
    for name, doc in example.documents():
        for writer in writers:
            if name == "start":
                writer.begin(doc, 0, working_directory())
            else:
                writer.post(name, doc)
            if name == "stop":
                writer.end(doc)


class _Trial:
    """One format that is tried.

    Parameters
    ----------
    config
        The format, with the settings of the session.
    scratch
        A folder that takes the place of the one of `DIRECTORY` that exists already.
    """

    def __init__(self, config: WriterConfig, scratch: Path) -> None:
        self._config = config
        self._parent = _parent(config.settings)
        parts = (working_directory() / config.settings.directory).parts[len(self._parent.parts) :]
        self._scratch = scratch
        settings = config.settings.changed(
            {
                **{name: _default(config.settings, name) for name in config.settings.of_instrument},
                "directory": str(Path(escaped(str(scratch)), *parts)),
                "roots": list(mirrored(config.settings, self._parent, scratch)),
                "on_error": "warn",
                "retry_seconds": 1.0,
                "low_space": 0,  # looked at before
            }
        )
        self.writer = WriterConfig(config.name, config.plugin, settings).make()
        self.writer.stand_aside()
        self._reports: list[RunReport] = []
        self.writer.on_complete(self._reports.append)

    def verdict(self, *, is_done: bool) -> Verdict:
        """Return what became of the run."""
        what = f"a run as {self._config.name}"
        status = self.writer.status()
        wrong = [*status.late, *status.failures, *(f for r in self._reports for f in r.failures)]
        if wrong:
            return failed(what, f"it is not written: {wrong[0].cause}", wrong[0].remedy)
        if not self._reports:
            cause = "its end has not come" if is_done else f"it took more than {_SECONDS:.0f} s"
            return failed(what, f"it is not written: {cause}", "look at the disk and its server")
        (report, *_) = self._reports
        if not report.files:
            found = "the format does not want the run that is tried: a scan with a small camera"
            return warning(what, found, "try it with a run of its own kind")
        return self._read(what, report)

    def _read(self, what: str, report: RunReport) -> Verdict:
        read_back = self._config.plugin.read_back
        if read_back is None:
            return ok(what, f"written; its format cannot be read back here. {self._place(report)}")
        try:
            held = read_back(report.files, self.writer.settings)
        except Exception as error:  # whatever a reader makes of a file
            found = f"{report.files[0].name} cannot be read back: {type(error).__name__}: {error}"
            return failed(what, found, "report this, please, with the settings of the format")
        compared = [name for name in VALUES if name in held]
        wrong = [name for name in compared if not _is_same(held[name], VALUES[name])]
        if wrong or not compared:
            found = f"{', '.join(wrong) or 'nothing'} reads back as it was measured"
            found = found if not wrong else found.replace("reads", "does not read")
            return failed(what, found, "report this, please, with the settings of the format")
        return ok(what, f"{', '.join(compared)} read back. {self._place(report)}")

    def _place(self, report: RunReport) -> str:
        """Say where such a run goes."""
        if (only := self._config.settings.elsewhere) is not None:
            return f"Such a run goes to {working_directory() / only}"
        main = report.files[0]
        place = self._parent / main.relative_to(self._scratch.resolve())
        more = f" and {len(report.files) - 1} more" if len(report.files) > 1 else ""
        return f"Such a run goes to {place}{more}"


def _default(settings: WriterSettings, name: str) -> Any:
    return type(settings).model_fields[name].get_default(call_default_factory=True)


def _is_same(found: Any, expected: Any) -> bool:
    return bool(np.array_equal(np.asarray(found), np.asarray(expected)))
