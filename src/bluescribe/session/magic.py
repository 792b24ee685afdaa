"""``%bluescribe`` in IPython: what people type between two scans."""

from __future__ import annotations

import ast
import logging
import shlex
import sys
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import BluescribeError

if TYPE_CHECKING:
    from .writers import Writers

__all__ = ["Magic", "offer_magic"]

logger = logging.getLogger(__name__)

_NAME = "bluescribe"
_HELP = """\
%bluescribe                            what each format does, and what was changed
%bluescribe files [N]                  the files of run N: -1 (the latest), a scan number, a uid
%bluescribe where KEY=VALUE ...        runs by scan_id, uid, sample or other metadata
%bluescribe pause [FORMAT ...]         write no runs from the next one on
%bluescribe resume [FORMAT ...]        write them again
%bluescribe folder PATH [FORMAT ...]   where the next runs go
%bluescribe name TEMPLATE [FORMAT ...] what the next runs are called
%bluescribe reset                      all as configured"""


class Magic:
    """A line magic.

    Parameters
    ----------
    writers
        What it speaks to; it does not hold them.
    """

    _ipython_magic_no_var_expand = True
    """Whether IPython leaves {keys} of templates alone: they are none of its variables."""

    def __init__(self, writers: Writers) -> None:
        self._writers = weakref.ref(writers)

    def __call__(self, line: str) -> Any:
        """Do what a line asks; what it returns is shown."""
        from IPython.core.error import UsageError

        writers = self._writers()
        if writers is None:
            raise UsageError("the writers of this session are gone: call subscribe_writers again")
        try:
            verb, *words = shlex.split(line) or ["status"]
            return self._verb(verb)(writers, *words)
        except (BluescribeError, LookupError, ValueError) as error:
            raise UsageError(error.args[0] if error.args else str(error)) from None
        except TypeError:
            raise UsageError(_HELP) from None

    def _verb(self, verb: str) -> Callable[..., Any]:
        verbs: dict[str, Callable[..., Any]] = {
            "status": lambda writers: writers.status(),
            "files": _files,
            "where": _where,
            "pause": lambda writers, *formats: _update(writers, formats, enabled=False),
            "resume": lambda writers, *formats: _update(writers, formats, enabled=True),
            "folder": lambda writers, path, *formats: _update(writers, formats, directory=path),
            "name": lambda writers, name, *formats: _update(writers, formats, file_name=name),
            "reset": lambda writers: writers.reset(),
            "help": _raise_help,
        }
        if verb not in verbs:
            raise LookupError(f"{verb!r} is none of these:\n{_HELP}")
        return verbs[verb]


def _raise_help(_: Writers) -> None:
    """Have IPython show what there is."""
    raise LookupError(_HELP)


def _files(writers: Writers, run: str = "-1") -> Any:
    is_number = run.removeprefix("-").isdecimal()
    return writers.files(int(run) if is_number else run)


def _where(writers: Writers, *words: str) -> Any:
    pairs = [word.partition("=") for word in words]
    if not pairs or not all(sign for _, sign, _ in pairs):
        raise ValueError("say what to look for: %bluescribe where sample=steel plan_name=scan")
    asked: dict[str, Any] = {key: _value(value) for key, _, value in pairs}
    texts: dict[str, Any] = {key: str(asked[key]) for key in ("uid", "sample") if key in asked}
    asked.update(texts)
    return writers.where(**asked)


def _value(text: str) -> Any:
    """Return a number where one is written, and the text of everything else."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _update(writers: Writers, formats: tuple[str, ...], **settings: Any) -> None:
    for name in formats:
        writers[name]  # raises before anything has changed
    for writer in [writers[name] for name in formats] or [writers]:
        writer.update(**settings)


def offer_magic(writers: Writers) -> None:
    """Have IPython know ``%bluescribe``, if that is what runs this session."""
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    if shell is None:
        return
    try:
        shell.register_magic_function(Magic(writers), "line", _NAME)
    except Exception as error:  # an old one, or a shell that only looks like it
        logger.info("%%%s is not there: %s", _NAME, error)
