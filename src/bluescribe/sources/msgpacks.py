"""The documents of msgpack files, as suitcase-msgpack and databroker write them.

msgpack-numpy's own hook unpickles arrays of objects, which runs what their author likes; ours
makes the same arrays of the same bytes, and reads pickles without running anything.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..files.plain_pickle import PlainUnpickler, array_of
from ..model.run import Document
from .base import SourceError, import_extra

__all__ = ["loads_msgpack", "read_msgpack"]

logger = logging.getLogger(__name__)

_MOST_BYTES = 2**30
"""Of one document."""


def read_msgpack(path: Path, *, warns: bool = True) -> Iterator[tuple[str, Document]]:
    """Read the documents of a msgpack file; nothing in it is run.

    An array of Python objects, which is a pickle, comes with plain values and arrays alone: what
    is of another class comes as a text, with a warning.

    Parameters
    ----------
    path
        The file.
    warns
        Whether to warn, which is done once a file.

    Raises
    ------
    SourceError
        What is there is no document; it names the file.
    """
    msgpack = import_extra("msgpack", "databroker", "a pack of msgpack files")
    hook = _Hook(path, is_told=not warns)
    with path.open("rb") as file:
        found = msgpack.Unpacker(file, object_hook=hook, raw=False, max_buffer_size=_MOST_BYTES)
        number = 0
        while True:
            number += 1
            try:
                item = next(found, None)
            except Exception as error:  # whatever a hostile file makes msgpack raise
                raise SourceError(
                    f"{path}, document {number}: it cannot be read: {type(error).__name__}: {error}"
                ) from None
            if item is None:
                return
            if not _is_document(item):
                raise SourceError(f"{path}, document {number}: not a name and a document")
            yield item[0], item[1]


def loads_msgpack(data: bytes) -> Any:
    """Return what msgpack says, as `read_msgpack` has it.

    Raises
    ------
    Exception
        It is no msgpack, or a damaged one; of any kind, as msgpack has it.
    """
    msgpack = import_extra("msgpack", "databroker", "msgpack")
    hook = _Hook(Path("a message"), is_told=False)
    return msgpack.unpackb(data, object_hook=hook, raw=False, strict_map_key=False)


def _is_document(item: Any) -> bool:
    is_pair = isinstance(item, list | tuple) and len(item) == 2
    return is_pair and isinstance(item[0], str) and isinstance(item[1], dict)


class _Hook:
    """Makes arrays and numbers of what msgpack-numpy made of them.

    Parameters
    ----------
    path
        The file, for messages.
    is_told
        Whether somebody was told already of what is in it.
    """

    def __init__(self, path: Path, *, is_told: bool) -> None:
        self._path = path
        self._is_told = is_told

    def __call__(self, value: dict[Any, Any]) -> Any:
        """Return an array for the mapping that stands for one, and any other mapping itself."""
        if b"nd" in value and b"data" in value and b"type" in value:
            return self._array(value) if value[b"nd"] is True else _scalar(value)
        if b"complex" in value and b"data" in value:
            return complex(value[b"data"])
        return value

    def _array(self, value: Mapping[Any, Any]) -> Any:
        if value.get(b"kind") == b"O":
            return self._objects(value[b"data"])
        return array_of(value[b"type"], value[b"shape"], value[b"data"])

    def _objects(self, data: bytes) -> Any:
        try:
            reader = PlainUnpickler(data)
            array, unloaded = reader.load(), ", ".join(sorted(reader.unloaded))
        except Exception as error:
            array, unloaded = f"<an array of Python objects: {error}>", "a damaged pickle"
        if unloaded and not self._is_told:
            self._is_told = True
            logger.warning(
                "%s: an array of Python objects holds %s, which only running code of the file's "
                "author could read. Nothing was run; texts stand in place of them. Remedy: ask for "
                "the run as JSON Lines",
                self._path,
                unloaded,
            )
        return array


def _scalar(value: Mapping[Any, Any]) -> Any:
    return array_of(value[b"type"], (1,), value[b"data"])[0]
