"""Runs that are broken off, paused, empty or never stopped."""

from __future__ import annotations

from pathlib import Path

import bluesky.plan_stubs as bps
import bluesky.plans as bp

from .devices import Scripted, gauss, motor
from .engine import Plan, PlannedError, play, play_failing, play_interrupted
from .registry import Documents, shape


def _points(*, pause_after: tuple[int, ...] = (), fail_after: int | None = None) -> Plan:
    """Take four points of a counter; pause once after some of them, or fail."""
    counter = Scripted("counter", range(1, 20))
    yield from bps.open_run({"plan_name": "points", "num_points": 4})
    for point in range(1, 5):
        yield from bps.checkpoint()
        yield from bps.trigger_and_read([counter])
        if point in pause_after:
            yield from bps.pause()
        if point == fail_after:
            raise PlannedError('the shutter stayed shut:\n  "µ-switch" = 0')
    yield from bps.close_run()


@shape()
def no_events(folder: Path) -> Documents:
    """Open a run and close it."""

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "nothing"})
        yield from bps.close_run()

    return play(plan())


@shape()
def declared_empty(folder: Path) -> Documents:
    """Declare a stream that never gets an event."""
    det = gauss(motor())

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "nothing"})
        yield from bps.declare_stream(det, name="primary")
        yield from bps.close_run()

    return play(plan())


@shape()
def aborted(folder: Path) -> Documents:
    """Pause after two points of four, then abort."""
    return play_interrupted(_points(pause_after=(2,)), "abort")


@shape()
def aborted_before_events(folder: Path) -> Documents:
    """Abort a scan whose run is open but has no event yet."""

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "scan", "num_points": 5})
        yield from bps.pause()

    return play_interrupted(plan(), "abort")


@shape()
def stopped_early(folder: Path) -> Documents:
    """Pause after two points of four, then stop: a success with points missing."""
    return play_interrupted(_points(pause_after=(2,)), "stop")


@shape()
def halted(folder: Path) -> Documents:
    """Pause after two points of four, then halt without clean-up."""
    return play_interrupted(_points(pause_after=(2,)), "halt")


@shape()
def failed(folder: Path) -> Documents:
    """Raise after two points of four, with a reason of several lines."""
    return play_failing(_points(fail_after=2))


@shape()
def failed_at_once(folder: Path) -> Documents:
    """Raise when the run is open and nothing else has happened."""

    def plan() -> Plan:
        yield from bps.open_run({})
        raise PlannedError

    return play_failing(plan())


@shape()
def pause_resume(folder: Path) -> Documents:
    """Pause after the third point and resume: it is taken again with its seq_num."""
    return play_interrupted(_points(pause_after=(3,)), "resume")


@shape()
def pause_resume_twice(folder: Path) -> Documents:
    """Pause and resume after the second and after the last point."""
    return play_interrupted(_points(pause_after=(2, 4)), "resume", "resume")


@shape()
def pause_rewinds_far(folder: Path) -> Documents:
    """Pause three points after the last checkpoint: three seq_nums repeat."""
    counter = Scripted("counter", range(1, 20))

    def plan() -> Plan:
        yield from bps.open_run({})
        yield from bps.checkpoint()
        for _ in range(3):
            yield from bps.trigger_and_read([counter])
        yield from bps.pause()
        yield from bps.trigger_and_read([counter])
        yield from bps.close_run()

    return play_interrupted(plan(), "resume")


@shape()
def interruptions_recorded(folder: Path) -> Documents:
    """Let the RunEngine record a pause as a stream called interruptions."""
    return play_interrupted(_points(pause_after=(2,)), "resume", interruptions=True)


@shape(finished=False, altered="the stop is dropped: a RunEngine that dies cannot be asked for one")
def never_stopped(folder: Path) -> Documents:
    """Lose the stop document of a scan."""
    m1 = motor()
    played = play(bp.scan([gauss(m1)], m1, -1, 1, 4))
    return [(name, doc) for name, doc in played if name != "stop"]


@shape(finished=False, altered="all after the start is dropped, as when the process was killed")
def start_only(folder: Path) -> Documents:
    """Keep nothing of a scan but its start document."""
    return play(bp.count([gauss(motor())]))[:1]
