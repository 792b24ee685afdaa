"""The process that tests' interpreters are forked from: ``python -m tests.warm.server FD``.

FD is a socket that listens. A request is one message, with the files that the new process has as
its own; the answer is its number, then its exit status once it has ended and was waited for. The
server ends when its standard input does.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import random
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import time
import types
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

_IMPORTED = (
    "bluescribe.archive.adoption.process",
    "bluescribe.archive.recover",
    "bluescribe.commands.cli",
    "bluescribe.demo",
    "bluescribe.recording.process.serving",
    "bluescribe.session.subscribe",
    "bluescribe.testing",
    "bluesky.plan_stubs",
    "bluesky.plans",
    "bluesky.preprocessors",
    "h5py",
    "numpy",
    "ophyd.sim",
)
_HEEDED_ON_IMPORT = ("HDF5_", "LANG", "LC_", "LD_", "OMP_", "OPHYD_", "PYTHON")
_MESSAGE = 2**18
_MOST_FDS = 64
_ABOVE = 500
"""Received files are put above this number before they get the numbers that they shall have."""


def serve(listener: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Fork for each request, for good; return in the new process, with what it was asked for."""
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(0, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                connection, _ = listener.accept()
                asked = answer(connection, selector)
                if asked is not None:
                    return asked
            elif key.fileobj == 0:
                end(selector)
            else:
                tell(key, selector)


def answer(
    connection: socket.socket, selector: selectors.BaseSelector
) -> tuple[dict[str, Any], list[int]] | None:
    """Fork, and tell the number of the new process; it alone gets something returned."""
    text, fds, _, _ = socket.recv_fds(connection, _MESSAGE, _MOST_FDS)
    request = json.loads(text or b"{}")
    if not request or heeded(request["environment"]) != HEEDED:
        close([*fds, connection.detach()])
        return None
    pid = os.fork()
    if not pid:
        selector.close()
        connection.close()
        return request, fds
    close(fds)
    with suppress(OSError):  # who asked was killed meanwhile
        connection.send(str(pid).encode())
    selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, connection))
    return None


def tell(key: selectors.SelectorKey, selector: selectors.BaseSelector) -> None:
    """Tell that a process has ended, and how."""
    pid, connection = key.data
    _, status = os.waitpid(pid, 0)
    selector.unregister(key.fileobj)
    close([key.fd])
    with suppress(OSError):  # nobody waits for it
        connection.send(str(status).encode())
    connection.close()


def end(selector: selectors.BaseSelector) -> NoReturn:
    """End what is left: those who asked for it have ended."""
    for key in list(selector.get_map().values()):
        if key.data:
            os.kill(key.data[0], signal.SIGKILL)
    os._exit(0)


def close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


def heeded(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what Python and the imported modules have taken from the environment."""
    return {k: v for k, v in environment.items() if k.startswith(_HEEDED_ON_IMPORT)}


def become(request: dict[str, Any], fds: list[int]) -> None:
    """Be like a new interpreter."""
    if request["is_leader"]:
        os.setsid()
    take(fds, [0, 1, 2, *request["passed"]])
    os.chdir(request["folder"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    tempfile.tempdir = None
    random.seed()
    sys.modules["numpy"].random.seed()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, stream in (("stdin", _open(0, "r")), ("stdout", _open(1, "w")), ("stderr", _error())):
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _open(fd: int, mode: str) -> Any:
    return open(fd, mode, encoding=sys.stdout.encoding, closefd=False)


def _error() -> Any:
    return open(2, "w", 1, sys.stdout.encoding, "backslashreplace", closefd=False)


def take(fds: list[int], numbers: list[int]) -> None:
    """Give files their numbers."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, _ABOVE) for fd in fds]
    close(fds)
    for fd, number in zip(high, numbers, strict=True):
        os.dup2(fd, number)
    close(high)


def run(arguments: list[str]) -> None:
    """Run what an interpreter was asked to run, as its main module."""
    kind, *rest = arguments
    sys.modules["__main__"] = main = types.ModuleType("__main__")
    if kind == "-c":
        sys.argv, sys.path[0] = ["-c", *rest[1:]], ""
        exec(compile(rest[0], "<string>", "exec"), vars(main))
    elif kind == "-m":
        sys.argv, sys.path[0] = ["-m", *rest[1:]], os.getcwd()  # noqa: PTH109  # as Python does
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = [kind, *rest], os.path.dirname(os.path.abspath(kind))  # noqa: PTH100, PTH120
        runpy.run_path(kind, run_name="__main__")


def import_all() -> None:
    """Import what sessions of bluesky import, and all formats."""
    for name in _IMPORTED:
        importlib.import_module(name)
    formats = importlib.import_module("bluescribe.formats")
    for name in formats.format_names():
        formats.load_format(name)


if __name__ == "__main__":
    _listener = socket.socket(fileno=int(sys.argv[1]))
    import_all()
    del os.environ["OPHYD_CONTROL_LAYER"]  # see tests.warm.start
    HEEDED = heeded(os.environ)
    gc.collect()
    gc.freeze()
    _request, _fds = serve(_listener)
    _listener.close()
    become(_request, _fds)
    run(_request["arguments"])
