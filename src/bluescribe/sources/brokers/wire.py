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
"""Of one run that wait for what is missing: nobody may fill a listener's memory."""


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
class _Pieces:
    """A document of which not all parts are there."""

    first: Frame
    bodies: dict[int, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(map(len, self.bodies.values()))

    @property
    def is_whole(self) -> bool:
        return len(self.bodies) == self.first.parts

    def fits(self, frame: Frame) -> bool:
        """Tell whether a part was cut as the others were."""
        mine = self.first
        return (frame.parts, frame.encoding) == (mine.parts, mine.encoding)


@dataclass(slots=True)
class Assembly:
    """The documents of one run in their order, put together from what comes in whatever order.

    What comes again is left out. What comes before its turn waits: its sender sends again what did
    not arrive.
    """

    last: int = 0
    """Number of the last document that was taken."""
    _waiting: dict[int, _Pieces] = field(default_factory=dict)
    _size: int = 0

    @property
    def is_waiting(self) -> bool:
        """Whether a document came, and not all that is before it."""
        return bool(self._waiting)

    def add(self, frame: Frame) -> None:
        """Take a document, or a part of one."""
        if frame.number <= self.last:
            return
        pieces = self._waiting.get(frame.number)
        if pieces is None or not pieces.fits(frame):
            self._size -= pieces.size if pieces is not None else 0
            pieces = self._waiting[frame.number] = _Pieces(frame)
        if frame.part not in pieces.bodies:
            pieces.bodies[frame.part] = frame.body
            self._size += len(frame.body)

    def take(self, *, skips: bool = False) -> tuple[str, dict[str, Any]] | None:
        """Return the next document; None if it is not there or not whole.

        Parameters
        ----------
        skips
            Go on behind what is missing, which is raised once.

        Raises
        ------
        DocumentError
            It cannot be read, or is missing. The next call goes on behind it.
        """
        skips = skips or self._size > _MOST_BYTES
        number = self.last + 1
        pieces = self._waiting.get(number)
        if pieces is None and skips and self._waiting:
            self.last = min(self._waiting) - 1
            raise DocumentError(f"documents {number} to {self.last} did not arrive")
        if pieces is None or not (pieces.is_whole or skips):
            return None
        self.last = number
        del self._waiting[number]
        self._size -= pieces.size
        if not pieces.is_whole:
            raise DocumentError(f"document {number} did not arrive whole")
        body = b"".join(pieces.bodies[part] for part in range(pieces.first.parts))
        name, encoding = pieces.first.name, pieces.first.encoding
        if name != UNSTOPPED:
            check_name(name)
        return name, decoded(name, body, json.loads if encoding == "json" else loads_msgpack)
