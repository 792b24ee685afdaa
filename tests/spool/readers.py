"""Who reads what comes through a spool, in the tests of spools: the router, in production."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bluescribe.files import Place
from bluescribe.recording.snapshot import Snapshots
from bluescribe.spool import Lane, Spool
from bluescribe.spool.entries import NOTE, Entry, read_segment
from bluescribe.spool.event_rows import EventRows
from bluescribe.spool.stretch import Stretch, StretchReader

PATIENCE = 8


class Reader:
    """Remember what came; wait at a gate before each document."""

    reads_log = False

    def __init__(self) -> None:
        self.received: list[tuple[str, Any]] = []
        self.meals = [0]
        """Documents that were there at each sync."""
        self.threads: set[threading.Thread] = set()
        self.closes = 0
        self.foreseen: list[str] = []
        """Runs whose stop was told of before the rest of what came with it."""
        self.expects_more = False
        self.opened: set[str] = set()
        self.late: set[str] = set()
        self.is_away = True
        """Whether what is late cannot be written yet."""
        self.written: dict[str, list[Entry]] = {}
        self.gate = threading.Event()
        self.gate.set()
        self.is_waiting = False

    @property
    def unfinished(self) -> set[str]:
        return self.opened | self.late

    def tend(self) -> None:
        pass

    def end(self, timeout: float | None) -> None:
        pass

    def leave(self, then: Callable[[], object]) -> None:
        then()

    @property
    def has_open_runs(self) -> bool:
        return self.expects_more or bool(self.opened)

    def foresee(self, stops: Sequence[Any]) -> None:
        self.foreseen += [stop["run_start"] for stop in stops if isinstance(stop, dict)]

    @property
    def docs(self) -> list[Any]:
        return [doc for _, doc in self.received]

    def receive(self, name: str, doc: Any) -> None:
        self.is_waiting = not self.gate.is_set()
        assert self.gate.wait(PATIENCE)
        self.is_waiting = False
        self.threads.add(threading.current_thread())
        if isinstance(doc, EventRows):
            self.received += (("event", event) for event in doc.events())
        else:
            self.received.append((name, doc))
        if isinstance(doc, dict) and name == "start":
            self.opened.add(doc["uid"])
        elif isinstance(doc, dict) and name == "stop":
            self.opened.discard(doc["run_start"])

    def sync(self) -> None:
        self.meals.append(len(self.received))

    def close(self) -> None:
        self.closes += 1
        self.opened.clear()

    def write_late(self, uid: str, entries: Iterator[Entry]) -> bool:
        if self.is_away:
            return False
        self.written[uid] = [*entries]
        self.late.discard(uid)
        return True


class LogReader(Reader):
    """Reads parts of the log itself, as a process does that writes a format."""

    reads_log = True
    lane: Lane

    def __init__(self) -> None:
        super().__init__()
        self._reader = StretchReader()
        self._segment = 0
        self.stretches = 0

    def receive(self, name: str, doc: Any) -> None:
        if not isinstance(doc, Stretch):
            return super().receive(name, doc)
        self.stretches += 1
        if doc.segment != self._segment:
            self._segment = doc.segment
            self._reader.take(self.lane.open_segment(doc.segment))
        for what, found in self._reader.read(doc.start, doc.end, self.lane.key):
            if what != "earlier":  # the spool's own
                super().receive(what, found)
        return None

    def end(self, timeout: float | None) -> None:
        self._reader.close()


def wait_for(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def in_thread(function: Callable[..., object], *args: Any) -> threading.Thread:
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


def snapshots(documents: Any) -> list[tuple[str, Any, int]]:
    """Return documents as a session posts them, each with the bytes of its arrays."""
    take = Snapshots()
    return [(name, *take(name, doc)) for name, doc in documents]


def run(uid: str, count: int) -> list[tuple[str, dict[str, Any], int]]:
    """Return a run of small documents."""
    events = [("event", {"descriptor": uid, "seq_num": n}, 0) for n in range(count)]
    return [("start", {"uid": uid}, 0), *events, ("stop", {"run_start": uid}, 0)]


def play(spool: Spool, documents: list[tuple[str, Any, int]]) -> list[tuple[str, Any]]:
    """Post documents; return what each lane is to get."""
    for name, doc, size in documents:
        spool.post(name, doc, size)
    return [(name, doc) for name, doc, _ in documents]


def played_on(spool: Spool, documents: list[tuple[str, Any, int]]) -> list[Entry]:
    """Post documents, a few at a time, and have the spool look at them; return their entries."""
    posted = []
    for start in range(0, len(documents), 5):
        posted += play(spool, documents[start : start + 5])
        spool._wake.set()
        wait_for(lambda: not spool.intake.items)
    return [(name, doc, "") for name, doc in posted]


def segments(home: Path) -> list[Path]:
    return sorted(home.glob("*/*.spool"))


def entries(home: Path) -> list[Entry]:
    """Return all that is in the log, but for the notes of lanes."""
    while True:
        try:
            found = [entry for path in segments(home) for entry in read_segment(Place.at(path))]
        except FileNotFoundError:  # it went meanwhile
            continue
        return [entry for entry in found if not entry[0].startswith(NOTE)]
