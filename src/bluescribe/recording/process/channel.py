"""Messages between a session and its processes, exact to the type of every value."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...files.write_lock import Held
from ...spool.values import decode, encode

__all__ = ["Channel"]

_COUNT = struct.Struct("<I")
_LENGTH = struct.Struct("<Q")
_AT_ONCE = 1 << 20


class Channel(Held):
    """One end of a connection. A forked child lets go of it: the messages are its parent's.

    Any thread may send; one at a time receives.

    Parameters
    ----------
    connection
        A socket that is connected; it is this one's from now on.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(None)  # whatever is usual in the session
        self._socket = connection
        super().__init__(connection.fileno())
        self._sending = threading.Lock()

    def release(self) -> None:
        """Let go; a second call does nothing."""
        self._fd = -1
        self._socket.close()

    def send(self, *message: Any) -> None:
        """Send values, and wait until the system has taken them.

        Raises
        ------
        EOFError
            The other process has ended.
        """
        data, arrays = encode(message)
        views = [memoryview(data), *(memoryview(array).cast("B") for array in arrays)]
        lengths = b"".join(_LENGTH.pack(view.nbytes) for view in views)
        with self._sending:
            for view in (memoryview(_COUNT.pack(len(views)) + lengths), *views):
                self._write(view)

    def send_file(self, fd: int) -> None:
        """Send an open file; who receives it has one of its own.

        Raises
        ------
        EOFError
            The other process has ended.
        """
        with self._sending, _as_eof():
            socket.send_fds(self._socket, [b"f"], [fd])

    def receive_file(self) -> int:
        """Return a file that was sent.

        Raises
        ------
        EOFError
            The other process has ended.
        OSError
            There are too many open files.
        """
        with _as_eof():
            told, files, _, _ = socket.recv_fds(self._socket, 1, 1)
        if not told:
            raise EOFError("the other process has ended")
        if not files:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        os.set_inheritable(files[0], False)
        return files[0]

    def receive(self, timeout: float | None = None) -> Any:
        """Return the next message, a tuple.

        Parameters
        ----------
        timeout
            Seconds to wait for its beginning; None waits as long as it takes.

        Raises
        ------
        EOFError
            The other process has ended.
        TimeoutError
            Nothing came in time.
        """
        if timeout is not None and not self._is_readable(timeout):
            raise TimeoutError
        (count,) = _COUNT.unpack(self._read(_COUNT.size))
        lengths = self._read(count * _LENGTH.size)
        first, *arrays = [self._read(length) for (length,) in _LENGTH.iter_unpack(lengths)]
        return decode(first, arrays)

    def _is_readable(self, timeout: float) -> bool:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(max(0.0, min(timeout, 1e6)) * 1000))

    def _write(self, view: memoryview) -> None:
        try:
            while view.nbytes:
                view = view[os.write(self._fd, view[:_AT_ONCE]) :]
        except OSError as error:  # a closed connection, and one that was let go of
            raise EOFError(str(error)) from error

    def _read(self, size: int) -> bytearray:
        read = bytearray(size)
        left = memoryview(read)
        try:
            while left.nbytes:
                got = os.readv(self._fd, [left[:_AT_ONCE]])
                if not got:
                    raise EOFError("the other process has ended")
                left = left[got:]
        except OSError as error:
            raise EOFError(str(error)) from error
        return read


@contextmanager
def _as_eof() -> Iterator[None]:
    """Have what the system says of a connection mean that the other process has ended."""
    try:
        yield
    except OSError as error:
        raise EOFError(str(error)) from error
