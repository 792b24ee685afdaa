"""Adoption in the background of a session, retried until no run is left."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ... import retry_policy
from ...at_exit import begin_thread, stop_at_the_end
from ...contract.report import RunReport
from ...recording.writer import Writer
from ...retry_policy import Retries
from ...spool import SpoolSettings
from ..recovery_report import Step
from .adopting import adopt
from .process import adopt_elsewhere, can_adopt_elsewhere

__all__ = ["adopt_later"]

logger = logging.getLogger(__name__)

_EXIT_SECONDS = 60.0
"""How long the end of a session waits for the run that is being written."""


def adopt_later(
    spool: SpoolSettings,
    kinds: Mapping[str, type[Writer]],
    then: Callable[[], object],
    tell: Callable[[Sequence[RunReport]], object] = bool,
) -> None:
    """Adopt in the background, until no run is left.

    Parameters
    ----------
    spool
        Where to look, and whether a process of its own may be used.
    kinds
        As `adopt`.
    then
        Called when all runs were tried, those that the disk refused twice.
    tell
        Called with the reports of the runs that are written.
    """
    begin_thread("bluescribe-adopts", _adopt_all, spool, dict(kinds), then, tell)


class _End:
    """Makes the end of the session wait for the run that is being written.

    HDF5 hangs for ever if it is interrupted, and a writer that ends before the adoption would close
    a file that is not all written. At exit, objects end in the reverse order of their making.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._thread = threading.current_thread()
        self._finalizer = self._registered()

    def renew(self) -> None:
        """Be the latest object again, so as to end before the writer that was made just now."""
        self._finalizer.detach()
        self._finalizer = self._registered()

    def _registered(self) -> weakref.finalize[..., threading.Thread]:
        return stop_at_the_end(self._thread, self._stop, _EXIT_SECONDS)


def _adopt_all(
    stop: threading.Event,
    spool: SpoolSettings,
    kinds: Mapping[str, type[Writer]],
    then: Callable[[], object] | None,
    tell: Callable[[Sequence[RunReport]], object],
) -> None:
    retries, end = Retries(), _End(stop)
    told: set[Path] = set()
    is_tried = False  # what is refused once is not told of twice: `then` tells of the same files
    while True:
        steps = _adopt_anywhere(spool, kinds, stop, end)
        tell([step.report for step in steps if step.report is not None])
        done = [step.path for step in steps if step.outcome == "written anew"]
        if done:
            logger.warning(
                "an earlier session ended before it had written these files, which is done now: %s",
                ", ".join(map(str, done)),
            )
        failed = [step for step in steps if step.outcome in ("FAILED", "left")]
        new = [step for step in failed if step.path not in told]
        told.update(step.path for step in new)
        if new:
            logger.warning(
                "%s is not written yet: %s. An earlier session ended before that; it is tried "
                "again as long as this one goes on",
                ", ".join(str(step.path) for step in new),
                new[0].what,
            )
        is_over = not any(map(_may_pass, failed))
        if then is not None and (is_over or is_tried) and not stop.is_set():
            then()
            then = None  # it may hold the writers
        if is_over or stop.wait(retries.fail(retry_policy.FOR_ADOPTION)):
            return
        is_tried = True


def _adopt_anywhere(
    spool: SpoolSettings, kinds: Mapping[str, type[Writer]], stop: threading.Event, end: _End
) -> list[Step]:
    """Adopt in a process of its own if it can have the same writers, else in this process."""
    if not spool.process or not can_adopt_elsewhere(kinds):
        return adopt(spool.spool, kinds=kinds, stop=stop, begins=end.renew)
    try:
        return adopt_elsewhere(spool.spool, kinds, stop)
    except OSError as error:
        return [Step(Path("what an earlier session left"), "FAILED", str(error))]


def _may_pass(step: Step) -> bool:
    """Return whether it makes sense to try again; a spool that cannot be read stays so."""
    return step.outcome == "FAILED" or not step.path.is_dir()
