"""Where is my file: what `Writers` answers, from this session and from the folders of its files."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..contract.attributes import KnownAttributes
from ..contract.held_run import HeldRun
from ..files.run_paths import fixed_part
from ..files.working_directory import working_directory
from ..recording.writer import Writer
from .run_book import RunBook, RunFiles, RunsFound

__all__ = ["Finding"]

logger = logging.getLogger(__name__)


class Finding(KnownAttributes):
    """The part of `Writers` that knows where the files of runs are."""

    _writers: dict[str, Writer]
    _book: RunBook

    def files(self, run: int | str = -1) -> RunFiles:
        """Return the files of a run of this session, by format; those that it has so far.

        Parameters
        ----------
        run
            -1 for the latest run, -2 for the one before it; else its scan number (the latest run
            of that number), or the beginning of its uid.

        Raises
        ------
        LookupError
            There is no such run in this session; `where` looks into folders, too.
        """
        runs = self._book.runs()
        if isinstance(run, int) and run < 0:
            found = runs[run:][:1] if len(runs) >= -run else []
        elif isinstance(run, int):
            found = [each for each in runs if each.about.scan_id == run][-1:]
        else:
            found = [each for each in runs if run and each.about.uid.startswith(run)][-1:]
        if not found:
            raise LookupError(
                f"no run {run!r} in this session, which has had {len(runs)}; "
                "writers.where(scan_id=...) looks into the folders of the files, too"
            )
        return found[0]

    def where(
        self,
        *,
        scan_id: int | None = None,
        uid: str | None = None,
        sample: str | None = None,
        **metadata: Any,
    ) -> RunsFound:
        """Return the runs that are as asked for, and their files.

        Those of this session; if there is none, those in the folders in which this session writes,
        of earlier sessions.

        Parameters
        ----------
        scan_id, uid, sample
            The scan number, the beginning of the uid, the name of the sample.
        **metadata
            Other keys of the start document, and their values.
        """
        wanted = {"scan_id": scan_id, "uid": uid, "sample": sample}
        asked = {name: value for name, value in wanted.items() if value is not None}
        found = [run for run in self._book.runs() if _is_as(run.about, asked, metadata)]
        return RunsFound(found or self._in_folders(asked, metadata))

    def _in_folders(self, asked: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[RunFiles]:
        from ..archive.listing import list_runs  # and all formats, which is seldom needed

        found: dict[str, RunFiles] = {}
        for folder in self._folders():
            try:
                listing = list_runs(folder, are_slow_left=True)
            except OSError as error:
                logger.info("%s cannot be looked into: %s", folder, error)
                continue
            for run in listing.runs:
                if _is_as(run.main, asked, metadata):
                    files = found.setdefault(run.main.uid, RunFiles(run.main.start))
                    for name, paths in run.files.items():
                        files.take(name, paths)
        return list(found.values())

    def _folders(self) -> list[Path]:
        """Return the folders that hold all files, without those that are in another one."""
        writers = self._writers.values()
        given = [path for w in writers for path in (w.directory, w.settings.directory)]
        folders = {working_directory() / fixed_part(str(path)) for path in given}
        return sorted(f for f in folders if not folders.intersection(f.parents))


def _is_as(about: HeldRun, asked: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """Tell whether a run is as somebody asks for."""
    is_so = (
        about.scan_id == asked.get("scan_id", about.scan_id)
        and about.uid.startswith(asked.get("uid", ""))
        and about.sample == asked.get("sample", about.sample)
    )
    return is_so and all(_is_same(about.start.get(k), value) for k, value in metadata.items())


def _is_same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except (ValueError, RecursionError):  # arrays have no single answer
        return False
