"""Runs that can get no stop any more, as their RunEngine has left them.

When a subscriber before ours raises at a stop document, bluesky does not pass it on, nor makes
another: the run would stay open here until the session ends. The RunEngine knows which runs it has
open; it is asked when it begins the next one. Runs of other RunEngines, and those that are open
beside the one that begins, go on.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Mapping
from typing import Any

from ..later import later
from ..model.run import Run

__all__ = ["OpenRuns"]

_current_task = later("asyncio", "current_task")  # processes that write need no event loop

logger = logging.getLogger(__name__)


class OpenRuns:
    """The runs that a subscriber has seen begin, with the RunEngine that began each."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[weakref.ref[Any], str]] = {}
        """RunEngine and label of each, by its uid."""

    def see(self, name: str, doc: Any) -> list[str]:
        """Take note of a start or stop, on the thread of its RunEngine, and tell what was left.

        Parameters
        ----------
        name, doc
            The document as a snapshot, in which no value has code of its own.

        Returns
        -------
        list of str
            Uids of runs that the RunEngine has left without a stop, when it begins another.
        """
        if not isinstance(doc, Mapping):  # damaged: the writers refuse it
            return []
        if name == "stop":
            self._begun.pop(str(doc.get("run_start")), None)
            return []
        engine = _calling_engine()
        if engine is None or not isinstance(doc.get("uid"), str):
            return []
        going = {bundler._run_start_uid for bundler in engine._run_bundlers.values()}
        begun = [uid for uid, (by, _) in self._begun.items() if by() is engine]
        left = [uid for uid in begun if uid not in going]
        for uid in left:
            _, label = self._begun.pop(uid)
            logger.warning(
                "%s has no stop document, and gets none any more: a subscriber of the RunEngine "
                "that comes before the writers raised at it, and bluesky does not pass it on then. "
                "The run's files are closed with all its events, without a stop. Remedy: mend that "
                "subscriber, or subscribe the writers before it.",
                label,
            )
        self._begun[doc["uid"]] = weakref.ref(engine), Run(doc).label
        return left


def _calling_engine() -> Any:
    """Return the RunEngine in whose task this is called; None for documents from elsewhere.

    A subscriber gets documents, and is not told from which RunEngine.
    """
    try:
        task = _current_task()
    except RuntimeError:  # no loop runs on this thread
        return None
    frame = getattr(task.get_coro() if task is not None else None, "cr_frame", None)
    engine: Any = frame.f_locals.get("self") if frame is not None else None
    try:
        bundlers = list(engine._run_bundlers.values())  # bluesky has no public word for it
        return engine if all(hasattr(each, "_run_start_uid") for each in bundlers) else None
    except AttributeError:
        return None
