"""Writers in a process of their own: documents come over 0MQ from a bluesky proxy."""

from __future__ import annotations

import json
import logging
import pickle
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError, DocumentError
from ..extras import import_extra
from ..files.plain_pickle import PlainUnpickler
from ..model.grammar import check_name
from ..session.subscribe import make_writers
from ..session.writers import Writers
from ..sources.decoding import decoded
from .health import Health
from .service import tell_systemd
from .signals import ending_signals

__all__ = ["listen"]

logger = logging.getLogger(__name__)

_PORTS = 65_536
_PAUSE_SECONDS = 1.0
"""Between a fault of the connection and the next try."""
_LOOK_MILLISECONDS = 100
"""How soon it is seen that the listening is to end."""
_DECODINGS = ("plain", "json", "pickle")
_MOST_TOLD = 10
"""Different causes of refusals, and classes that are not loaded, of which each is told."""


def listen(
    address: str,
    iconfig: str | Path | Mapping[str, Any] = "iconfig.yml",
    *,
    prefix: str = "",
    decode: str = "plain",
    writers: Writers | None = None,
    ready: threading.Event | None = None,
    stop: threading.Event | None = None,
    health: Health | None = None,
) -> Writers:
    """Write what a bluesky proxy sends, until SIGINT or SIGTERM ends it.

    The connection comes back by itself when the proxy was restarted. Documents that were sent
    meanwhile are lost to every subscriber: 0MQ does not keep them. A message that is no document
    is refused, with a warning, and costs no other.

    Parameters
    ----------
    address
        ``host:port`` on which the proxy sends, its out address.
    iconfig
        Path of ``iconfig.yml``, or its content.
    prefix
        Of the publishers to listen to; empty for all.
    decode
        How messages are read. ``plain``: the pickles that bluesky's ``Publisher`` sends, of plain
        values and arrays; a value of any other class becomes a text, and no code of the sender's
        is run. ``json``: what ``Publisher(..., serializer=...)`` sends that way. ``pickle``:
        ``pickle.loads``, as bluesky's ``RemoteDispatcher`` does unless it is told otherwise;
        whoever can send to the proxy can run code in this process.
    writers
        In place of those that `iconfig` switches on.
    ready
        Is set when the socket has been made.
    stop
        Ends the listening when it is set.
    health
        Is told how it goes.

    Returns
    -------
    Writers
        The writers, closed: every file is complete as far as its documents came.

    Raises
    ------
    ConfigError
        The configuration or the address is not allowed, or no writer is switched on.
    """
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    if not (host and port.isdigit() and 0 < int(port) < _PORTS):
        raise ConfigError(f"{address!r}: write host:port, such as localhost:5578")
    if decode not in _DECODINGS:
        raise ConfigError(f"--decode {decode}: write one of {', '.join(_DECODINGS)}")
    import_extra("zmq", "zmq", "listening")
    if writers is None:
        writers = make_writers(iconfig)
    if writers.are_idle:
        raise ConfigError(f"no writer is switched on: set ENABLE: true in a block of {iconfig}")
    stop, health = stop or threading.Event(), health or Health(address)
    health.watch(writers)
    listener = _Listener(address, prefix.encode(), decode, writers.post)
    with writers, ending_signals(stop):
        while not stop.is_set():
            try:
                _receive(f"tcp://{host}:{port}", listener, ready, stop, health)
            except Exception as error:  # of the connection: a message that is refused ends nothing
                health.turn(str(error))
                logger.exception("listening at %s failed; trying again", address)
                stop.wait(_PAUSE_SECONDS)
        health.is_stopping = True
        tell_systemd("STOPPING=1")
    listener.tell_of_all()
    return writers


def _receive(
    address: str,
    listener: _Listener,
    ready: threading.Event | None,
    stop: threading.Event,
    health: Health,
) -> None:
    """Receive messages until `stop` is set."""
    zmq = import_extra("zmq", "zmq", "listening")
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.SUBSCRIBE, listener.topic)
        socket.connect(address)
        if ready is not None:
            ready.set()
        while not stop.is_set():
            health.turn()
            if socket.poll(_LOOK_MILLISECONDS):
                parts = socket.recv_multipart()
                health.receive(sum(map(len, parts)))
                listener.take(parts)


class _Listener:
    """What is made of the messages, one at a time.

    Parameters
    ----------
    address
        Where they come from, for people.
    prefix
        Of those that are wanted; empty for all.
    decode
        How documents are read.
    post
        Takes the documents. It waits for nothing: 0MQ drops what comes while nobody takes it.
    """

    def __init__(
        self, address: str, prefix: bytes, decode: str, post: Callable[[str, Any], None]
    ) -> None:
        self.topic = prefix + b" " if prefix else b""
        """How messages begin that are wanted."""
        self._address = address
        self._post = post
        readers: tuple[Callable[[bytes], Any], ...] = (self._plain, _json, pickle.loads)
        self._read = dict(zip(_DECODINGS, readers, strict=True))[decode]
        self._refused = 0
        self._told: set[str] = set()

    def take(self, parts: list[bytes]) -> None:
        """Hand on the document of a message; refuse what is none, whatever it is."""
        try:
            name, data = _split(parts)
            doc = decoded(name, data, self._read)
            self._post(name, doc)
        except DocumentError as error:
            self._refuse(str(error))
        except Exception as error:
            self._refuse(f"it cannot be taken: {type(error).__name__}: {error}")

    def tell_of_all(self) -> None:
        """Tell how many messages were refused, if there were any."""
        if self._refused:
            logger.warning("listening at %s: %d messages refused", self._address, self._refused)

    def _plain(self, data: bytes) -> Any:
        reader = PlainUnpickler(data)
        doc = reader.load()
        for origin in reader.unloaded:
            self._tell_once(
                f"{origin}: values of this class are written as texts, as no class of a sender is "
                "loaded. If you trust all who can send there: --decode pickle"
            )
        return doc

    def _refuse(self, cause: str) -> None:
        self._refused += 1
        self._tell_once(f"a message is refused, and each of its kind: {cause}")

    def _tell_once(self, text: str) -> None:
        if text not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(text)
            more = ". Others are only counted from now on" if len(self._told) == _MOST_TOLD else ""
            logger.warning("listening at %s: %s%s", self._address, text, more)


def _split(parts: list[bytes]) -> tuple[str, bytes]:
    """Return the name and the bytes of a document: a message is prefix, name and document."""
    fields = parts[0].split(b" ", 2)
    if len(parts) != 1 or len(fields) != 3:
        raise DocumentError("it is no message of a bluesky Publisher")
    name = fields[1].decode("utf-8", "replace")
    check_name(name)
    return name, fields[2]


def _json(data: bytes) -> Any:
    if data.startswith(b"\x80"):
        raise DocumentError(
            "it is a pickle, and JSON was asked for: leave --decode away, or give the Publisher a "
            "serializer that makes JSON"
        )
    return json.loads(data)
