"""Interpreters that have bluesky imported when they begin, for tests that need a process.

A session of bluesky in a new interpreter is two seconds of imports, in this one 0.1 s. `Popen` and
`run` are those of `subprocess`; what they start is forked from a process that has imported
everything (`tests.warm.server`). Where that is not the same as a new interpreter (options of
Python, variables that are heeded on import, other programs), they start what they were asked for.

Tests of imports, of `multiprocessing` and of EPICS take `subprocess`: there it is not the same.
"""

from __future__ import annotations

import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["Popen", "run", "start", "stop"]

TOP = Path(__file__).resolve().parents[2]
PLACE = "BLUESCRIBE_TESTS_SERVER"
"""The variable that tells workers and their children where the server listens."""

_STREAMS = ("p2cread", "c2pwrite", "errwrite")
_ENDS = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
_USUAL = {
    "executable": None,
    "preexec_fn": None,
    "close_fds": True,
    "shell": False,
    "gid": None,
    "gids": None,
    "uid": None,
    "umask": -1,
    "process_group": -1,
}
"""What is not asked of the server."""
_ANSWER = 100
_server: subprocess.Popen[bytes] | None = None


def start() -> None:
    """Start the server, which imports while pytest collects; what it cannot do is done without."""
    global _server  # noqa: PLW0603  # the tests of this machine have one
    if sys.platform != "linux" or PLACE in os.environ:
        return
    place = Path(tempfile.mkdtemp(prefix="warm-")) / "server"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(place))
        listener.listen(64)
        fd = listener.fileno()
        command = [sys.executable, "-m", "tests.warm.server", str(fd)]
        environment = os.environ | {"OPHYD_CONTROL_LAYER": "dummy"}
        _server = subprocess.Popen(
            command,
            pass_fds=[fd],
            cwd=TOP,
            env=environment,
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for pytest, which ends it
        )
    os.environ[PLACE] = str(place)


def stop() -> None:
    """End the server and what it forked."""
    if _server is not None:
        _server.communicate()  # it ends when nobody can write to it any more
        place = Path(os.environ.pop(PLACE))
        place.unlink()
        place.parent.rmdir()


def run(
    command: Any,
    *,
    input: Any = None,  # as subprocess.run calls it
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    **options: Any,
) -> subprocess.CompletedProcess[Any]:
    """Do what `subprocess.run` does."""
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if input is not None:
        options["stdin"] = subprocess.PIPE
    with Popen(command, **options) as process:
        try:
            out, err = process.communicate(input, timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


class Popen(subprocess.Popen):
    """A `subprocess.Popen` whose process is forked by the server, where that is the same.

    It is not our child: the server waits for it, and tells how it ended once it has.
    """

    _ended: socket.socket | None = None

    def _execute_child(self, *args: Any, **kwargs: Any) -> None:
        bound = inspect.signature(subprocess.Popen._execute_child).bind(self, *args, **kwargs)  # type: ignore[attr-defined]
        asked = bound.arguments
        passed = [_passed(asked, name, n) for n, name in enumerate(_STREAMS)]
        forked = _forked(_message(asked), [*passed, *asked["pass_fds"]])
        if forked is None:
            super()._execute_child(*args, **kwargs)  # type: ignore[misc]
            return
        self.pid, self._ended = forked
        self._child_created = True
        self._close_pipe_fds(*(asked[name] for name in _ENDS))  # type: ignore[attr-defined]

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if self._ended is None:
            return super()._try_wait(wait_flags)  # type: ignore[misc]
        self._ended.setblocking(not wait_flags & os.WNOHANG)
        try:
            status = int(self._ended.recv(_ANSWER) or signal.SIGKILL)  # no answer: no server
        except BlockingIOError:
            return 0, 0
        self._ended.close()
        return self.pid, status

    def _internal_poll(self, *args: Any, **kwargs: Any) -> int | None:
        if self._ended is not None and self.returncode is None:
            pid, status = self._try_wait(os.WNOHANG)
            if pid == self.pid:
                self._handle_exitstatus(status)  # type: ignore[attr-defined]
            return self.returncode
        return super()._internal_poll(*args, **kwargs)  # type: ignore[misc]


def _forked(message: bytes | None, fds: list[int]) -> tuple[int, socket.socket] | None:
    """Have the server fork; return the process, and what will tell how it ended.

    None where the server cannot or will not: an interpreter of its own takes longer, and does.
    """
    if message is None:
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(os.environ[PLACE])
        socket.send_fds(connection, [message], fds)
        pid = int(connection.recv(_ANSWER) or "0")
    except OSError:
        pid = 0
    if pid:
        return pid, connection
    connection.close()
    return None


def _message(asked: dict[str, Any]) -> bytes | None:
    """Return what the server is asked for; None where only a new interpreter will do."""
    command = asked["args"]
    if PLACE not in os.environ or any(asked[name] != usual for name, usual in _USUAL.items()):
        return None
    if isinstance(command, str | bytes | os.PathLike) or command[0] != sys.executable:
        return None
    arguments = [os.fspath(argument) for argument in command[1:]]
    if arguments[:2] == ["-P", "-c"]:  # the path of modules is that of the server anyway
        del arguments[0]
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-c", "-m")):
        return None
    environment = os.environ if asked["env"] is None else asked["env"]
    message = {
        "arguments": arguments,
        "environment": dict(environment),
        "folder": os.fspath(asked["cwd"] or Path.cwd()),
        "is_leader": asked["start_new_session"],
        "passed": list(asked["pass_fds"]),
        "umask": _umask(),
    }
    return json.dumps(message).encode()


def _passed(asked: dict[str, Any], name: str, standard: int) -> int:
    return standard if asked[name] == -1 else int(asked[name])


def _umask() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("Umask:")[2].split()[0], 8)
