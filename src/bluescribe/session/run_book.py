"""Where the files of each run of a session are, for people who look for them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..contract.held_run import HeldRun
from ..contract.report import RunReport
from ..recording.tables import Column, Table
from ..recording.writer import Writer

__all__ = ["RunBook", "RunFiles", "RunsFound"]

_KEPT = 1_000
_UID = 7
"""Characters of a uid that names of files have, by default."""


class RunFiles(Mapping[str, tuple[Path, ...]]):
    """The files of one run by format, absolute, the main one of each first; prints as a table."""

    def __init__(self, start: Mapping[str, Any]) -> None:
        self.about = HeldRun(Path(), "", start)
        """What is known of the run: ``scan_id``, ``uid``, ``plan``, ``sample``, ``began``."""
        self._files: dict[str, tuple[Path, ...]] = {}

    def take(self, format_name: str, paths: Iterable[Path]) -> None:
        """Take in the files that it has in a format by now."""
        if found := tuple(paths):
            self._files[format_name] = found

    def __getitem__(self, name: str) -> tuple[Path, ...]:
        """Return the files of a format."""
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the formats that have files."""
        return iter(self._files)

    def __len__(self) -> int:
        """Return the number of formats that have files."""
        return len(self._files)

    @property
    def label(self) -> str:
        """What messages call the run."""
        return f"run {self.about.uid[:7]} (scan {self.about.scan_id or 0})"

    @property
    def line(self) -> str:
        """All main files in one line: the first one whole, of others what differs."""
        words: list[str] = []
        first: Path | None = None
        for path in self._main_files():
            stem = "" if first is None else first.name.partition(".")[0]
            if first is None:
                first = path
                words.append(str(path))
            elif path.parent == first.parent and path.name.startswith(f"{stem}."):
                words.append(path.name.removeprefix(stem))
            else:
                words.append(path.name if path.parent == first.parent else str(path))
        return f"{self.label}: {', '.join(words) or 'no files'}"

    def _main_files(self) -> list[Path]:
        """Return the main file of each format; those that are called alike stand first."""
        paths = [paths[0] for paths in list(self._files.values())]
        alike = Counter(path.name.partition(".")[0] for path in paths)
        uid = self.about.uid[:_UID]

        def order(path: Path) -> tuple[Any, ...]:
            return -alike[path.name.partition(".")[0]], uid not in path.name, len(path.name), path

        return sorted(paths, key=order)

    def _table(self) -> Table:
        rows = [(name, str(path)) for name, paths in self._files.items() for path in paths]
        return Table([Column("format"), Column("file")], rows, title=self._title())

    def _title(self) -> str:
        about = self.about
        began = about.began.strftime("%Y-%m-%d %H:%M:%S") if about.began else ""
        sample = f"sample {about.sample}" if about.sample else ""
        return "  ".join(filter(None, [self.label, about.plan, began, sample]))

    def __str__(self) -> str:
        """Return a table, a file a line."""
        return str(self._table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._table().html()


class RunsFound(list[RunFiles]):
    """Runs that somebody looked for, the oldest first; prints as their tables."""

    def __str__(self) -> str:
        """Return a table for each run."""
        return "\n\n".join(map(str, self)) or "no such run"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "".join(run._repr_html_() for run in self) or "<p>no such run</p>"


class RunBook:
    """The latest runs of a session and their files.

    It is told on the threads of the writers, and asked on others. It does not know the writers.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, RunFiles] = {}

    def follow(self, writer: Writer) -> None:
        """Take in what a writer makes from now on."""
        name = writer.format

        def begun(start: Mapping[str, Any], paths: Sequence[Path]) -> None:
            self._of(start).take(name, paths)

        def complete(report: RunReport) -> None:
            self._of(report.start).take(name, report.files)

        writer.tell_of_begun(begun)
        writer.on_complete(complete)

    def begin(self, start: Any) -> None:
        """Enter a run that begins, whether it will have files or not."""
        if isinstance(start, Mapping) and isinstance(start.get("uid"), str):
            self._of(start)

    def of(self, uid: str) -> RunFiles | None:
        """Return the files of a run; None if it is not known."""
        return self._runs.get(uid)

    def runs(self) -> list[RunFiles]:
        """Return the runs, the oldest first."""
        with self._lock:
            return list(self._runs.values())

    def _of(self, start: Mapping[str, Any]) -> RunFiles:
        uid = str(start.get("uid"))
        with self._lock:
            found = self._runs.setdefault(uid, RunFiles(start))
            while len(self._runs) > _KEPT:
                del self._runs[next(iter(self._runs))]
        return found
