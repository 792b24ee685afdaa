"""Workers in processes of this machine. One that dies is replaced; the others do not notice."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection, wait
from typing import Any

from .batch import export_batch
from .crew import LostError, Outcome, WorkerError

__all__ = ["Processes"]

_PR_SET_PDEATHSIG = 1
"""Of prctl(2): the signal that the kernel sends when the thread that began this process ends."""
_BEGUN = "begun"
"""What a process says first."""


class Processes:
    """Processes that take one batch at a time.

    Parameters
    ----------
    number
        How many there are.
    """

    def __init__(self, number: int) -> None:
        self._idle = [_Process() for _ in range(number)]
        self._busy: dict[Connection, tuple[_Process, int]] = {}
        self._number = number

    @property
    def room(self) -> int:
        """One batch for each."""
        return self._number

    def send(self, number: int, order: Mapping[str, Any], batch: bytes) -> None:
        """Give a batch to a process that has none."""
        process = self._idle.pop()
        try:
            process.connection.send((order, batch))
        except OSError:  # it was killed while it had nothing to do
            process.end()
            process = _Process()
            process.connection.send((order, batch))
        self._busy[process.connection] = (process, number)

    def receive(self) -> Outcome:
        """Wait for a batch that is over, or a process that is."""
        while True:
            connection = wait(list(self._busy))[0]
            process, number = self._busy[connection]  # type: ignore[index]  # we gave connections
            try:
                answer = process.connection.recv()
            except (EOFError, OSError):
                break
            if answer == _BEGUN:
                process.has_begun = True
                continue
            del self._busy[process.connection]
            self._idle.append(process)
            return Outcome(number, answer)
        del self._busy[process.connection]
        code = process.end()
        if not process.has_begun:
            raise WorkerError(
                f"a process has died before it could begin (exit code {code}). A script that "
                'exports by several processes calls it below `if __name__ == "__main__":`'
            )
        self._idle.append(_Process())
        return Outcome(number, LostError(f"a process has died: exit code {code}"))

    def close(self) -> None:
        """Let them finish the runs that they write, and end."""
        processes = [*self._idle, *(process for process, _ in self._busy.values())]
        for process in processes:
            process.connection.close()
        for process in processes:
            process.process.join()


class _Process:
    """A process, and what connects this one with it."""

    def __init__(self) -> None:
        # spawned, not forked: this process may have threads, of writers for one
        context = multiprocessing.get_context("spawn")
        self.connection, there = context.Pipe()
        self.process = context.Process(target=_serve, args=[there], daemon=True)
        self.process.start()
        there.close()
        self.has_begun = False

    def end(self) -> int | None:
        """Wait for its end; return its exit code."""
        self.connection.close()
        self.process.join()
        return self.process.exitcode


def _serve(connection: Connection) -> None:
    """Carry out batches until nobody sends any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked for this
    _end_with_parent()
    connection.send(_BEGUN)
    while True:
        try:
            order, batch = connection.recv()
        except (EOFError, OSError):
            return
        answer: Exception | None = None
        try:
            export_batch(order, batch)
        except Exception as error:
            answer = error
        try:
            connection.send(answer)
        except OSError:  # nobody waits for it any more
            return


def _end_with_parent() -> None:
    """Have this process end when its parent is killed: nothing else would end it."""
    if sys.platform == "linux":  # even while HDF5 waits for a dead mount, and no thread can run
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
