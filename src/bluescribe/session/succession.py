"""Succession: which runs are open in several writers, and whose turn it is after these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..recording.run_owners import uid_in

if TYPE_CHECKING:
    from bluesky import RunEngine

    from .writers import Writers

__all__ = ["Succession"]


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
