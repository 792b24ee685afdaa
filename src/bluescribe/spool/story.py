"""The story of one run: the entries of a log that belong to it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

from ..contract.session import CONTROL
from .entries import NOTE, Entry

__all__ = ["story_of"]

_EARLIER_RESOURCES = 100
"""Resources of other runs that are remembered: a detector that stays staged goes on filling one."""


def story_of(
    uid: str, entries: Iterable[Entry], *, written: Container[str] | None = None
) -> Iterator[tuple[str, Any]]:
    """Yield the documents of one run, and the controls that belong to it, out of all entries.

    It assigns them as the router does, so that the run can be replayed alone.

    Parameters
    ----------
    uid
        The run.
    entries
        All entries, from a place before the run began.
    written
        Runs that are in their files. A control between two runs belongs to the first one if that
        was written, and else to the second one. None leaves such controls out.
    """
    story = _Story(uid, written)
    for name, doc, _ in entries:
        if name == "cwd":
            story.cwd = doc
        elif isinstance(doc, dict) and not name.startswith(NOTE):
            yield from story.of(name, doc)
            if name in ("stop", "unstopped") and doc.get("run_start") == uid:
                return


class _Story:
    def __init__(self, uid: str, written: Container[str] | None) -> None:
        self._written = written
        self._last = ""
        """Uid of the run that ended last."""
        self._asked: list[dict[str, Any]] = []
        """Controls that came while no run was open, and are in no file."""
        self.cwd: Any = None
        """Working directory of the session before the next start document."""
        self._uid = uid
        self._open: list[str] = []
        """Uids of the runs that are open, the latest last."""
        self._descriptors: set[str] = set()
        self._owners: dict[str, str] = {}
        """Uid of the run that fills a resource, by the resource's uid."""
        self._resources: dict[str, dict[str, Any]] = {}

    def of(self, name: str, doc: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield the entry if it belongs to the run, with earlier entries that it needs."""
        if name == "start":
            yield from self._start(doc)
        elif name in ("resource", "stream_resource", "earlier"):
            yield from self._resource(name, doc)
        elif name in ("datum", "datum_page"):
            yield from self._datum(name, doc)
        elif name == CONTROL and not self._open:
            if self._written is not None and self._last not in self._written:
                self._asked.append(doc)
        elif self._is_ours(name, doc):
            yield name, doc
        if name in ("stop", "unstopped") and str(doc.get("run_start")) in self._open:
            self._last = str(doc.get("run_start"))
            self._open.remove(self._last)

    def _start(self, doc: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        self._open.append(str(doc.get("uid")))
        asked, self._asked = self._asked, []
        if doc.get("uid") == self._uid:
            yield from ((CONTROL, each) for each in asked)
            yield "cwd", self.cwd
            yield "start", doc

    def _is_ours(self, name: str, doc: dict[str, Any]) -> bool:
        if name == CONTROL:
            return self._is_latest
        if name in ("elsewhere", "off", "settings"):
            return doc.get("uid") == self._uid
        if name in ("event", "event_page", "stream_datum"):
            return doc.get("descriptor") in self._descriptors
        is_ours = bool(doc.get("run_start") == self._uid)
        if name == "descriptor" and is_ours:
            self._descriptors.add(str(doc.get("uid")))
        return is_ours

    @property
    def _is_latest(self) -> bool:
        return bool(self._open) and self._open[-1] == self._uid

    def _resource(self, name: str, doc: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        uid = str(doc.get("uid"))
        if name == "earlier":  # of a run of which nothing is there any more
            self._resources.setdefault(uid, doc)
            self._owners.setdefault(uid, "")
            return
        only = self._open[0] if len(self._open) == 1 and name == "resource" else None
        owner = doc.get("run_start", only)
        if owner in self._open:
            self._owners[uid] = owner
            self._resources[uid] = doc
            for old in list(self._resources)[:-_EARLIER_RESOURCES]:
                del self._resources[old], self._owners[old]
        if owner == self._uid:
            yield name, doc

    def _datum(self, name: str, doc: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        uid = str(doc.get("resource"))
        if uid in self._owners and self._owners[uid] not in self._open and self._open:
            self._owners[uid] = self._open[-1]  # a detector that stays staged goes on filling it
            if self._is_latest:
                yield "earlier", self._resources[uid]
        if self._owners.get(uid) == self._uid:
            yield name, doc
