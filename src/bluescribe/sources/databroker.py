"""Catalogs of databroker 1.x, whatever stores them: MongoDB, msgpack, JSON Lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..model.run import Document
from .base import Selection, Source, SourceError, StoredRun, import_extra, stored_run
from .documents import documents_of, start_of

__all__ = ["DatabrokerSource"]


class DatabrokerSource(Source):
    """A catalog.

    Parameters
    ----------
    catalog
        Its name in ``databroker.catalog``, or the catalog itself (v1 or v2), which cannot be sent
        to another process.

    Raises
    ------
    MissingExtraError
        databroker is not installed.
    SourceError
        There is no catalog of that name.
    """

    def __init__(self, catalog: Any) -> None:
        self._name = catalog if isinstance(catalog, str) else None
        self._catalog = _open(catalog) if isinstance(catalog, str) else catalog
        # the v1 interface keeps the catalog that it wraps; a v2 catalog's `v2` is itself
        self._catalog = getattr(self._catalog, "v2", self._catalog)

    def runs(self, selection: Selection) -> Iterator[StoredRun]:
        """Search for the runs; the latest ones are asked for by their places."""
        newest = [-number for number in selection.scan_ids if number < 0]
        is_narrowed = _query(selection) or selection.uids
        if (newest or selection.last) and not is_narrowed:
            most = max([*newest, selection.last or 0])
            yield from self._latest(most)
            return
        found = self._catalog if newest else self._search(selection)
        for uid in list(found):
            yield self._run(found[uid])

    def documents(self, key: str) -> Iterator[tuple[str, Document]]:
        """Read a run; where the catalog's ``root_map`` moves external files, so do we."""
        return documents_of(self._catalog[key], getattr(self._catalog, "root_map", None))

    def _latest(self, most: int) -> Iterator[StoredRun]:
        for number in range(1, min(most, len(self._catalog)) + 1):
            yield self._run(self._catalog[-number])

    def _search(self, selection: Selection) -> Any:
        query = _query(selection)
        if selection.uids:
            starts = [{"uid": {"$regex": "^" + re.escape(uid)}} for uid in selection.uids]
            numbers = query.pop("scan_id", None)
            query["$or"] = starts if numbers is None else [*starts, {"scan_id": numbers}]
        return self._catalog.search(query) if query else self._catalog

    def _run(self, run: Any) -> StoredRun:
        start = start_of(run)
        return stored_run(self, str(start["uid"]), start)

    def __reduce__(self) -> tuple[Any, ...]:
        """Open the catalog by its name in another process."""
        if self._name is None:
            raise TypeError("give the name of the catalog, so that other processes can open it")
        return DatabrokerSource, (self._name,)


def _query(selection: Selection) -> dict[str, Any]:
    """Return what MongoDB would be asked, uids aside."""
    query: dict[str, Any] = dict(selection.search)
    period = {"$gte": selection.since, "$lt": selection.until}
    if any(bound is not None for bound in period.values()):
        query["time"] = {key: bound for key, bound in period.items() if bound is not None}
    numbers = [number for number in selection.scan_ids if number >= 0]
    if numbers:
        query["scan_id"] = {"$in": numbers}
    return query


def _open(name: str) -> Any:
    databroker = import_extra("databroker", "databroker", f"the catalog {name!r}")
    if not hasattr(databroker, "catalog"):
        raise SourceError(
            f"databroker {databroker.__version__} has no catalogs by name: "
            "pip install 'databroker<2', or give the URL of its tiled server"
        )
    try:
        return databroker.catalog[name]
    except KeyError:
        known = ", ".join(sorted(map(str, databroker.catalog))) or "none"
        raise SourceError(f"databroker has no catalog {name!r}; catalogs are: {known}") from None
