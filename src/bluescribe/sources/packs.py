"""Folders that databroker-pack or ``bluescribe pack`` made: documents and their external files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from ..model.run import Document
from .base import Selection, Source, SourceError, StoredRun, stored_run
from .chronology import in_order
from .documents import remap_roots
from .jsonlines import read_journal
from .msgpacks import read_msgpack

__all__ = ["CATALOG", "URI", "PackSource", "is_pack"]

CATALOG = "catalog.yml"
URI = "file://localhost/"
"""What comes before the id of a root in the URI of a stream_resource in our packs."""

_SUFFIXES = {"bluesky-jsonl-catalog": ".jsonl", "bluesky-msgpack-catalog": ".msgpack"}


def is_pack(path: Path) -> bool:
    """Tell whether a folder is a pack."""
    return (path / CATALOG).is_file()


class PackSource(Source):
    """A pack, wherever it was copied to: its paths are taken relative to it.

    Parameters
    ----------
    path
        The folder that holds ``catalog.yml``.

    Raises
    ------
    SourceError
        What is there is no pack that can be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        args, driver, maker = self._description()
        self._suffix = _SUFFIXES[driver]
        self._is_shuffled = maker != "bluescribe"
        roots = args.get("root_map") or {}
        self._root_map = {str(old): str((path / new).resolve()) for old, new in roots.items()}

    @property
    def folder(self) -> Path:
        """The pack itself."""
        return self.path

    def runs(self, selection: Selection) -> Iterator[StoredRun]:
        """Look at the first document of each run."""
        for path in sorted((self.path / "documents").glob(f"*{self._suffix}")):
            first = next(self._reader(warns=False)(path), None)
            if first is None or first[0] != "start":
                raise SourceError(f"{path} does not begin with the start of a run")
            yield stored_run(self, path.name, first[1])

    def documents(self, key: str) -> Iterator[tuple[str, Document]]:
        """Read a run; its external files are those in the pack, if they were packed."""
        found = remap_roots(self._reader()(self.path / "documents" / key), self._root_map)
        for name, doc in in_order(found) if self._is_shuffled else found:
            yield name, self._moved(doc) if name == "stream_resource" else doc

    def __reduce__(self) -> tuple[Any, ...]:
        """Open the pack in another process, which may be in another folder."""
        return PackSource, (self.path.absolute(),)

    def _moved(self, doc: Document) -> Document:
        """Put the place where a streamed file is now into its stream_resource."""
        root, _, rest = str(doc.get("uri", "")).removeprefix(URI).partition("/")
        if root not in self._root_map:
            return doc
        return {**doc, "uri": f"{URI.rstrip('/')}{quote(self._root_map[root])}/{rest}"}

    def _reader(self, *, warns: bool = True) -> Callable[[Path], Iterator[tuple[str, Document]]]:
        return read_journal if self._suffix == ".jsonl" else partial(read_msgpack, warns=warns)

    def _description(self) -> tuple[dict[str, Any], str, str]:
        """Return what ``catalog.yml`` says, its driver, and the library that made the pack."""
        place = self.path / CATALOG
        try:
            source = yaml.safe_load(place.read_text(encoding="utf-8"))["sources"]["packed_catalog"]
            args, driver = source["args"], source["driver"]
            maker = source.get("metadata", {}).get("generated_by", {}).get("library", "")
        except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise SourceError(f"{place} is not that of a databroker pack: {error!r}") from None
        if driver not in _SUFFIXES:
            raise SourceError(f"{place}: driver {driver!r}; known are {', '.join(_SUFFIXES)}")
        return args, driver, maker
