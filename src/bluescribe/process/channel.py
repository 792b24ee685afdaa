"""Messages between a session and its processes, exact to the type of every value."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..held import Held
from ..spool.values import decode, encode

__all__ = ["Channel"]

_COUNT = struct.Struct("<I")
_LENGTH = struct.Struct("<Q")
_AT_ONCE = 1 << 20


class Channel(Held):
    """One end of a connection. A forked child lets go of it: the messages are its parent's.

    Any thread may send; one at a time receives.

    Parameters
    ----------
    fd
        A socket that is connected.
    """

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self._sending = threading.Lock()

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
        with self._sending, self._as_socket() as connection:
            socket.send_fds(connection, [b"f"], [fd])

    def receive_file(self) -> int:
        """Return a file that was sent.

        Raises
        ------
        EOFError
            The other process has ended.
        OSError
            There are too many open files.
        """
        with self._as_socket() as connection:
            _, files, _, _ = socket.recv_fds(connection, 1, 1)
        if not files:
            raise EOFError("the other process has ended, or there are too many open files")
        os.set_inheritable(files[0], False)
        return files[0]

    @contextmanager
    def _as_socket(self) -> Iterator[socket.socket]:
        try:
            connection = socket.socket(fileno=os.dup(self._fd))
        except OSError as error:
            raise EOFError(str(error)) from error
        with connection:
            try:
                yield connection
            except OSError as error:
                raise EOFError(str(error)) from error

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
