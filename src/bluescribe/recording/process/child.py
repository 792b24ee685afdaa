"""A child process of the session, and what it has to tell."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

from ... import __version__
from ...files.system import read_at
from .channel import Channel

__all__ = ["IGNORED", "Child"]

logger = logging.getLogger(__name__)

IGNORED = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Signals that are meant for the session, which ends its processes when all is written."""
_PROGRAM = (
    # what is imported stays; to look through it for garbage takes a fifth of a start
    "import gc; gc.disable(); "
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from bluescribe.recording.process.serving import serve; serve(*map(int, sys.argv[2:]))"
)
_START_SECONDS = 120.0
"""How long a process may take to start; on file systems that are shared, imports are slow."""
_LAST_WORDS = 2_000


class Child:
    """A process that writes a format.

    Parameters
    ----------
    name
        Of the format.
    about
        The writer's class and settings, or what else it is to do: a function, and what that needs.
    hear
        Is called, on a thread of its own, with each message of the process: what kind it is, and
        what is told. What it returns is the answer.
    ended
        Is called on that thread when the process has told its last.

    Raises
    ------
    OSError
        It cannot be started.
    """

    def __init__(
        self,
        name: str,
        about: Mapping[str, Any],
        hear: Callable[..., Any],
        ended: Callable[[], object],
    ) -> None:
        self._hear, self._ended = hear, ended
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # it is open as long as the process
        with ExitStack() as undo:
            undo.enter_context(self._said)
            commands, theirs = map(undo.enter_context, socket.socketpair())
            events, also_theirs = map(undo.enter_context, socket.socketpair())
            self._process = self._started(theirs, also_theirs)
            theirs.close()
            also_theirs.close()
            undo.pop_all()
        self.commands, self._events = Channel(commands), Channel(events)
        self.has_ended = False
        self.last_words = ""
        """What it wrote where errors go, or where it was when it crashed; when it is reaped."""
        self.thread = threading.Thread(
            target=self._listen, name=f"bluescribe-{name}-hears", daemon=True
        )
        try:
            self.thread.start()
            self.commands.send("begin", {**about, "level": _level()})
        except (EOFError, RuntimeError):  # it died at once, or the interpreter ends
            self.kill()
            raise ChildProcessError(f"it could not be begun: {self.last_words}") from None

    def wait_until_ready(self) -> None:
        """Wait until it has imported what it needs.

        Raises
        ------
        ChildProcessError
            It could not, or is of another version of bluescribe.
        """
        try:
            _, version = self.commands.receive(_START_SECONDS)
        except (EOFError, TimeoutError):
            self.kill()
            raise ChildProcessError(self.last_words or "it did not begin") from None
        if version != __version__:
            self.kill()
            raise ChildProcessError(
                f"bluescribe {version} was installed meanwhile, and the session has {__version__}"
            )

    def reap(self) -> str:
        """Wait until the process is gone and all that it told was heard; return how it ended."""
        self.commands.release()
        code = self._process.wait()
        if self.thread.ident and self.thread is not threading.current_thread():
            self.thread.join()
        self._events.release()
        if not self._said.closed:
            self.last_words = _end_of(self._said)
            self._said.close()
        if code >= 0:
            return f"ended with status {code}"
        with suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
        return f"was ended by signal {-code}"

    def kill_soon(self) -> None:
        """End it, and leave it to others to reap it."""
        self._process.kill()

    def kill(self) -> None:
        """End it at once, and reap it."""
        self._process.kill()
        self.reap()

    def _started(self, *sockets: socket.socket) -> subprocess.Popen[bytes]:
        numbers = [each.fileno() for each in sockets]
        entries: list[Any] = [*sys.path]  # people put into it what they like
        paths = [each for each in entries if isinstance(each, str) and Path(each).is_absolute()]
        # it is to outlive the Ctrl-C of its session from its first moment on
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED)
        try:
            return subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, json.dumps(paths), *map(str, numbers)],
                pass_fds=numbers,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                # threads for linear algebra, which no format has, take a fifth of a start
                env={"OPENBLAS_NUM_THREADS": "1", **os.environ},
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _listen(self) -> None:
        try:
            while True:
                kind, told, is_asked = self._events.receive()
                answer = self._answer(kind, told)
                if is_asked:
                    self._events.send(answer)
        except EOFError:
            pass
        finally:
            self.has_ended = True
            self._ended()

    def _answer(self, kind: str, told: Any) -> Any:
        """Take what was told; whatever is raised by others here, the process gets its answer."""
        try:
            return _log(*told) if kind == "log" else self._hear(kind, *told)
        except BaseException:
            with suppress(BaseException):  # it may be a handler of the log that raises
                logger.exception("a fault inside bluescribe; please report it")
            return None


def _end_of(file: IO[bytes]) -> str:
    size = os.fstat(file.fileno()).st_size
    text = read_at(file.fileno(), _LAST_WORDS, max(0, size - _LAST_WORDS))
    said = text.decode(errors="replace")
    return said.partition("\nExtension modules:")[0].strip()  # a long list of what is imported


def _level() -> int:
    return logging.getLogger("bluescribe").getEffectiveLevel()


def _log(told: Mapping[str, Any]) -> None:
    heard = logging.getLogger(told["name"])
    if heard.isEnabledFor(told["levelno"]):
        heard.handle(logging.makeLogRecord(dict(told)))
