"""What all sources are: they find runs, and give the documents of each."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import BluescribeError
from ..extras import MissingExtraError, import_extra
from ..model.run import Document
from ..model.times import seconds_of

__all__ = [
    "MissingExtraError",
    "Selection",
    "Source",
    "SourceError",
    "StoredRun",
    "import_extra",
    "stored_run",
]


_LIST = "`bluescribe export SOURCE --all --dry-run` lists what there is"


class SourceError(BluescribeError, LookupError):
    """A source or a run in it cannot be found or read."""


@dataclass(frozen=True)
class StoredRun:
    """A run that a source holds: what a list of runs shows, and how to get its documents.

    It can be sent to another process, if its source can.
    """

    source: Source
    key: str
    """What the source calls the run."""
    uid: str
    scan_id: Any = None
    time: float = 0.0
    """When the run began, in epoch seconds."""
    plan: str = ""
    start: Document = field(default_factory=dict, repr=False, compare=False)
    """The start document, while runs are looked for."""

    def documents(self) -> Iterator[tuple[str, Document]]:
        """Return the documents in order.

        Raises
        ------
        SourceError
            They cannot be read, or not all of them.
        """
        return self.source.documents(self.key)

    @property
    def label(self) -> str:
        """What messages call the run."""
        name = self.uid[:7] or str(self.source)
        return f"scan {self.scan_id} ({name})" if self.scan_id is not None else name


@dataclass(frozen=True)
class Selection:
    """Which runs are wanted; with nothing given, all.

    Parameters
    ----------
    scan_ids
        Their scan numbers. Negative ones count from the end: -1 is the latest run.
    uids
        Their uids, or beginnings of them.
    last
        The latest ones of what the rest selects.
    since, until
        Epoch seconds between which they began.
    search
        Keys of the start document and the values that are wanted.
    """

    scan_ids: tuple[int, ...] = ()
    uids: tuple[str, ...] = ()
    last: int | None = None
    since: float | None = None
    until: float | None = None
    search: Mapping[str, Any] = field(default_factory=dict)

    def matches(self, run: StoredRun) -> bool:
        """Tell whether a run is wanted, leaving `last` and negative scan numbers aside."""
        return (
            (self.since is None or run.time >= self.since)
            and (self.until is None or run.time < self.until)
            and all(run.start.get(key) == value for key, value in self.search.items())
            and (not self._names or self._is_named(run))
        )

    def pick(self, runs: Iterable[StoredRun]) -> list[StoredRun]:
        """Return the runs that are wanted, in the order of time.

        Raises
        ------
        SourceError
            A run that is named is not there.
        """
        if not self.search:  # a start document can be large, and there can be a million runs
            runs = (replace(run, start={}) for run in runs)
        ordered = sorted(runs, key=lambda run: run.time)
        named = [ordered[n] for n in self.scan_ids if n < 0 and -n <= len(ordered)]
        only_from_end = bool(named) and not self._names
        picked = [
            run for run in ordered if run in named or (self.matches(run) and not only_from_end)
        ]
        self._check_all_found(picked, len(ordered))
        if self.last is not None:
            picked = picked[-self.last :] if self.last > 0 else []
        return [replace(run, start={}) for run in picked]

    @property
    def _names(self) -> bool:
        return bool(self.uids) or any(number >= 0 for number in self.scan_ids)

    def _is_named(self, run: StoredRun) -> bool:
        return run.scan_id in self.scan_ids or any(run.uid.startswith(uid) for uid in self.uids)

    def _check_all_found(self, picked: list[StoredRun], known: int) -> None:
        for uid in self.uids:
            found = [run.uid for run in picked if run.uid.startswith(uid)]
            if not found:
                raise SourceError(f"there is no run whose uid begins with {uid!r}. {_LIST}")
            if len(set(found)) > 1:
                raise SourceError(
                    f"{len(set(found))} runs have a uid that begins with {uid!r}, such as "
                    f"{found[0]} and {found[-1]}: give more of it"
                )
        for number in self.scan_ids:
            if number < 0 and -number > known:
                raise SourceError(f"there is no run {number}: the source has {known} runs")
            if number >= 0 and all(run.scan_id != number for run in picked):
                raise SourceError(f"there is no run with scan_id {number}. {_LIST}")


class Source(ABC):
    """Finds runs and gives their documents."""

    @property
    def folder(self) -> Path | None:
        """The folder in which the documents are, where they are files; None elsewhere."""
        return None

    @abstractmethod
    def runs(self, selection: Selection) -> Iterator[StoredRun]:
        """Find runs; where that is quicker, only those that may be wanted."""

    @abstractmethod
    def documents(self, key: str) -> Iterator[tuple[str, Document]]:
        """Return the documents of a run that `runs` found."""

    def find(self, selection: Selection | None = None) -> list[StoredRun]:
        """Return the runs that are wanted, in the order of time.

        Raises
        ------
        SourceError
            A run that is named is not there, or the source cannot be read.
        """
        selection = selection or Selection()
        return selection.pick(self.runs(selection))


def stored_run(source: Source, key: str, start: Mapping[str, Any]) -> StoredRun:
    """Return a run as its start document tells of it."""
    time = seconds_of(start.get("time", 0.0))
    return StoredRun(
        source,
        key,
        uid=str(start.get("uid", "")),
        scan_id=start.get("scan_id"),
        time=0.0 if math.isnan(time) else time,
        plan=str(start.get("plan_name", "")),
        start=dict(start),
    )
