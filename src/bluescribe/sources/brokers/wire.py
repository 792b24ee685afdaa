"""How a document travels: in msgpack, as bluesky-kafka has it, or in JSON; in parts if it is large.

Nothing of it is a pickle, in neither direction. What msgpack has no form for, such as an integer of
more than 64 bits, goes as JSON, which has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import ConfigError, DocumentError
from ...extras import import_extra
from ...files.json_text import dumps
from ...model.grammar import check_name
from ..decoding import decoded
from ..msgpacks import loads_msgpack

__all__ = ["ENCODINGS", "UNSTOPPED", "Assembly", "Frame", "frames_of"]

ENCODINGS = ("msgpack", "json")
UNSTOPPED = "unstopped"
"""In the place of a stop document: the run gets none."""
_MOST_BYTES = 2**31
"""Of one document, all parts together: nobody may fill a listener's memory."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A document of a run, or a part of it.

    Parameters
    ----------
    number
        Of the document in its run, from 1 on: what comes twice is known by it.
    part, parts
        Which part it is, from 0 on, and of how many.
    name
        Of the document: ``start``, ``event``...
    encoding
        One of `ENCODINGS`.
    body
        The part.
    """

    number: int
    part: int
    parts: int
    name: str
    encoding: str
    body: bytes

    @property
    def head(self) -> dict[str, str]:
        """All but the body, as brokers send it along."""
        return {
            "number": str(self.number),
            "part": f"{self.part}/{self.parts}",
            "name": self.name,
            "encoding": self.encoding,
        }

    @classmethod
    def of(cls, head: Mapping[str, str], body: bytes) -> Frame:
        """Return the frame that a broker delivered.

        Raises
        ------
        DocumentError
            It is none of ours.
        """
        try:
            part, _, parts = head["part"].partition("/")
            frame = cls(
                int(head["number"]), int(part), int(parts), head["name"], head["encoding"], body
            )
        except (KeyError, ValueError) as error:
            raise DocumentError(f"a message has no head of bluescribe's: {error!r}") from None
        if not (frame.number > 0 and 0 <= frame.part < frame.parts):
            raise DocumentError(f"a message has a head that cannot be: {dict(head)}")
        return frame


def frames_of(
    number: int, name: str, doc: Mapping[str, Any], *, encoding: str, part_bytes: int
) -> Iterator[Frame]:
    """Yield a document as it travels.

    Raises
    ------
    DocumentError
        It cannot be written in any form.
    """
    body, encoding = _encoded(doc, encoding)
    parts = max(1, -(-len(body) // part_bytes))
    for part in range(parts):
        piece = body[part * part_bytes : (part + 1) * part_bytes]
        yield Frame(number, part, parts, name, encoding, piece)


def _encoded(doc: Mapping[str, Any], encoding: str) -> tuple[bytes, str]:
    if encoding not in ENCODINGS:
        raise ConfigError(f"encoding {encoding!r}: write one of {', '.join(ENCODINGS)}")
    if encoding == "msgpack":
        msgpack = import_extra("msgpack", "redis", "sending documents")
        try:
            return msgpack.packb(doc, default=_as_msgpack_numpy), "msgpack"
        except (TypeError, ValueError, OverflowError):
            pass  # what it has no form for
    return dumps(doc), "json"


def _as_msgpack_numpy(value: Any) -> Any:
    """Return an array or a number of numpy as msgpack-numpy writes it."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufcSUMm":
        array = {b"nd": isinstance(value, np.ndarray), b"type": value.dtype.str}
        if isinstance(value, np.ndarray):
            array |= {b"kind": b"", b"shape": value.shape}
        return {**array, b"data": value.tobytes()}
    if isinstance(value, complex):
        return {b"complex": True, b"data": repr(value)}
    raise TypeError(f"{type(value).__name__} has no form in msgpack")


@dataclass(slots=True)
class Assembly:
    """The documents of one run, put together from what comes; what came before is left out."""

    last: int = 0
    """Number of the last document that was whole."""
    _parts: list[bytes] = field(default_factory=list)
    _number: int = 0
    _size: int = 0

    def add(self, frame: Frame) -> tuple[str, dict[str, Any]] | None:
        """Return the document that is whole with this frame, if it is.

        Raises
        ------
        DocumentError
            It cannot be read, or one before it is missing.
        """
        if frame.number <= self.last:
            return None
        if frame.part == 0:
            self._parts, self._number, self._size = [], frame.number, 0
        elif frame.number != self._number or frame.part < len(self._parts):
            return None  # of a sender that began again
        if frame.part != len(self._parts):
            raise DocumentError(f"part {len(self._parts)} of document {frame.number} is missing")
        self._size += len(frame.body)
        if self._size > _MOST_BYTES:
            raise DocumentError(f"document {frame.number} has over {_MOST_BYTES} bytes")
        self._parts.append(frame.body)
        if frame.part + 1 < frame.parts:
            return None
        data, self._parts, self.last = b"".join(self._parts), [], frame.number
        if frame.name != UNSTOPPED:
            check_name(frame.name)
        read = json.loads if frame.encoding == "json" else loads_msgpack
        return frame.name, decoded(frame.name, data, read)
