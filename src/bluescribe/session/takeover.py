"""A second subscribe_writers in a RunEngine: its writers take the place of the first ones."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from .writers import Writers

if TYPE_CHECKING:
    from bluesky import RunEngine

__all__ = ["take_over"]

logger = logging.getLogger(__name__)


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
            "subscribe_writers was called again for this RunEngine: %r takes the place of %s%s%s",
            writers,
            ", ".join(map(repr, earlier)),
            ", when the run that is open there has ended" if busy else "",
            _undone(earlier),
        )
    for others in earlier:
        if others not in busy:
            others.leave(RE)
    if busy:
        busy[-1].succession.wait(writers, RE)
    else:
        writers.subscribe(RE)


def _undone(earlier: list[Writers]) -> str:
    """Return what was changed in writers, and counts no more."""
    told: dict[str, list[str]] = {}
    for writer in (writer for writers in earlier for writer in writers):
        for change in writer.status().changes:
            told.setdefault(str(change), []).append(writer.format)
    words = "; ".join(f"{', '.join(names)}: {change}" for change, names in told.items())
    return words and f". What was changed is as configured again: {words}"


def _subscribed(RE: Any) -> list[Writers]:
    """Return the writers that were subscribed to a RunEngine, by asking whom it calls."""
    callbacks = RE.dispatcher.cb_registry.callbacks
    called = [proxy.func for proxies in callbacks.values() for proxy in proxies.values()]
    writers = {id(one): one for one in called if isinstance(one, Writers)}
    return [one for one in writers.values() if one.is_subscribed(RE)]
