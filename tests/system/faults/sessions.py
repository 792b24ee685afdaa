"""Sessions that may die or hang: each in a forked child, which is killed with all it started.

``python -m tests.system.faults.sessions`` imports everything once. For each line of JSON from its
standard input it forks a session, and answers with a line: its exit status, null for one that had
to be killed. What the session has to say it pickles to the file ``told`` of the line.
"""

from __future__ import annotations

import atexit
import faulthandler
import json
import logging
import os
import pickle
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import bluesky.plan_stubs as bps
import epics  # type: ignore[import-untyped]
import h5py

from bluescribe import subscribe_writers
from bluescribe.formats import load_format
from bluescribe.session.writers import Writers
from bluescribe.testing.shapes.engine import recording
from tests.system.faults import instrument

PATIENCE = 30.0
ENDINGS = {"nexus": ".hdf", "hdf5": ".h5", "dx": ".dx.h5"}
"""Of the formats that HDF5 writes."""


def scan(at: dict[int, Callable[[], object]], points: int = 8) -> Any:
    """Take points with an image each; call what is told before some of them."""
    detector = instrument.Detector(has_array=True, has_image=True)
    yield from bps.open_run({"plan_name": "count"})
    for n in range(points):
        if n in at:
            at[n]()
        yield from bps.trigger_and_read([detector])
    yield from bps.close_run()


@contextmanager
def writing(
    folder: Path, formats: list[str], retry_seconds: float = 5.0
) -> Iterator[tuple[Any, Writers, Any]]:
    """Write what a RunEngine emits."""
    shared = {"DIRECTORY": str(folder), "RETRY_SECONDS": retry_seconds, "DRAIN_TIMEOUT": PATIENCE}
    switches = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in formats}
    with recording() as (engine, documents):
        writers = subscribe_writers(engine, {"DATA_FILES": shared, **switches})
        yield engine, writers, documents
        writers.close()


def strike(call: str, number: int, part: str) -> Path:
    """Have the next call on such a file refused, or delayed: see refuse.c."""
    order = Path(os.environ["REFUSE_DIR"], call)
    part_way = order.with_suffix(".new")
    part_way.write_text(f"{number} {part}")
    return part_way.rename(order)


def refused(folder: Path, formats: list[str], call: str, errno: int) -> Any:
    """Have the disk refuse one call of HDF5 in the middle of a run; measure another after it."""
    with writing(folder, formats) as (engine, writers, documents):

        def refuse() -> None:
            writers.flush(PATIENCE)
            strike(call, errno, ENDINGS[formats[0]])

        engine(scan({5: refuse}))
        engine(scan({}))
    return documents


def closed(folder: Path, formats: list[str], part: str, errno: int) -> Any:
    """Have the system tell at a closing, once, that what was written is lost.

    Returns the documents, how many runs have failed, and which files are empty.
    """
    with writing(folder, formats, retry_seconds=0.3) as (engine, writers, documents):

        def refuse() -> None:
            writers.flush(PATIENCE)
            strike("close", errno, part)

        engine(scan({5: refuse}))
        writers.flush(PATIENCE)
        (status,) = writers.status().values()
        empty = [path.name for path in folder.iterdir() if not path.stat().st_size]
        before = len(documents)
        engine(scan({}))
    return documents[:before], documents[before:], len(status.failures), empty


def viewed(folder: Path, formats: list[str]) -> Any:
    """Open the file with plain h5py, as silx and nexusformat do, as soon as that is possible.

    It is when a writer in this process has closed it: another thread may be the next that has its
    turn. It looks in between, too, for a writer in another process.
    """
    held: list[h5py.File] = []
    close = h5py.File.close

    def view() -> None:
        for path in folder.glob(f"*{ENDINGS[formats[0]]}"):
            with suppress(Exception):
                held.append(h5py.File(path, "r"))

    def closed(file: h5py.File) -> None:
        close(file)
        if not held:
            view()

    h5py.File.close = closed
    with writing(folder, formats) as (engine, writers, documents):
        engine(three_streams(writers, view))
    return documents


