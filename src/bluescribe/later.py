"""Names that are imported when they are first used, so that a session loads what it needs.

A session of bluesky has formats written that it never writes itself: a process of its own does,
and what that imports, h5py for one, has no place in the RunEngine's process. So the package of a
format, its writer and its record name what writes a run, and import it when it is used.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from .errors import BluescribeError

__all__ = ["IMPORTING", "ChangedPackageError", "Later", "check_unchanged", "later", "names_of"]

_VERSION = re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE)
_SECONDS = 5.0
"""How long a fork, or the end, waits for what is being imported, at the most."""


class _Importing:
    """Keeps a program from being forked, or ended, while a thread imports something.

    A child would have the lock of that module for ever, and hang where it imports it itself. What
    libraries have done at the end would be done before threads that use them have come to theirs.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._forking: int | None = None
        """The thread that has the program forked."""
        self._ending: int | None = None
        """The thread that has it ended."""
        self.then: Callable[[], object] = bool
        """Called when something new was imported, before anything else is."""
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before, after_in_parent=self._after, after_in_child=self._after
            )

    def __enter__(self) -> None:
        """Begin to import; as the program ends, when all is ended that may import something."""
        if self._ending is None or threading.current_thread().daemon:  # no other is waited for
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        """End it."""
        with suppress(RuntimeError):  # the program was about to end
            self._lock.release()

    def hold(self) -> None:
        """Have other threads import nothing until `let_go`; the program ends."""
        if self._lock.acquire(timeout=_SECONDS):
            self._ending = threading.get_ident()

    def let_go(self) -> None:
        """Let them go on."""
        if self._ending == threading.get_ident():
            self._ending = None
            self._lock.release()

    def _before(self) -> None:
        if self._lock.acquire(timeout=_SECONDS):
            self._forking = threading.get_ident()

    def _after(self) -> None:
        if self._forking == threading.get_ident():
            self._forking = None
            self._lock.release()


IMPORTING = _Importing()
"""What a thread holds that imports something beside those of the program."""


class ChangedPackageError(BluescribeError, ImportError):
    """Another version of bluescribe was installed after this program had begun."""


class Later:
    """Something in a module, imported when it is first used.

    As an attribute of a class it is that thing; called, it calls it.

    Parameters
    ----------
    module, name
        Where it is, and what it is called there.
    """

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __eq__(self, other: object) -> bool:
        """Tell whether another one stands for the same."""
        return isinstance(other, Later) and self._key == other._key

    def __hash__(self) -> int:
        """Return the same number for the same."""
        return hash(self._key)

    def __repr__(self) -> str:
        """Name what it stands for."""
        return f"Later({self.module!r}, {self.name!r})"

    @property
    def _key(self) -> tuple[str, str]:
        return self.module, self.name

    def load(self) -> Any:
        """Return it.

        Raises
        ------
        ChangedPackageError
            Its module would be that of another version.
        ImportError
            It cannot be imported.
        """
        is_new = self.module not in sys.modules
        if is_new:
            check_unchanged()
        with IMPORTING:
            found = getattr(import_module(self.module), self.name)
            if is_new:
                IMPORTING.then()
            return found

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """Return what it stands for."""
        return self.load()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call what it stands for."""
        return self.load()(*args, **kwargs)


def later(module: str, name: str) -> Any:
    """Return something that stands for what a module has; see `Later`."""
    return Later(module, name)


def names_of(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package, which imports names when they are first used.

    Parameters
    ----------
    package
        Its ``__name__``.
    homes
        Each name, and the module below the package that has it.
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = Later(f"{package}.{homes[name]}", name).load()
        setattr(sys.modules[package], name, value)
        return value

    return get


def check_unchanged() -> None:
    """Refuse to import more of the package when another version lies in its place by now.

    Raises
    ------
    ChangedPackageError
        It does: parts of two versions would meet in one program.
    """
    root = sys.modules[__package__ or "bluescribe"]
    try:
        found = _VERSION.search(Path(str(root.__file__)).read_text(encoding="utf-8"))
    except OSError:  # a program that brings its own Python has no such file
        return
    if found is not None and found[1] != root.__version__:
        raise ChangedPackageError(
            f"bluescribe {found[1]} was installed meanwhile, and this program has "
            f"{root.__version__}: restart it"
        )
