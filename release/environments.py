"""Empty environments, and what is run in them: nothing of the source tree is to be found there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["TOP", "Environment", "step", "temporary_folder"]

TOP = Path(__file__).resolve().parent.parent
_UV = [sys.executable, "-m", "uv"]


class Environment:
    """A virtual environment of this Python, made empty.

    Parameters
    ----------
    folder
        Where it is made; a folder beside it is the working directory of what is run.
    by_pip
        Whether it is made and filled as users do it, by venv and pip; uv is faster.
    """

    def __init__(self, folder: Path, *, by_pip: bool = False) -> None:
        self.folder = folder
        self.work = folder.with_name(f"{folder.name}-work")
        self.work.mkdir()
        self._by_pip = by_pip
        make = (
            [sys.executable, "-m", "venv"] if by_pip else [*_UV, "venv", "-q", "-p", sys.executable]
        )
        subprocess.run([*make, str(folder)], check=True, env=_clean())

    def program(self, name: str) -> str:
        """Return the path of a program in the environment."""
        return str(self.folder / "bin" / name)

    def install(self, *wanted: str) -> None:
        """Install packages, or files of them."""
        python = self.program("python")
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        command = pip if self._by_pip else [*_UV, "pip", "install", "-q", "-p", python]
        subprocess.run([*command, *wanted], check=True, env=_clean(), cwd=self.work)

    def run(self, name: str, *arguments: str, seconds: float = 1800) -> None:
        """Run a program of the environment, far from the source tree.

        Raises
        ------
        subprocess.CalledProcessError
            It failed; what it printed is there.
        """
        environment = _clean() | {"XDG_STATE_HOME": str(self.work / "state")}
        command = [self.program(name), *arguments]
        subprocess.run(command, check=True, env=environment, cwd=self.work, timeout=seconds)


def _clean() -> dict[str, str]:
    """Return the environment without what leads to the source tree."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in hidden}


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="bluescribe-release-") as name:
        yield Path(name)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is tried, and how long it took."""
    began = time.monotonic()
    print(f"\n--- {what}", flush=True)
    yield
    print(f"--- {what}: {time.monotonic() - began:.1f} s", flush=True)
