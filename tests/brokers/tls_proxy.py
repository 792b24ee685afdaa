"""What encrypts in front of a broker: librdkafka's mock brokers speak plainly only."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import suppress
from pathlib import Path

HOST = b"127.0.0.1"


class TlsProxy:
    """Takes encrypted connections, and names itself where the broker's answers name the broker."""

    def __init__(self, port: int, certificate: Path, key: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._broker = port
        self._theirs = HOST + struct.pack(">i", port)
        self._ours = HOST + struct.pack(">i", self.port)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        """Pass on whole messages, one after the other, which begin with their size."""
        with (
            suppress(OSError),
            self._context.wrap_socket(plain, server_side=True) as client,
            socket.create_connection(("127.0.0.1", self._broker)) as broker,
        ):
            while True:
                _pass_on(client, broker)
                head, body = _message(broker)
                client.sendall(head + body.replace(self._theirs, self._ours))


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    target.sendall(b"".join(_message(source)))


def _message(source: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(source, 4)
    return head, _exactly(source, struct.unpack(">i", head)[0])


def _exactly(source: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = source.recv(size - len(data))
        if not piece:
            raise ConnectionResetError
        data += piece
    return bytes(data)
