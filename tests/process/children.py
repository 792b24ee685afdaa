"""Sessions whose files are written by processes, and what can be done to these."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bluescribe import subscribe_writers
from bluescribe.session.writers import Writers
from bluescribe.testing.shapes.engine import recording

FORMATS = ("nexus", "hdf5", "tiff", "dx")
"""Those that open HDF5 files."""
PATIENCE = 60.0


def processes(*, of: int = 0) -> list[int]:
    """Return the processes that write for this one, or for another; 1 has those of the dead."""
    mine = str(of or os.getpid())
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes()
            parent_of = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:  # it has ended meanwhile
            continue
        if b"bluescribe.recording.process" in words and parent_of == mine:
            found.append(int(folder.name))
    return sorted(found)


def strike(number: int = signal.SIGKILL) -> int:
    """Send a signal to all processes of this one; return how many there were."""
    found = processes()
    for pid in found:
        os.kill(pid, number)
    return len(found)


def eventually(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@contextmanager
def writing(
    folder: Path, formats: tuple[str, ...] = FORMATS, **shared: Any
) -> Iterator[tuple[Any, Writers, list[Any]]]:
    """Write what a RunEngine emits."""
    shared = {"DIRECTORY": str(folder), "DRAIN_TIMEOUT": PATIENCE, **shared}
    blocks = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in formats}
    with recording() as (engine, documents):
        writers = subscribe_writers(engine, {"DATA_FILES": shared, **blocks})
        yield engine, writers, documents
        writers.close()
