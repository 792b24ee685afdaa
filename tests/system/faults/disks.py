"""Small disks that a test may fill, take away and make read-only; they need root."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

JUNK = "junk"


class SmallDisk:
    """A tmpfs of so many kilobytes."""

    def __init__(self, path: Path, kilobytes: int) -> None:
        self.path = path
        path.mkdir(exist_ok=True)
        mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(path))

    def fill(self, leave: int = 0) -> None:
        """Leave so many bytes free."""
        with (self.path / JUNK).open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        if leave:
            os.truncate(self.path / JUNK, (self.path / JUNK).stat().st_size - leave)

    def free(self) -> None:
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
