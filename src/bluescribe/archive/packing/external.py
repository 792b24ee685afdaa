"""External files of runs that are packed: which they are, and their names in the pack.

databroker-pack puts an id in place of the folder that a resource names as its root, and has the
catalog map the id to a folder of the pack. We do the same, for stream_resources too.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import quote

from ...assets.asset import uri_path
from ...model.run import Document
from ...sources.packs import URI
from .roots import Roots

__all__ = ["ExternalFiles"]

_FIELD = re.compile(r"%[\d.]*d|\{[^{}]*\}")
"""The number of a file in the template of a sequence."""
_HIDDEN = "not-packed"
"""The folder in which files are said to be that may not be packed."""
_MOST_REFUSED = 1_000
"""Folders that are remembered."""


class ExternalFiles:
    """The external files that documents name.

    Parameters
    ----------
    salt
        Makes the ids of this pack differ from those of others, so that packs can be merged.
    roots
        Says whether a file may be packed; None packs none, and files are only named.
    locate
        Returns where a file is here that its producer calls by another path.
    """

    def __init__(self, salt: str, roots: Roots | None, locate: Callable[[str], Path]) -> None:
        self._salt = salt
        self._roots = roots
        self._locate = locate
        self.roots: dict[str, Path] = {}
        """The folder that each id stands for."""
        self.files: dict[str, dict[Path, Path | None]] = {}
        """Files under each id, relative to its folder; with each the folder of its source."""
        self.missing: list[str] = []
        """Places where the documents name a file and none is."""
        self.refused: dict[Path, int] = {}
        """Folders from which nothing may be packed, and how often documents name files there."""

    def rename(self, name: str, doc: Document, own: Path | None) -> Document:
        """Return a document as it is in the pack, and take note of the files that it names.

        Parameters
        ----------
        name, doc
            The document.
        own
            Folder of the source that gives it.
        """
        if name == "resource":
            root, place = self._places(doc)
            key = self._take(root, place, doc.get("resource_kwargs") or {}, own)
            if key:
                return {**doc, "root": key, "resource_path": str(place.relative_to(root))}
        if name == "stream_resource" and str(doc.get("uri")).startswith("file:"):
            path = uri_path(doc["uri"])
            place = Path(os.path.normpath(self._locate(path)))
            key = self._take(place.parent, place, doc.get("parameters") or {}, own)
            ending = "/" if path.endswith("/") else ""
            if key:
                return {**doc, "uri": f"{URI}{key}/{quote(place.name)}{ending}"}
        return dict(doc)

    def hide(self, name: str, doc: Document, own: Path | None) -> Document:
        """Return a document, with a path that leads nowhere if its file may not be packed.

        So formats that copy images do not find such files.
        """
        told: dict[str, str]
        if name == "resource":
            _, place = self._places(doc)
            told = {"root": "/", "resource_path": f"{_HIDDEN}/{place.name}"}
            parameters = doc.get("resource_kwargs") or {}
        elif name == "stream_resource" and str(doc.get("uri")).startswith("file:"):
            place = Path(os.path.normpath(self._locate(uri_path(doc["uri"]))))
            told = {"uri": f"{URI}{_HIDDEN}/{quote(place.name)}"}
            parameters = doc.get("parameters") or {}
        else:
            return doc
        is_allowed = self.allow(place, own) and all(
            self.allow(path, own) for path in _files_at(place, parameters)
        )
        return doc if is_allowed else {**doc, **told}

    def allow(self, path: Path, own: Path | None) -> bool:
        """Return whether a file may be packed, and take note where it may not."""
        is_allowed = self._roots is None or self._roots.allow(path, own)
        if not is_allowed and (path.parent in self.refused or len(self.refused) < _MOST_REFUSED):
            self.refused[path.parent] = self.refused.get(path.parent, 0) + 1
        return is_allowed

    def _places(self, doc: Document) -> tuple[Path, Path]:
        """Return the root of a resource and the place that it names, as they are called here."""
        kind = PureWindowsPath if doc.get("path_semantics") == "windows" else PurePosixPath
        told = kind(str(doc.get("root") or "/"))
        slashes = "/" if kind is PurePosixPath else "/\\"
        full = kind(told, str(doc["resource_path"]).lstrip(slashes))
        root = Path(os.path.normpath(self._locate(str(told))))
        place = Path(os.path.normpath(self._locate(str(full))))
        is_inside = place.is_relative_to(root)  # nothing is written outside of the pack
        return root if is_inside else place.parent, place

    def _take(
        self, root: Path, place: Path, parameters: Mapping[str, Any], own: Path | None
    ) -> str:
        """Return the id of a root; nothing if what is there may not be packed."""
        if not self.allow(place, own):
            return ""
        key = hashlib.md5(f"{root}{self._salt}".encode(), usedforsecurity=False).hexdigest()
        self.roots[key] = root
        found = list(_files_at(place, parameters))
        files = self.files.setdefault(key, {})
        files.update((path.relative_to(root), own) for path in found if self.allow(path, own))
        if not found:
            self.missing.append(str(place))
        return key


def _files_at(place: Path, parameters: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the file at a place, or those of the sequence that begins or lies there."""
    if place.is_file():
        yield place
        return
    if not place.is_dir():
        pattern = glob.escape(place.name) + "*"
        yield from sorted(path for path in place.parent.glob(pattern) if path.is_file())
        return
    template, name = parameters.get("template"), parameters.get("filename")
    if isinstance(name, str) and name:
        pattern = glob.escape(name) + "*"
    elif isinstance(template, str) and _FIELD.search(template) and "%s" not in template:
        pattern = "*".join(map(glob.escape, _FIELD.split(template)))
    else:
        pattern = "*"
    yield from sorted(path for path in place.glob(pattern) if path.is_file())
