"""Several runs in one stream of documents."""

# mypy: allow-untyped-calls
# Some of bluesky's functions have no annotations.

from __future__ import annotations

from pathlib import Path

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp

from .devices import Scripted, gauss, motor
from .engine import Plan, play, play_interrupted
from .registry import Documents, shape


@shape(runs=2)
def consecutive_runs(folder: Path) -> Documents:
    """Take a scan and a count one after the other."""
    m1 = motor()
    return play(bp.scan([gauss(m1)], m1, -1, 1, 3), bp.count([gauss(m1)], num=2))


@shape(runs=2)
def two_runs_in_one_plan(folder: Path) -> Documents:
    """Open and close two runs in one plan."""
    m1 = motor()

    def plan() -> Plan:
        yield from bp.scan([gauss(m1)], m1, -1, 1, 3)
        yield from bp.count([gauss(m1)], num=2)

    return play(plan())


@shape(runs=3)
def nested_runs(folder: Path) -> Documents:
    """Take a whole scan at each of two points of an outer run."""
    m1, temperature = motor(), Scripted("temperature", [293.1, 294.2])

    @bpp.set_run_key_decorator("inner")  # type: ignore[untyped-decorator]
    def inner() -> Plan:
        return (yield from bp.scan([gauss(m1)], m1, -1, 1, 3))

    def plan() -> Plan:
        yield from bps.open_run({"plan_name": "outer"})
        for _ in range(2):
            yield from bps.trigger_and_read([temperature])
            yield from inner()
        yield from bps.close_run()

    return play(plan())


def _alternate(*, same_names: bool, pause: bool = False) -> Plan:
    """Take points of two runs in turn, the second of which opens late and closes last."""
    first = Scripted("det", [1, 2, 3])
    second = Scripted("det", [0.5, 1.5, 2.5]) if same_names else Scripted("other", ["a", "b", "c"])

    def within(key: str, plan: Plan) -> Plan:
        return (yield from bpp.set_run_key_wrapper(plan, key))

    yield from within("a", bps.open_run({"plan_name": "first"}))
    yield from within("a", bps.trigger_and_read([first]))
    yield from within("b", bps.open_run({"plan_name": "second"}))
    for _ in range(2):
        yield from within("b", bps.trigger_and_read([second]))
        yield from within("a", bps.trigger_and_read([first]))
    if pause:
        yield from bps.pause()
    yield from within("a", bps.close_run())
    yield from within("b", bps.trigger_and_read([second]))
    yield from within("b", bps.close_run())


@shape(runs=2)
def interleaved_runs(folder: Path) -> Documents:
    """Take points of two open runs in turn."""
    return play(_alternate(same_names=False))


@shape(runs=2)
def interleaved_runs_of_one_name(folder: Path) -> Documents:
    """Take points of two open runs in turn, with the same field of different types."""
    return play(_alternate(same_names=True))


@shape(runs=2)
def interleaved_runs_aborted(folder: Path) -> Documents:
    """Abort while two runs are open."""
    return play_interrupted(_alternate(same_names=False, pause=True), "abort")
