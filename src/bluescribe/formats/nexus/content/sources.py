"""What a rule's source names: a reading, metadata, configuration, or any object of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ....assets.path_map import PathMap
from ....files.filling import filled_path
from ....hdf5.names import unique_name
from ....hdf5.tree import Dataset, External
from ....model.run import Run
from ..metadata import BLUESKY, value_node
from ..table import StreamTable
from .external import is_external, keys_of, parts_of

__all__ = ["Found", "Sources"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a source leads to."""

    path: str = ""
    """Of an object in the file; empty where the value stands nowhere by itself."""
    node: Dataset | None = None
    """The value, where `path` is empty."""
    external: External | None = None
    """A link to another file, which need not be there yet."""


class Sources:
    """Looks up sources of one run.

    Parameters
    ----------
    run
        Its start document and streams.
    tables
        Columns of its streams, by name.
    h5
        Its file.
    path_map
        Where other files are that it links.
    """

    def __init__(
        self,
        run: Run,
        tables: Mapping[str, StreamTable],
        h5: h5py.File,
        path_map: Mapping[str, Path],
    ) -> None:
        self._path_map = PathMap(path_map)
        self._run = run
        self._tables = tables
        self._h5 = h5

    def find(self, source: str) -> Found | None:
        """Return what a source leads to, None if that is not there (yet).

        Parameters
        ----------
        source
            ``stream/field`` (``primary/det``; ``baseline/field`` is its first reading, and
            ``baseline/field/value_end`` the last), ``metadata/key``, ``metadata/key/inner``,
            ``configuration/device/key``, a path such as ``/entry/...``, or ``file::/path`` in
            another file, whose keys in braces are of the start document, or sources themselves.
        """
        if is_external(source):
            return self._external(source)
        if source.startswith("/"):
            return self._at(source)
        kind, _, rest = source.partition("/")
        if kind == "metadata":
            return self._metadata(rest)
        if kind == "configuration":
            return self._configuration(rest)
        return self._reading(kind, rest)

    def value(self, found: Found) -> Any:
        """Return the value, numpy's for what stands in the file; text as text."""
        if found.node is not None:
            return found.node.value
        dataset = self._h5[found.path]
        value = dataset[()]
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def attributes(self, found: Found) -> dict[str, Any]:
        """Return the attributes of a value: units and what else is known of it."""
        if found.node is not None:
            return dict(found.node.attrs)
        return {k: v for k, v in self._h5[found.path].attrs.items() if k != "target"}

    def kind(self, found: Found) -> str:
        """Return numpy's letter for the type of a value; nothing of a group."""
        if found.node is not None:
            return str(np.asarray(found.node.value).dtype.kind)
        found_object = self._h5[found.path]
        return str(found_object.dtype.kind) if isinstance(found_object, h5py.Dataset) else ""

    def rows(self, found: Found) -> int:
        """Return the length of a column; 0 of what is none."""
        shape = np.shape(found.node.value) if found.node else self._h5[found.path].shape
        return shape[0] if shape else 0

    def matching(self, pattern: str, placeholder: str) -> Iterator[str]:
        """Yield what stands for a placeholder in the fields that a source's pattern matches."""
        stream, _, field = pattern.partition("/")
        before, _, after = field.partition(f"{{{placeholder}}}")
        wanted = re.compile(f"{re.escape(before)}(.+){re.escape(after)}")
        table = self._tables.get(stream)
        for name in table.stream.fields if table else ():
            found = wanted.fullmatch(name)
            if found:
                yield found[1]

    def _at(self, path: str) -> Found | None:
        link = self._h5.get(path, getlink=True)
        return Found(path) if isinstance(link, h5py.HardLink | h5py.ExternalLink) else None

    def _reading(self, stream: str, rest: str) -> Found | None:
        main = self._run.primary
        if stream == "primary" and main is not None:
            stream = main.name
        table = self._tables.get(stream)
        field, _, which = rest.partition("/")
        if table is None or field not in table.stream.fields:
            return None
        default = "value_start" if table.stream.is_baseline else "value"
        return self._at(f"{table.group_of(field)}/{which or default}")

    def _metadata(self, keys: str) -> Found | None:
        value: Any = self._run.start
        for key in keys.split("/"):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is None or isinstance(value, Mapping):
            return None
        path = f"{BLUESKY}/metadata/{unique_name(keys, ())}"
        node = value_node(value)
        if "/" in keys or np.ndim(node.value):  # there, lists are the YAML that apstools writes
            return Found(node=node)
        return self._at(path) or Found(node=node)

    def _external(self, source: str) -> Found | None:
        template, path = parts_of(source)
        values = dict(self._run.start)
        for key in keys_of(template):
            if "/" in key and (found := self.find(key)) is not None:
                values[key] = self._single(found)
        try:
            file = filled_path(template, values)
        except LookupError:
            return None
        return Found(external=External(str(self._path_map.apply(file)), path))

    def _single(self, found: Found) -> Any:
        """Return the one value of a column or an array; None if it has several."""
        value = self.value(found)
        if not isinstance(value, np.ndarray):
            return value
        (only,) = value.ravel().tolist() if value.size == 1 else (None,)
        return only.decode("utf-8", "replace") if isinstance(only, bytes) else only

    def _configuration(self, rest: str) -> Found | None:
        device, _, key = rest.partition("/")
        streams = self._h5.get(f"{BLUESKY}/configuration", {})
        for stream in streams:
            names = (stream, unique_name(device, ()), unique_name(key, ()))
            found = self._at("/".join((BLUESKY, "configuration", *names)))
            if found:
                return found
        return None
