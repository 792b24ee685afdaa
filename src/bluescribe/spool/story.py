"""The story of one run: what of all that came belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .segment import NOTE, Entry

__all__ = ["story_of"]

_EARLIER_RESOURCES = 100
"""Resources of other runs that are remembered: a detector that stays staged goes on filling one."""


def story_of(uid: str, entries: Iterable[Entry]) -> Iterator[tuple[str, Any]]:
    """Yield the documents of a run, and what was asked of its files, from all that came.

    It goes by the rules of the router: whoever plays it has the run alone.

    Parameters
    ----------
    uid
        The run.
    entries
        All that came, from a place before the run began.
    """
    story = _Story(uid)
    for name, doc, _ in entries:
        if name == "cwd":
            story.cwd = doc
        elif isinstance(doc, dict) and not name.startswith(NOTE):
            yield from story.of(name, doc)


class _Story:
    def __init__(self, uid: str) -> None:
        self.cwd: Any = None
        """Where the session was before the start that comes next."""
        self._uid = uid
        self._open: list[str] = []
        """Uids of the runs that are open, the latest last."""
        self._descriptors: set[str] = set()
        self._resources: set[str] = set()
        self._of_others: dict[str, dict[str, Any]] = {}

    def of(self, name: str, doc: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield what of an entry belongs to the run."""
        if name == "start":
            self._open.append(str(doc.get("uid")))
            if doc.get("uid") == self._uid:
                yield "cwd", self.cwd
                yield name, doc
        elif name in ("resource", "stream_resource"):
            yield from self._resource(name, doc)
        elif name in ("datum", "datum_page"):
            yield from self._datum(name, doc)
        elif self._is_ours(name, doc):
            yield name, doc
        if name in ("stop", "unstopped") and str(doc.get("run_start")) in self._open:
            self._open.remove(str(doc.get("run_start")))

    def _is_ours(self, name: str, doc: dict[str, Any]) -> bool:
        if name == "comment":
            return self._is_latest
        if name == "elsewhere":
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
        is_of_none = "run_start" not in doc and self._open == [self._uid]
        if is_of_none or doc.get("run_start") == self._uid:
            self._resources.add(uid)
            yield name, doc
        elif name == "resource":
            self._of_others[uid] = doc
            if len(self._of_others) > _EARLIER_RESOURCES:
                del self._of_others[next(iter(self._of_others))]

    def _datum(self, name: str, doc: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        uid = str(doc.get("resource"))
        if uid in self._of_others and self._is_latest:
            self._resources.add(uid)
            yield "resource", self._of_others.pop(uid)
        if uid in self._resources:
            yield name, doc
