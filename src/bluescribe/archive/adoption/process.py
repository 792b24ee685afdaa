"""Adoption in a process of its own: HDF5 is used there, so the session may fork meanwhile."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...recording.process.channel import Channel
from ...recording.process.child import Child
from ...recording.process.possible import is_safe_in_a_process, why_not
from ...recording.process.serialized import report_from, report_told
from ...recording.process.serving import named
from ..recovery_report import Outcome, Step
from .adopting import adopt

if TYPE_CHECKING:
    from ...recording.writer import Writer

__all__ = ["adopt_elsewhere", "can_adopt_elsewhere", "serve_adoption"]

_LOOK_SECONDS = 0.1
"""Seconds between two looks of the session whether it must end."""


def can_adopt_elsewhere(kinds: Mapping[str, type[Writer]]) -> bool:
    """Return whether another process can have the same writers, hooks included."""
    return not why_not() and all(map(is_safe_in_a_process, kinds.values()))


def adopt_elsewhere(
    spool: Path | None, kinds: Mapping[str, type[Writer]], stop: threading.Event
) -> list[Step]:
    """Call `adopt` in another process, with the same parameters and return value.

    Raises
    ------
    OSError
        No process can be begun, or it has died.
    """
    named = {name: (kind.__module__, kind.__qualname__) for name, kind in kinds.items()}
    task = (serve_adoption.__module__, serve_adoption.__qualname__)
    about = {"task": task, "spool": spool, "kinds": named}
    child = Child("adopts", about, _hear, bool)
    child.wait_until_ready()
    is_stopped = False
    while True:
        try:
            if stop.is_set() and not is_stopped:
                is_stopped = True
                child.commands.send("stop")
            (told,) = child.commands.receive(_LOOK_SECONDS)
        except TimeoutError:
            continue
        except EOFError:
            how, words = child.reap(), child.last_words
            raise ChildProcessError(f"the process that writes them {how}. {words}") from None
        child.reap()
        return [_step(*each) for each in told]


def _hear(kind: str, *_: Any) -> None:
    raise AssertionError(f"an adoption tells nothing of its own, and not {kind!r}")


def serve_adoption(commands: Channel, about: Mapping[str, Any]) -> None:
    """Adopt what was left, in the process of `adopt_elsewhere`."""
    stop = threading.Event()
    threading.Thread(target=_wait_for_stop, args=(commands, stop), daemon=True).start()
    kinds = {name: named(*where) for name, where in about["kinds"].items()}
    try:
        steps = adopt(about["spool"], kinds=kinds, stop=stop)
    except Exception:
        logging.getLogger(__name__).exception("a fault inside bluescribe; please report it")
        return
    commands.send([_told(step) for step in steps])


def _told(step: Step) -> tuple[Any, ...]:
    report = None if step.report is None else report_told(step.report)
    return step.path, step.outcome, step.what, step.kept, report


def _step(path: Path, outcome: Outcome, what: str, kept: Sequence[Path], report: Any) -> Step:
    found = None if report is None else report_from(report)
    return Step(path, outcome, what, tuple(kept), found)


def _wait_for_stop(commands: Channel, stop: threading.Event) -> None:
    """Set `stop` when the session says so: adoption ends after the run that is being written.

    If the session was killed, end at once: the next session finds everything as after any kill,
    and need not wait for this process.
    """
    try:
        commands.receive()
    except EOFError:
        os._exit(1)
    stop.set()
