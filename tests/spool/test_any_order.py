"""Whatever comes, however fast each lane is: each gets all of it, once, and in its order."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluescribe.spool import Lane, Spool, SpoolSettings
from bluescribe.testing.contract import played
from tests.spool.readers import PATIENCE, LogReader, Reader, run, snapshots, wait_for
from tests.spool.same import same

LANES = 3


@dataclass
class Story:
    """What each lane is to get, and what was asked of it."""

    spool: Spool
    lanes: list[Lane]
    readers: list[Reader]
    theirs: list[list[tuple[str, Any]]] = field(default_factory=lambda: [[] for _ in range(LANES)])
    asked: list[tuple[int, threading.Event, int]] = field(default_factory=list)
    answers: dict[threading.Event, int] = field(default_factory=dict)

    def post(self, documents: list[tuple[str, Any, int]]) -> None:
        for name, doc, size in documents:
            self.spool.post(name, doc, size)
            for got in self.theirs:
                got.append((name, doc))

    def comment(self, number: int) -> None:
        said = {"text": f"{len(self.theirs[number])} of {number}"}
        self.lanes[number].post("comment", said)
        self.theirs[number].append(("comment", said))

    def ask(self, number: int) -> None:
        count = len(self.theirs[number])
        self.asked.append((number, self.lanes[number].request(), count))

    def hold(self, number: int) -> None:
        self.readers[number].gate.clear()

    def free(self, number: int) -> None:
        self.readers[number].gate.set()

    def look(self, _: int) -> None:
        """Let the spool look at what came."""
        self.spool._wake.set()
        wait_for(lambda: not self.spool.intake.items or not self.spool.has_begun)

    def check(self) -> None:
        for reader in self.readers:
            reader.gate.set()
        for number in range(LANES):
            self.ask(number)
        for _, done, _ in self.asked:
            assert done.wait(PATIENCE)
        for number, reader in enumerate(self.readers):
            assert same(reader.received, self.theirs[number])
        for _, done, count in self.asked:
            assert self.answers.get(done, count) == count


@contextmanager
def told(folder: Path | None) -> Iterator[Story]:
    spool = Spool(None if folder is None else SpoolSettings(spool=folder))
    of_log = LogReader()
    readers = [Reader(), of_log, Reader()]
    lanes = [Lane(spool, r, name=f"lane {n}", interval=0.002) for n, r in enumerate(readers)]
    of_log.lane = lanes[1]
    story = Story(spool, lanes, readers)
    for lane, reader in zip(lanes, readers, strict=True):
        lane._answer = _noted(lane, reader, story)  # type: ignore[method-assign]  # to know when
    try:
        yield story
    finally:
        for reader in readers:
            reader.gate.set()
        for lane, reader in zip(lanes, readers, strict=True):
            lane.close()
            reader.end(None)
        if folder is not None:
            left = [*folder.iterdir()] if folder.exists() else []
            shutil.rmtree(folder, ignore_errors=True)
            assert not left


def _noted(lane: Lane, reader: Reader, story: Story) -> Any:
    answer = lane._answer

    def noted(kind: str, done: threading.Event) -> Any:
        story.answers[done] = len(reader.received)
        return answer(kind, done)

    return noted


numbers = st.integers(0, LANES - 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.integers(0, 30)),
        st.tuples(st.just("shape"), st.sampled_from(["scan", "images"])),
        st.tuples(st.sampled_from(["comment", "ask", "hold", "free", "look"]), numbers),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("any-order")
    return {name: snapshots(played(name, "numpified", folder)) for name in ("scan", "images")}


@pytest.mark.usefixtures("small_for_all")
@pytest.mark.parametrize("is_logged", [False, True])
@settings(max_examples=40, deadline=None)
@given(steps=steps)
def test_every_lane_gets_everything_in_order(is_logged, steps, shapes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("spools") / "spools" if is_logged else None
    with told(folder) as story:
        for count, (what, value) in enumerate(steps):
            if what == "run":
                story.post(run(f"run {count}", value))
            elif what == "shape":
                story.post(shapes[value])
            elif what != "look" or is_logged:  # in memory a lane that is held up may fill it
                getattr(story, what)(value)
        story.check()
        if is_logged and story.theirs[1]:
            assert isinstance(story.readers[1], LogReader)
            assert story.readers[1].stretches, "it got documents"
