"""Draw what a session says at IPython's prompt: docs/images/console.svg.

``python docs/images/console.py`` runs it at a terminal of its own, and draws what that shows.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import pexpect
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
START_UP = """
from bluesky import RunEngine
from bluesky.plans import count, scan
from ophyd.sim import det, motor
from bluescribe import subscribe_writers
RE = RunEngine({"sample": "steel"})
formats = {f"{name}_DATA_FILES": {"ENABLE": True} for name in ("NEXUS", "CSV", "SPEC")}
"""
LINES = (
    'writers = subscribe_writers(RE, {"DATA_FILES": {"DIRECTORY": "data"}, **formats})',
    "RE(scan([det], motor, -1, 1, 5));",
    'writers.directory = "data/GUP-3"',
    "with writers.nexus.paused(): RE(count([det]))",
    "",
    "%bluescribe",
    "writers.files(1)",
)
_OTHERS = re.compile(r"\x1b\](?:[^\x07]*)\x07|\x1b\[\?\d+[hl]|\x1b\[\d*;?\d*[tJKHABCDn]|\r")


_FONTS = re.compile(r"@font-face \{[^}]*\}\s*")


def main() -> None:
    """Run the session and draw it."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="gup.") as folder:
        (Path(folder) / "startup.py").write_text(START_UP)
        options = ["--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=NoColor"]
        environment = os.environ | {"IPYTHONDIR": folder, "XDG_STATE_HOME": folder, "TERM": "xterm"}
        shell = pexpect.spawn(
            sys.executable,
            ["-m", "IPython", *options, "-i", "startup.py"],
            cwd=folder,
            env=environment,
            encoding="utf-8",
            dimensions=(60, 180),
            timeout=120,
        )
        shell.expect(r"In \[\d+\]: ")
        said = shell.after
        for line in LINES:
            shell.sendline(line)
            shell.expect([r"In \[\d+\]: ", r"   \.\.\.: "])
            time.sleep(1)
            said += shell.before + shell.after
        shell.sendline("exit()")
        shell.expect(pexpect.EOF)
        text = said.replace(folder, "/home/me").rpartition("In [")[0]
    console = Console(record=True, width=150, file=io.StringIO())
    console.print(Text.from_ansi(_OTHERS.sub("", text)), soft_wrap=True)
    svg = _FONTS.sub("", console.export_svg(title="IPython"))  # those of the reader's machine
    (HERE / "console.svg").write_text(svg)


if __name__ == "__main__":
    main()