def three_streams(writers: Writers, view: Callable[[], object]) -> Any:
    """Begin streams while the run goes on: for each, its file is closed and opened again."""
    detector = instrument.Detector(has_array=False, has_image=True)
    yield from bps.open_run({})
    for stream in ("primary", "flat", "dark"):
        yield from bps.trigger_and_read([detector], name=stream)
        writers.flush(PATIENCE)
        view()
    yield from bps.close_run()


def away(folder: Path, formats: list[str]) -> Any:
    """Have the folder away when a run begins, and back when the writers are tired of trying."""
    retry_seconds = 0.2
    with writing(folder, formats, retry_seconds) as (engine, writers, documents):
        folder.rmdir()
        folder.write_text("the mount is away")
        engine(scan({}))
        deadline = time.monotonic() + 15 * retry_seconds
        while time.monotonic() < deadline and not all(s.late for s in writers.status().values()):
            time.sleep(retry_seconds)
        folder.unlink()
        folder.mkdir()
        writers.flush(PATIENCE)
        engine(scan({}))
    return documents


def forks(folder: Path, formats: list[str], number: int = 8) -> Any:
    """Fork where runs begin; return how the children ended, each of which writes a run too."""
    ends = []
    with recording() as (engine, documents):
        engine(scan({}, 2))
    for _ in range(number):
        with ExitStack() as all_of_them:
            writers = [all_of_them.enter_context(load_format(f)(folder)) for f in formats]
            for writer in writers:
                writer(*documents[0])
            child = os.fork()
            if not child:
                _write(folder / "child", formats, documents)
                os._exit(0)
            pidfd = os.pidfd_open(child)
            if not select.select([pidfd], [], [], PATIENCE)[0]:
                os.kill(child, signal.SIGKILL)
            os.close(pidfd)
            ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return ends


def _write(folder: Path, formats: list[str], documents: Any) -> None:
    for name in formats:
        with load_format(name)(folder) as writer:
            for document in documents:
                writer(*document)


def forked(folder: Path, formats: list[str]) -> Any:
    """Fork while HDF5 waits for the disk; tell how long that took."""
    took = []

    def fork() -> None:
        writers.flush(PATIENCE)
        order = strike("pwrite", -2, ENDINGS[formats[0]])
        threads.append(threading.Thread(target=wait, args=(order,)))
        threads[0].start()

    def wait(order: Path) -> None:
        while order.exists():
            time.sleep(0.001)
        began = time.monotonic()
        child = os.fork()
        if not child:
            os._exit(0)
        took.append(time.monotonic() - began)
        os.waitpid(child, 0)

    threads: list[threading.Thread] = []
    with writing(folder, formats) as (engine, writers, _):
        engine(scan({5: fork}))
        threads[0].join()
    return took[0]


SESSIONS: dict[str, Callable[..., Any]] = {
    session.__name__: session for session in (refused, closed, viewed, away, forked, forks)
}


def main() -> None:
    logging.getLogger("bluescribe").setLevel(logging.CRITICAL)
    for name in instrument.FORMATS:
        load_format(name)
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(_status_of(order)), flush=True)


def _status_of(order: dict[str, Any]) -> int | None:
    child = os.fork()
    if not child:
        os.setsid()
        _be(**order)
    pidfd = os.pidfd_open(child)
    is_over = bool(select.select([pidfd], [], [], order["seconds"])[0])
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.close(pidfd)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if is_over else None


def _be(*, session: str, told: str, seconds: float, folder: str, **arguments: Any) -> NoReturn:
    """Be a session up to its end, at which HDF5 closes what is open."""
    faulthandler.dump_traceback_later(seconds - 5, exit=False, file=_told_apart(told))
    atexit.unregister(epics.ca.finalize_libca)  # of the parent's threads, for which it would wait
    Path(told).write_bytes(pickle.dumps(SESSIONS[session](Path(folder), **arguments)))
    sys.exit()


def _told_apart(told: str) -> Any:
    """Return the file for the stacks of a session that takes too long."""
    return Path(f"{told}.stacks").open("w")  # is read when a test has failed


if __name__ == "__main__":
    main()
