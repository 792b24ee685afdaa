"""External files of runs on their way into a pack: which they are, and what they are called there.

databroker-pack puts an id in place of the folder that a resource names as its root, and has the
catalog map the id to a folder of the pack. We do the same, for stream_resources too.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..assets import uri_path
from ..run import Document
from ..sources.packs import URI

__all__ = ["ExternalFiles"]

_FIELD = re.compile(r"%[\d.]*d|\{[^{}]*\}")
"""The number of a file in the template of a sequence."""


class ExternalFiles:
    """The external files that documents name.

    Parameters
    ----------
    salt
        Makes the ids of this pack differ from those of others, so that packs can be merged.
    """

    def __init__(self, salt: str) -> None:
        self._salt = salt
        self.roots: dict[str, Path] = {}
        """The folder that each id stands for."""
        self.files: dict[str, set[Path]] = {}
        """Files under each id, relative to its folder."""
        self.missing: list[str] = []
        """Places where the documents name a file and none is."""

    def rename(self, name: str, doc: Document) -> Document:
        """Return a document as it is in the pack, and take note of the files that it names."""
        if name == "resource":
            root = Path(os.path.normpath(str(doc.get("root") or "/")))
            place = Path(os.path.normpath(root / str(doc["resource_path"]).lstrip("/")))
            if not place.is_relative_to(root):  # nothing is written outside of the pack
                root = place.parent
            key = self._take(root, place, doc.get("resource_kwargs") or {})
            return {**doc, "root": key, "resource_path": str(place.relative_to(root))}
        if name == "stream_resource" and str(doc.get("uri")).startswith("file:"):
            path = uri_path(doc["uri"])
            place = Path(path)
            key = self._take(place.parent, place, doc.get("parameters") or {})
            ending = "/" if path.endswith("/") else ""
            return {**doc, "uri": f"{URI}{key}/{quote(place.name)}{ending}"}
        return dict(doc)

    def _take(self, root: Path, place: Path, parameters: Mapping[str, Any]) -> str:
        key = hashlib.md5(f"{root}{self._salt}".encode(), usedforsecurity=False).hexdigest()
        self.roots[key] = root
        files = [path.relative_to(root) for path in _files_at(place, parameters)]
        self.files.setdefault(key, set()).update(files)
        if not files:
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
