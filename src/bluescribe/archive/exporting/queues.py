"""The runs of a plan that still wait for a worker, and how many of them make a batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice

from ...config.configuration import WriterConfig
from .batch import Batch, Item
from .manifest import Manifest
from .plan import Plan, sharing

__all__ = ["Queue", "queues_of"]

_BATCH_SECONDS = 2.0
"""What a scheduler does for a batch, some milliseconds, is nothing beside that."""
_MOST_RUNS = 200
_MOST_GROWTH = 4
"""How quickly a batch grows; nothing is known of the first runs, and each may take an hour."""


class Queue:
    """Runs that wait, in the formats that go together.

    Parameters
    ----------
    plan
        What is to be written.
    configs
        The formats.
    manifest
        Of formats whose files take several runs, which one worker at a time may write; it knows
        the files. None for all others.
    """

    def __init__(
        self, plan: Plan, configs: tuple[WriterConfig, ...], manifest: Manifest | None
    ) -> None:
        self.configs = configs
        self.names = frozenset(config.name for config in configs)
        self._items = self._all(plan)
        self._again: deque[tuple[Item, ...]] = deque()
        self._manifest = manifest
        self._goes_on = plan.resumes
        self._size = 1
        self._is_out = False

    def may_give(self) -> bool:
        """Return whether a worker may have a batch now: of runs that share files, only one has."""
        return self._manifest is None or not self._is_out

    def next(self) -> Batch | None:
        """Return the next batch; None if there is none."""
        items = self._again.popleft() if self._again else tuple(islice(self._items, self._size))
        if not items:
            return None
        self._is_out = True
        return Batch(self.configs, items, self._shared())

    def put_back(self, batch: Batch) -> None:
        """Take back a batch that cannot be sent as a whole, run by run."""
        self._is_out = False
        self._again.extend((item,) for item in batch.items)

    def note(self, batch: Batch, seconds: float) -> None:
        """Take note of how long a batch took; the next ones are to take some seconds."""
        self._is_out = False
        self._goes_on = True
        if seconds:
            fitting = int(_BATCH_SECONDS * len(batch.items) / seconds)
            most = min(_MOST_RUNS, _MOST_GROWTH * len(batch.items))
            self._size = max(1, min(fitting, most))

    def _all(self, plan: Plan) -> Iterator[Item]:
        for index, task in enumerate(plan.tasks):
            names = tuple(name for name in task.names if name in self.names)
            if names:
                yield Item(index, task.run, names)

    def _shared(self) -> Mapping[str, Mapping[str, int]]:
        """Return the files that are continued: half a run at an end is cut off before."""
        if self._manifest is None or not self._goes_on:
            return {}
        for name in self.names:
            self._manifest.shared_files(name)
        return {name: self._manifest.shared_sizes(name) for name in self.names}


def queues_of(plan: Plan, manifest: Manifest) -> list[Queue]:
    """Return the queues of a plan; those that share files first, as they take longest."""
    shared = sharing(plan.configs)
    together = tuple(c for c in plan.configs if c.name in shared)
    apart = tuple(c for c in plan.configs if c.name not in shared)
    queues = [Queue(plan, together, manifest)] if together else []
    return [*queues, Queue(plan, apart, None)] if apart else queues
