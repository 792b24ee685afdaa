"""Sessions that die, and the next ones, which finish what those left."""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bluescribe import subscribe_writers
from bluescribe.session.subscribe import make_writers
from bluescribe.session.writers import Writers
from bluescribe.spool.folder import left_folders
from bluescribe.spool.home import known_homes
from bluescribe.testing.contract import received
from bluescribe.testing.shapes.engine import recording
from tests import warm
from tests.contracts import CONTRACTS
from tests.export.files import differences
from tests.process.children import eventually, processes
from tests.readers import dx
from tests.system.faults.instrument import FORMATS

__all__ = [
    "FORMATS",
    "TOP",
    "adopted",
    "age",
    "check",
    "check_as_undisturbed",
    "iconfig",
    "left",
    "next_session",
    "session",
    "told",
]

TOP = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


def iconfig(
    folder: str | Path, formats: Sequence[str] = FORMATS, /, **shared: Any
) -> dict[str, Any]:
    """Return the settings of a session; those of one format by its name in small letters."""
    own = {name: shared.pop(name, {}) for name in formats}
    switches = {f"{name.upper()}_DATA_FILES": {"ENABLE": True, **own[name]} for name in formats}
    return {"DATA_FILES": {"DIRECTORY": str(folder), **shared}, **switches}


def session(
    place: Path, config: dict[str, Any], *steps: str, cwd: Path = TOP
) -> list[tuple[str, Any]]:
    """Have a process of its own take these steps (`tests.system.dying`); return its documents."""
    record = place / "told"
    command = [sys.executable, "-m", "tests.system.dying", str(record), json.dumps(config), *steps]
    done = warm.run(command, cwd=cwd, timeout=PATIENCE, check=False, capture_output=True)
    expected = -signal.SIGKILL if steps[-1] == "kill" else 0
    assert done.returncode == expected, done.stderr.decode()
    eventually(lambda: not processes(of=1))  # they close their files, and end
    documents: list[tuple[str, Any]] = pickle.loads(record.read_bytes())
    return documents


@contextmanager
def next_session(config: dict[str, Any], *, is_adopted: bool = True) -> Iterator[Writers]:
    """Begin a session here, which adopts what is left, and end it."""
    with recording() as (engine, _), subscribe_writers(engine, config) as writers:
        if is_adopted:
            adopted()
        yield writers


def adopted(timeout: float = PATIENCE) -> None:
    """Wait until all is done that a session does in the background when it begins."""
    for name in ("bluescribe-begins", "bluescribe-adopts", "bluescribe-incomplete"):
        for thread in [thread for thread in threading.enumerate() if thread.name == name]:
            thread.join(timeout)
            assert not thread.is_alive(), f"{name} goes on"


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was told since the last time, warnings and worse."""
    records = [record for record in caplog.records if record.name.startswith("bluescribe")]
    messages = [r.getMessage() for r in records if r.levelno >= logging.WARNING]
    caplog.clear()
    return messages


def age(folder: Path) -> None:
    """Have files be of some time ago: what was changed just now is not told of as cut short."""
    then = time.time() - 60
    for path in folder.rglob("*"):
        os.utime(path, (then, then))


def left(spool: Path | None = None) -> list[Path]:
    """Return the folders of spools that are there."""
    return [path for home in known_homes(spool) for path in left_folders(home)]


def check(folder: Path, documents: Any, formats: Sequence[str] = FORMATS) -> None:
    """Fail unless all runs are whole in all formats, once, and nothing else is there."""
    for name in formats:
        try:
            _check(folder, documents, name)
        except AssertionError as error:
            error.add_note(f"in {name}, of {sorted(path.name for path in folder.iterdir())}")
            raise


def _check(folder: Path, documents: Any, name: str) -> None:
    if name != "dx":
        CONTRACTS[name]().check_runs(CONTRACTS[name]().read_back(folder), documents)
        return
    found = [(run.uid, run.seq_num["primary"], run.stop) for run in dx.read_folder(folder)]
    expected = [(r.uid, r.seq_num["primary"], r.stop) for r in received(documents)]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def check_as_undisturbed(folder: Path, documents: Any, config: dict[str, Any]) -> None:
    """Fail unless the files are those of a session that nothing happened to."""
    other = folder.with_name(f"{folder.name} undisturbed")
    shared = {**config["DATA_FILES"], "DIRECTORY": str(other)}
    with make_writers({**config, "DATA_FILES": shared}) as writers:
        for name, doc in documents:
            writers(name, doc)
    for path in folder.rglob("*.damaged*"):
        path.unlink()
    for path in folder.glob(".recover-*"):  # of a killed process, until they are a minute old
        shutil.rmtree(path)
    found = [name for name in differences(other, folder) if not _has_headers(folder / name)]
    assert not found, found


def _has_headers(path: Path) -> bool:
    """Tell whether a SPEC file has a scan that was written anew behind others, with a header.

    Its times are counted from there: what is in it is compared by its contract.
    """
    return path.suffix == ".dat" and path.is_file() and path.read_bytes().count(b"#F ") > 1
