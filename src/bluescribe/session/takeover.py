"""A second subscribe_writers in a RunEngine: its writers take the place of the first ones."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..recording.run_owners import uid_in

if TYPE_CHECKING:
    from bluesky import RunEngine

    from .subscribe import Writers

__all__ = ["Succession", "take_over"]

logger = logging.getLogger(__name__)


class Succession:
    """The runs that are open in several writers, and who takes their place after these."""

    def __init__(self) -> None:
        self.open_runs: set[str] = set()
        self.is_waiting = False
        """Whether the writers will be subscribed when those before them have finished."""
        self._heir: Writers | None = None
        self._engine: RunEngine | None = None

    def note(self, name: str, doc: dict[str, Any]) -> None:
        """Note that a run begins or ends."""
        if name == "start" and (uid := uid_in(doc, "uid")):
            self.open_runs.add(uid)
        elif name == "stop" and (uid := uid_in(doc, "run_start")):
            self.open_runs.discard(uid)

    def wait(self, heir: Writers, RE: RunEngine) -> None:
        """Have other writers take the place of these when no run is open any more."""
        if self._heir is not None:
            self._heir.close()
        self._heir, self._engine = heir, RE
        heir.succession.is_waiting = True

    def hand_over(self, writers: Writers) -> None:
        """Let the heir take the place of writers that have no open run, if it still wants that."""
        heir, RE = self._heir, self._engine
        if heir is None or RE is None or self.open_runs:
            return
        self._heir = None
        if heir.succession.is_waiting:
            heir.succession.is_waiting = False
            writers.leave(RE)
            heir.subscribe(RE)


def take_over(writers: Writers, RE: RunEngine) -> None:
    """Subscribe writers in place of those that were subscribed to a RunEngine before.

    A run that is open is finished by those; the new ones receive what begins after it.

    Raises
    ------
    ConfigError
        A writer wants something of the RunEngine that it cannot have; the earlier ones stay.
    """
    earlier = [others for others in _subscribed(RE) if others is not writers]
    busy = [others for others in earlier if others.succession.open_runs and RE.state != "idle"]
    if earlier:
        writers.prepare(RE)
        logger.warning(
            "subscribe_writers was called again for this RunEngine: %r takes the place of %s%s",
            writers,
            ", ".join(map(repr, earlier)),
            ", when the run that is open there has ended" if busy else "",
        )
    for others in earlier:
        if others not in busy:
            others.leave(RE)
    if busy:
        busy[-1].succession.wait(writers, RE)
    else:
        writers.subscribe(RE)


def _subscribed(RE: Any) -> list[Writers]:
    """Return the writers that were subscribed to a RunEngine, by asking whom it calls."""
    from .subscribe import Writers

    callbacks = RE.dispatcher.cb_registry.callbacks
    called = [proxy.func for proxies in callbacks.values() for proxy in proxies.values()]
    writers = {id(one): one for one in called if isinstance(one, Writers)}
    return [one for one in writers.values() if one.is_subscribed(RE)]
