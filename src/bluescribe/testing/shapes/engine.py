"""Run plans in a real RunEngine and keep what it emits."""

# mypy: allow-untyped-calls
# Some of bluesky's functions have no annotations.

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from bluesky import RunEngine
from bluesky.run_engine import get_bluesky_event_loop, set_bluesky_event_loop
from bluesky.utils import FailedPause, Msg, RunEngineInterrupted

Plan = Generator[Msg, Any, Any]
Callback = Callable[[str, dict[str, Any]], object]
Record = list[tuple[str, dict[str, Any]]]

_listeners: ContextVar[tuple[Callback, ...]] = ContextVar("listeners", default=())


@contextmanager
def listening(*callbacks: Callback) -> Iterator[None]:
    """Subscribe the callbacks to each RunEngine that is started inside this context."""
    token = _listeners.set(callbacks)
    try:
        yield
    finally:
        _listeners.reset(token)


@contextmanager
def recording(**metadata: Any) -> Iterator[tuple[RunEngine, Record]]:
    """Start a RunEngine and record its documents.

    Every play has a RunEngine of its own, so that scan_id starts at 1 and nothing that one play
    leaves behind is seen by the next. The event loop is stopped at the end, and the one that was
    bluesky's before is put back, for tests that have a RunEngine of their own.
    """
    before = get_bluesky_event_loop()
    # No context managers: the default one takes over SIGINT, which is not a test's to have.
    engine = RunEngine(dict(metadata), context_managers=[])
    record: Record = []
    # Copied at once: devices and the RunEngine reuse and amend their dictionaries.
    engine.subscribe(lambda name, doc: record.append((name, copy.deepcopy(doc))))
    for callback in _listeners.get():
        engine.subscribe(callback)
    try:
        yield engine, record
    finally:
        _end_loop(engine)
        set_bluesky_event_loop(before)


def _end_loop(engine: RunEngine) -> None:
    """Stop the RunEngine's event loop, cancel what is left in it and close it."""
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join(timeout=5)
    engine.loop.run_until_complete(_cancel_all(asyncio.all_tasks(engine.loop)))
    engine.loop.close()


async def _cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def play(*plans: Plan, **metadata: Any) -> Record:
    """Run the plans one after the other in one RunEngine, with this metadata for each."""
    with recording() as (engine, record):
        for plan in plans:
            engine(plan, **metadata)
    return record


def play_failing(plan: Plan) -> Record:
    """Run a plan that raises, and take its exception as expected."""
    with recording() as (engine, record):
        with suppress(PlannedError):
            engine(plan)
        return record


def play_interrupted(plan: Plan, *verdicts: str, interruptions: bool = False) -> Record:
    """Run a plan that pauses itself, and answer each pause with one verdict.

    Parameters
    ----------
    plan : generator
        Contains a ``pause`` message for each verdict.
    *verdicts : str
        Names of methods of the RunEngine: ``resume``, ``abort``, ``stop`` or ``halt``.
    interruptions : bool
        Whether the RunEngine records the pauses as a stream of their own.
    """
    with recording() as (engine, record):
        engine.record_interruptions = interruptions
        with suppress(RunEngineInterrupted, FailedPause):
            engine(plan)
        for verdict in verdicts:
            with suppress(RunEngineInterrupted):
                getattr(engine, verdict)(*(["asked by a test"] if verdict == "abort" else []))
        return record


class PlannedError(RuntimeError):
    """The exception that a plan raises on purpose."""
