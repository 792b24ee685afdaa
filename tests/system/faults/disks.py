"""Small disks that a test may fill, take away and make read-only; they need root."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

JUNK = "junk"


class SmallDisk:
    """A tmpfs of so many kilobytes."""

    def __init__(self, path: Path, kilobytes: int) -> None:
        self.path = path
        self._is_kept_full = threading.Event()
        path.mkdir(exist_ok=True)
        mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(path))

    def fill(self, leave: int = 0) -> None:
        """Leave so many bytes free."""
        with (self.path / JUNK).open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        if leave:
            os.truncate(self.path / JUNK, (self.path / JUNK).stat().st_size - leave)

    def keep_full(self) -> None:
        """Take what becomes free, as others do on a shared disk, until `free` is called."""
        self._is_kept_full.set()
        self.fill()
        threading.Thread(target=self._refill, daemon=True).start()

    def _refill(self) -> None:
        with suppress(FileNotFoundError):
            while self._is_kept_full.is_set():
                with (self.path / JUNK).open("r+b", buffering=0) as file, suppress(OSError):
                    file.seek(0, os.SEEK_END)
                    while self._is_kept_full.is_set() and file.write(bytes(4096)):
                        pass
                time.sleep(0.001)

    def free(self) -> None:
        self._is_kept_full.clear()
        (self.path / JUNK).unlink()

    def remount(self, options: str) -> bool:
        return _run("mount", "-o", f"remount,{options}", str(self.path)) == 0

    def unmount(self) -> None:
        _run("umount", "-l", str(self.path))


def mount(*arguments: str) -> None:
    if _run("mount", *arguments):
        pytest.skip("no file system can be mounted here")


@contextmanager
def small_disk(path: Path, kilobytes: int = 16_000):
    disk = SmallDisk(path, kilobytes)
    try:
        yield disk
    finally:
        disk.unmount()


def _run(*command: str) -> int:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode
    except FileNotFoundError:
        return 1
