"""The process that writes a format: what its session sends goes to a router, until that ends."""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...files.system import keep_memory
from .channel import Channel
from .child import IGNORED
from .session import LogSender, Session
from .worker import story_sent

if TYPE_CHECKING:
    from ..writer import Writer

__all__ = ["named", "serve"]

_FAULT = 70
"""The exit status of a process that met a fault of its own: EX_SOFTWARE of sysexits.h."""
_KEPT_BYTES = 32 << 20
"""Free memory that stays with the process: HDF5 takes a buffer for each chunk that it compresses,
and new memory costs as much as the fastest codecs."""


def serve(commands: int, events: int) -> None:
    """Do what a session asks until it is gone.

    Parameters
    ----------
    commands, events
        Connected sockets: what is to be done comes on the first one, each answered when it is done;
        on the second one the session is told, and asked, what has to be known meanwhile.
    """
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    faulthandler.enable()
    keep_memory(_KEPT_BYTES)
    sys.unraisablehook = _end_where_hdf5_is_broken
    channel, hearing = (Channel(socket.socket(fileno=fd)) for fd in (commands, events))
    name, about = channel.receive()
    assert name == "begin"
    with suppress(EOFError):
        logging.getLogger("bluescribe").setLevel(about["level"])
        logging.captureWarnings(True)
        if (task := about.get("task")) is not None:
            gc.enable()
            logging.getLogger().addHandler(LogSender(partial(_log_to, hearing)))
            channel.send("ready", __version__)
            named(*task)(channel, about)
        else:
            _Server(channel, hearing, about).serve()
    os._exit(0)  # HDF5 has closed its files; what is left to be copied is noted beside them


class _Server:
    def __init__(self, commands: Channel, events: Channel, about: Mapping[str, Any]) -> None:
        self._commands = commands
        self._writer: Writer = named(*about["class"])(**about["settings"])  # held, or it would end
        self._worker = self._writer.worker()
        self._session = Session(events, self._worker.account)
        self._worker.on_change = self._session.settle
        logging.getLogger().addHandler(LogSender(self._session.log))
        gc.freeze()  # what was imported stays
        gc.enable()
        commands.send("ready", __version__)

    def serve(self) -> None:
        """Answer until the session has asked for the end, or has gone."""
        try:
            while self._answer(*self._commands.receive()):
                pass
        except EOFError:  # the session died: what it left in the spool is written by the next one
            self._worker.close()

    def _answer(self, name: str, *told: Any) -> bool:
        if name == "late":
            told = (*told, story_sent(self._commands.receive))
        elif name == "segment":
            told = (self._commands.receive_file(),)
        try:
            answer = getattr(self._worker, name)(*told)
        except EOFError:
            raise
        except Exception:
            # nobody knows what of it was done: the session has another process do it again
            logging.getLogger(__name__).exception("a fault inside bluescribe; please report it")
            os._exit(_FAULT)
        self._session.settle()
        self._commands.send(answer, self._worker.state())
        return name != "end"


def _end_where_hdf5_is_broken(told: sys.UnraisableHookArgs) -> None:
    """End where HDF5 could not write a value as h5py let go of it: it would crash later, or lie.

    Nobody can be raised that in; the session has another process write again what is open.
    """
    sys.__unraisablehook__(told)
    if "file write failed" in str(told.exc_value):
        os._exit(_FAULT)


def _log_to(events: Channel, told: Mapping[str, Any]) -> None:
    with suppress(EOFError):
        events.send("log", (told,), False)


def named(module: str, name: str) -> Any:
    """Return a class or a function of a module, as the session has it."""
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found
