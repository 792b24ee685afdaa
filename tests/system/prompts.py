"""IPython at a terminal of its own, as a user has it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

from tests.readable import is_readable

PATIENCE = 30.0


class Prompt:
    """IPython at a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        self._terminal, inside = pty.openpty()
        state = {"XDG_STATE_HOME": str(folder / "state"), "IPYTHONDIR": str(folder / "ipython")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            cwd=folder,
            env=os.environ | state | {"OPHYD_CONTROL_LAYER": "dummy"},
            start_new_session=True,
        )
        os.close(inside)
        self._said = b""
        self.said = ""
        """All that was said up to the last answer."""
        self._lines = 0

    def type(self, line: str) -> None:
        os.write(self._terminal, line.encode() + b"\n")

    def answer(self, expression: str) -> str:
        """Return what an expression is, when all that was typed before is done."""
        self._lines += 1
        end = f"<{self._lines}>"
        self.type(f"print('<' + '{self._lines}>', {expression}, '<' + '{self._lines}>')")
        self._read_until(end)
        return self._read_until(end).strip()

    def _read_until(self, words: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while words.encode() not in self._said:
            assert time.monotonic() < deadline, f"no {words} in {self._said.decode()}"
            if is_readable(self._terminal, 0.1):
                self._said += os.read(self._terminal, 1 << 16)
        before, _, self._said = self._said.partition(words.encode())
        self.said += before.decode()
        return before.decode()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._terminal)
