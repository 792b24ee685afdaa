"""Documents that are at hand: a list, a generator, a run object that gives them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..model.run import Document
from .base import Selection, Source, SourceError, StoredRun, stored_run
from .chronology import in_order, is_shuffled

__all__ = ["DocumentsSource", "RunObjectSource", "plain", "remap_roots"]


class DocumentsSource(Source):
    """Documents of one run, or of several that were taken at the same time.

    Parameters
    ----------
    documents
        Pairs of name and document. An iterator is used up by the first reading.
    """

    def __init__(self, documents: Iterable[tuple[str, Document]]) -> None:
        self._documents = documents if isinstance(documents, list | tuple) else None
        iterator = iter(documents)
        first = next(iterator, None)
        if first is None or first[0] != "start":
            found = "nothing" if first is None else f"a {first[0]}"
            raise SourceError(f"documents of a run begin with its start, found {found}")
        self._start = dict(first[1])
        self._rest: Iterator[tuple[str, Document]] | None = itertools.chain([first], iterator)

    def runs(self, selection: Selection) -> Iterator[StoredRun]:
        """Give the one run that there is."""
        yield stored_run(self, str(self._start.get("uid", "")), self._start)

    def documents(self, key: str) -> Iterator[tuple[str, Document]]:
        """Give the documents."""
        if self._documents is not None:
            return iter(self._documents)
        if self._rest is None:
            raise SourceError("an iterator of documents can be read once: give a list instead")
        rest, self._rest = self._rest, None
        return rest

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the documents themselves to another process, an iterator as a list."""
        if self._documents is None:
            self._documents = list(self.documents(""))
        return DocumentsSource, (self._documents,)


class RunObjectSource(Source):
    """A run object of databroker (v1 or v2) or tiled, already in this process.

    Parameters
    ----------
    run
        Has ``documents()``, or is a ``Header``.
    """

    def __init__(self, run: Any) -> None:
        self._run = run

    def runs(self, selection: Selection) -> Iterator[StoredRun]:
        """Give the one run that there is."""
        start = start_of(self._run)
        yield stored_run(self, str(start.get("uid", "")), start)

    def documents(self, key: str) -> Iterator[tuple[str, Document]]:
        """Give the documents as they were taken: external data stay where they are."""
        return documents_of(self._run)

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the documents to another process: a run object holds connections."""
        return DocumentsSource, (list(self.documents("")),)


def start_of(run: Any) -> Mapping[str, Any]:
    """Return the start document of a run object."""
    metadata = getattr(run, "metadata", None)
    start = metadata["start"] if isinstance(metadata, Mapping) else run.start
    return plain(start)  # type: ignore[no-any-return]  # a mapping stays one


def documents_of(
    run: Any, root_map: Mapping[str, str] | None = None
) -> Iterator[tuple[str, Document]]:
    """Return the documents of a run object, external data not filled in."""
    # databroker's v2 runs, which have `canonical`, take a word; all others take a bool
    documents = run.documents(fill="no" if hasattr(run, "canonical") else False)
    found = remap_roots(((name, plain(doc)) for name, doc in documents), root_map or {})
    return in_order(found) if is_shuffled(run) else found


def remap_roots(
    documents: Iterable[tuple[str, Document]], root_map: Mapping[str, str]
) -> Iterator[tuple[str, Document]]:
    """Put the folder in which external files are now in place of the one that was recorded."""
    for name, doc in documents:
        if name == "resource" and doc.get("root") in root_map:
            yield name, {**doc, "root": root_map[doc["root"]]}
        else:
            yield name, doc


def plain(value: Any) -> Any:
    """Return plain dictionaries and lists in place of a library's own containers."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value] if not _is_flat(value) else list(value)
    return value


def _is_flat(values: list[Any] | tuple[Any, ...]) -> bool:
    return {float, int, str, bool, type(None)}.issuperset(map(type, values))
