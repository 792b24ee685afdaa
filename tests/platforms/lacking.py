"""Take calls of the system away from an interpreter, then import, configure, write and export.

    python -m tests.platforms.lacking FOLDER what what ...

What is taken is not there: nothing that is called in its place pretends to be another system.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FORMATS = ("spec", "nexus", "csv", "jsonl", "json", "hdf5", "tiff", "dx")


def remove(owner: Any, *names: str) -> None:
    for name in names:
        if hasattr(owner, name):
            delattr(owner, name)


def without_ofd_locks() -> None:
    import fcntl

    remove(fcntl, "F_OFD_GETLK", "F_OFD_SETLK", "F_OFD_SETLKW")


def without_flock() -> None:
    sys.modules["fcntl"] = None  # type: ignore[assignment]


def without_fallocate() -> None:
    real = ctypes.CDLL

    class Library(real):  # type: ignore[misc, valid-type]
        def __getattr__(self, name: str) -> Any:
            if name in ("fallocate", "prctl"):
                raise AttributeError(name)
            return super().__getattr__(name)

    ctypes.CDLL = Library  # type: ignore[misc]


def without_libc() -> None:
    real = ctypes.CDLL

    def load(name: Any, *args: Any, **options: Any) -> Any:
        if name is None:
            raise TypeError("this system has no libc")
        return real(name, *args, **options)

    ctypes.CDLL = load  # type: ignore[assignment, misc]


def without_proc() -> None:
    """Have nothing be found below /proc; the rest of Python has looked by now."""
    readlink = os.readlink

    def refuse(path: Any, *args: Any, **options: Any) -> str:
        if str(path).startswith("/proc"):
            raise FileNotFoundError(path)
        return readlink(path, *args, **options)

    def heed(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]).startswith("/proc/"):
            raise FileNotFoundError(arguments[0])

    os.readlink = refuse  # type: ignore[assignment]
    sys.addaudithook(heed)


def without_linux() -> None:
    """Be on a system of which nothing is known."""
    sys.platform = "unknown"


def without_folder_fds() -> None:
    remove(os, "O_DIRECTORY")
    os.supports_dir_fd = set()


TAKEN: dict[str, Callable[[], object]] = {
    "ofd_locks": without_ofd_locks,
    "fallocate": without_fallocate,
    "memfd": lambda: remove(os, "memfd_create"),
    "acls": lambda: remove(os, "getxattr", "setxattr", "listxattr"),
    "proc": without_proc,
    "linux": without_linux,
    # What Windows lacks too.
    "flock": without_flock,
    "libc": without_libc,
    "folder_fds": without_folder_fds,
    "nofollow": lambda: remove(os, "O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK"),
    "users": lambda: remove(os, "geteuid", "getegid", "getgroups"),
    "modes": lambda: remove(os, "fchmod", "fchown"),
    "positions": lambda: remove(os, "pread", "pwrite", "preadv", "pwritev", "writev"),
    "statvfs": lambda: remove(os, "statvfs", "fstatvfs"),
    "fork_hooks": lambda: remove(os, "register_at_fork"),
    "signals": lambda: remove(signal, "SIGHUP", "pthread_sigmask"),
    "groups": lambda: sys.modules.__setitem__("grp", None),  # type: ignore[assignment]
    "limits": lambda: sys.modules.__setitem__("resource", None),  # type: ignore[assignment]
}
OF_LINUX = ("ofd_locks", "fallocate", "memfd", "acls", "proc", "linux")


def main(folder: Path, taken: list[str]) -> None:
    # Others look at the system when they are imported: they are here before it changes.
    import h5py  # noqa: F401
    import pydantic.main  # noqa: F401
    import rich.console  # noqa: F401
    import typer  # noqa: F401
    from bluesky import RunEngine
    from bluesky.plans import scan
    from ophyd.sim import det, direct_img, motor

    for name in taken:
        TAKEN[name]()

    from bluescribe import export, subscribe_writers
    from bluescribe.commands.cli import app  # noqa: F401

    RE = RunEngine()
    blocks = {f"{name.upper()}_DATA_FILES": {"ENABLE": True} for name in FORMATS}
    iconfig = {"DATA_FILES": {"DIRECTORY": f"{folder}/live"}, **blocks}
    (folder / "iconfig.yml").write_text(str(iconfig))
    with subscribe_writers(RE, folder / "iconfig.yml") as writers:
        RE(scan([det, direct_img], motor, -1, 1, 5))
        RE(scan([det], motor, -1, 1, 5))
        assert writers.flush()
        failures = [failure for status in writers.status().values() for failure in status.failures]
    assert not failures, failures
    export(folder / "live", folder / "again", FORMATS)
    print("done")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
