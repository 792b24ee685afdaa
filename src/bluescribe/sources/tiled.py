"""Catalogs of runs on a tiled server, through bluesky-tiled-plugins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..model.run import Document
from .base import Selection, Source, SourceError, StoredRun, import_extra, stored_run
from .documents import documents_of, start_of

__all__ = ["TiledSource"]

_WHAT = "a tiled server"
_REMEDY = (
    "The server has to give documents: install bluesky-tiled-plugins there, and add to media_types "
    "in its configuration, under BlueskyRun, "
    "application/json-seq: bluesky_tiled_plugins.exporters:json_seq_exporter"
)


class TiledSource(Source):
    """A catalog of runs on a server.

    Parameters
    ----------
    catalog
        The URL of the catalog, as ``tiled.client.from_uri`` takes it, or the catalog itself. The
        key to the server comes from ``TILED_API_KEY`` or from tiled's own login.

    Raises
    ------
    MissingExtraError
        tiled or bluesky-tiled-plugins is not installed.
    SourceError
        The server cannot be reached, or what is there is no catalog of runs.
    """

    def __init__(self, catalog: Any) -> None:
        self._url = catalog if isinstance(catalog, str) else None
        self._catalog = _open(catalog) if isinstance(catalog, str) else catalog

    def runs(self, selection: Selection) -> Iterator[StoredRun]:
        """Search for the runs on the server."""
        if hasattr(self._catalog, "documents"):
            yield self._run(self._catalog)
            return
        newest = [-number for number in selection.scan_ids if number < 0]
        found = self._catalog if newest else self._search(selection)
        is_narrowed = selection.uids or any(number >= 0 for number in selection.scan_ids)
        if (newest or selection.last) and not is_narrowed and not selection.search:
            found = found.values().tail(max([*newest, selection.last or 0]))
        else:
            found = found.values()
        for run in found:
            yield self._run(run)

    def documents(self, key: str) -> Iterator[tuple[str, Document]]:
        """Ask the server for the documents of a run."""
        is_run = hasattr(self._catalog, "documents")
        run = self._catalog if is_run else self._catalog[key]
        try:
            for name, doc in documents_of(run):
                if doc:  # the server gives an empty stop document for a run that has none
                    yield name, doc
        except Exception as error:
            if "json-seq" not in str(error):
                raise
            raise SourceError(f"{error}. {_REMEDY}") from None

    def _search(self, selection: Selection) -> Any:
        queries = import_extra("bluesky_tiled_plugins.queries", "tiled", _WHAT)
        found = self._catalog
        if selection.since is not None or selection.until is not None:
            times = queries.TimeRange(since=selection.since, until=selection.until)
            found = found.search(times)
        for key, value in selection.search.items():
            found = found.search(queries.Eq(key, value))
        numbers = [number for number in selection.scan_ids if number >= 0]
        if len(numbers) == 1 and not selection.uids:
            found = found.search(queries.Eq("scan_id", numbers[0]))
        return found

    def _run(self, run: Any) -> StoredRun:
        start = start_of(run)
        return stored_run(self, str(start["uid"]), start)

    def __reduce__(self) -> tuple[Any, ...]:
        """Connect to the server again in another process."""
        if self._url is None:
            raise TypeError("give the URL of the catalog, so that other processes can open it")
        return TiledSource, (self._url,)


def _open(url: str) -> Any:
    client = import_extra("tiled.client", "tiled", _WHAT)
    import_extra("bluesky_tiled_plugins", "tiled", _WHAT)
    httpx = import_extra("httpx", "tiled", _WHAT)
    try:
        found = client.from_uri(url)
    except (httpx.HTTPError, ValueError) as error:
        remedy = ". The key to it goes into TILED_API_KEY" if "401" in str(error) else ""
        raise SourceError(f"{url} cannot be read: {error}{remedy}") from None
    if hasattr(found, "documents") or hasattr(found, "scan_id"):
        return found
    inside = ", ".join(list(found)[:10]) if hasattr(found, "keys") else "nothing"
    raise SourceError(
        f"{url} is no catalog of Bluesky runs; it holds {inside}. Add the catalog to the URL, "
        "such as http://host:8000/api/v1/metadata/raw"
    )
