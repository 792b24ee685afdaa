"""RunIndex: the open runs, found by what a document names: its run, descriptor or external file."""

from __future__ import annotations

from typing import Any

from ..model.run import Document
from .recording import Recording

__all__ = ["RunIndex"]

_EARLIER_RESOURCES = 100
"""Resources of finished runs that are remembered."""


class RunIndex:
    """The recordings of all open runs of one format."""

    def __init__(self) -> None:
        self.runs: dict[str, Recording] = {}
        """By the uid of the run, the latest last."""
        self.by_descriptor: dict[str, Recording] = {}
        self.by_resource: dict[str, Recording] = {}
        self.earlier_resources: dict[str, Document] = {}
        """Of finished runs: a detector that stays staged goes on filling its file."""

    def add(self, recording: Recording) -> None:
        """Enter an open run with what it has by now."""
        self.runs[recording.run.uid] = recording
        self.by_descriptor |= dict.fromkeys(recording.descriptors, recording)
        self.by_resource |= dict.fromkeys(recording.resources, recording)

    def remove(self, recording: Recording) -> None:
        """Enter that a run is over; its resources are remembered for a while."""
        del self.runs[recording.run.uid]
        for uid in recording.descriptors:
            self.by_descriptor.pop(uid, None)
        for uid, doc in recording.resources.items():
            self.by_resource.pop(uid, None)
            self.earlier_resources[uid] = doc
        while len(self.earlier_resources) > _EARLIER_RESOURCES:
            self.earlier_resources.pop(next(iter(self.earlier_resources)))

    @property
    def latest(self) -> Recording | None:
        """The run that began last; None while none is open."""
        return next(reversed(self.runs.values()), None)

    def of(self, doc: Any) -> Recording | None:
        """Return the run of any document; None if it has not begun."""
        if not isinstance(doc, dict):
            return None
        return (
            self.by_descriptor.get(str(doc.get("descriptor")))
            or self.runs.get(str(doc.get("run_start")))
            or self.by_resource.get(str(doc.get("resource")))
            or self.runs.get(str(doc.get("uid")))
        )

    def of_resource(self, doc: Document) -> Recording | None:
        """Return the run of a resource; an old one names none, and is of the only one."""
        found = self.runs.get(doc.get("run_start", ""))
        if found is None and "run_start" not in doc and len(self.runs) == 1:
            return next(iter(self.runs.values()))
        return found
