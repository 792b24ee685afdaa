"""A part of the manifest: what one worker notes of one batch of runs, in a file of its own.

Workers on several machines cannot append to one file: NFS keeps one of two lines that are written
at the same time. Each batch has a part, which its worker locks for as long as it lives. A worker
that gets the batch of one that died goes on from there, and waits while that one is not dead yet.
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...files import Folder
from ...files.system import lock_file
from .crew import WorkerError
from .manifest import Manifest, lines_in
from .report import ExportedRun

__all__ = ["OF_PART", "PARTS", "Part", "results_in", "seconds_in", "worker_of"]

PARTS = ".bluescribe-export.parts"
"""The folder of the parts, beside the manifest."""

OF_PART = frozenset({"worker", "try", "result", "over"})
"""Kinds of lines that stand in parts only."""

_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 60.0
"""How long a worker waits for another one that has its batch and was thought to be dead."""


class Part(Manifest):
    """The part of a batch, locked; who sends the batch has made the file.

    Parameters
    ----------
    folder
        Where the export goes.
    name
        Of the part.
    shared
        Of each format whose files take several runs, the files that are continued and their bytes.

    Raises
    ------
    FolderError
        Nothing can be written there.
    WorkerError
        Another worker has it and does not let go, or the batch is over.
    """

    def __init__(self, folder: Path, name: str, shared: Mapping[str, Mapping[str, int]]) -> None:
        self._name, self._shared = name, shared
        self.tries: Counter[int] = Counter()
        """How often each run of the batch was begun."""
        self.results: dict[int, dict[str, Any]] = {}
        """What became of the runs that are over, by their places in the plan."""
        super().__init__(folder)
        self._write(["worker", socket.gethostname(), str(os.getpid())])

    def try_run(self, index: int, uid: str) -> None:
        """Note that a run will be written now."""
        self._write(["try", uid, "", index])

    def end(self, seconds: float) -> None:
        """Note that all runs are over, and how long they took."""
        self._write(["over", "", "", seconds])

    def give(self, index: int, result: ExportedRun) -> None:
        """Note what became of a run."""
        said = {
            "files": {name: list(map(str, paths)) for name, paths in result.files.items()},
            "failures": result.failures,
            "discrepancies": result.discrepancies,
            "events": result.events,
            "bytes": result.bytes,
        }
        self._write(["result", result.uid, "", index, said])

    def _opened(self, out: Path) -> tuple[Path, int]:
        path = out / PARTS / self._name
        try:
            folder = Folder(path.parent)
            return path, folder.open(path.name, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:  # Dask carries out again what a worker had that died afterwards
            raise WorkerError(f"{path} is over, and is not written again") from None

    def _take(self, kind: str, key: tuple[str, str], *rest: Any) -> None:
        if kind == "try":
            self.tries[rest[0]] += 1
        elif kind == "result":
            self.results[rest[0]] = rest[1]
        else:
            super()._take(kind, key, *rest)

    def _read(self) -> None:
        self._wait_for_lock()
        for name, files in self._shared.items():
            self._main[name] = dict.fromkeys(files)
            self._sizes |= files
        super()._read()

    def _wait_for_lock(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                lock_file(self._fd)
            except BlockingIOError:
                if time.monotonic() < deadline:
                    time.sleep(_PAUSE_SECONDS)
                    continue
                self.close()
                raise WorkerError(
                    f"{worker_of(self.path.read_bytes())} was thought to be dead, and still has "
                    f"{self.path}: end it"
                ) from None
            except OSError:  # a file system without locks
                pass
            return


def worker_of(text: bytes) -> str:
    """Return which process wrote a part."""
    found = [line for line in lines_in(text) if line[0] == "worker"]
    return f"process {found[-1][2]} on {found[-1][1]}" if found else "a worker"


def seconds_in(text: bytes) -> float:
    """Return how long the runs of a part took; 0 if that is not known."""
    return sum(float(rest[0]) for kind, _, _, *rest in lines_in(text) if kind == "over")


def results_in(text: bytes) -> Iterator[tuple[int, ExportedRun]]:
    """Yield what became of the runs of a part, with their places in the plan."""
    for kind, uid, _, *rest in lines_in(text):
        if kind == "result":
            index, said = rest
            yield (
                index,
                ExportedRun(
                    uid,
                    "",
                    files={name: list(map(Path, paths)) for name, paths in said["files"].items()},
                    failures=said["failures"],
                    discrepancies=tuple(said["discrepancies"]),
                    events=said["events"],
                    bytes=said["bytes"],
                ),
            )
