"""The part of `Writers` that knows which RunEngines it receives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..recording.waiting import wait_until_written
from .succession import Succession

if TYPE_CHECKING:
    from bluesky import RunEngine

    from ..delivery.base import Delivery
    from ..recording.writer import Writer

__all__ = ["Subscribed"]


class Subscribed:
    """What several writers are of RunEngines: one subscriber, of any number of them."""

    succession: Succession
    _receiving: list[Writer]
    _deliveries: dict[str, Delivery]
    _subscriptions: list[tuple[RunEngine, int]]

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[Writer]:
            """Yield the writers."""

        def flush(self, timeout: float | None = None) -> bool:
            """Wait until all that was received is on disk."""

    def subscribe(self, RE: RunEngine) -> None:
        """Receive the documents of a RunEngine from now on.

        Raises
        ------
        ConfigError
            A writer wants something of the RunEngine that it cannot have.
        """
        if self.is_subscribed(RE):
            return
        self.prepare(RE)
        self._subscriptions.append((RE, RE.subscribe(self)))  # type: ignore[no-untyped-call]  # bluesky

    def prepare(self, RE: RunEngine) -> None:
        """Set up in a RunEngine what the formats want there.

        Raises
        ------
        ConfigError
            A writer wants something of the RunEngine that it cannot have.
        """
        for writer in self:
            writer.prepare(RE)

    def is_subscribed(self, RE: RunEngine) -> bool:
        """Tell whether `subscribe` was called with a RunEngine."""
        return any(engine is RE for engine, _ in self._subscriptions)

    def leave(self, RE: RunEngine) -> None:
        """Receive no more documents of a RunEngine; finish and close what nobody else uses.

        Images that are being copied are not waited for.
        """
        self._unsubscribe_from([pair for pair in self._subscriptions if pair[0] is RE])
        self.succession.open_runs.clear()
        requests = [(writer, writer.request_finish()) for writer in self._receiving]
        wait_until_written(requests, self._longest_wait())
        if self._subscriptions:
            return
        for writer, done in requests:
            if done.is_set() and not writer.status().copying:
                writer.close()
        if self._deliveries:
            from ..delivery.base import close_together

            deliveries = list(self._deliveries.values())
            threading.Thread(target=close_together, args=(deliveries,), daemon=True).start()

    def unsubscribe(self) -> None:
        """Receive no more documents; what was received is written."""
        self._unsubscribe_from(list(self._subscriptions))
        self.flush()

    def _unsubscribe_from(self, subscriptions: list[tuple[RunEngine, int]]) -> None:
        self.succession.is_waiting = False
        for RE, token in subscriptions:
            self._subscriptions.remove((RE, token))
            RE.unsubscribe(token)  # type: ignore[no-untyped-call]  # bluesky

    def _longest_wait(self) -> float:
        return max((writer.settings.drain_timeout for writer in self._receiving), default=0.0)
