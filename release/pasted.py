"""Paste the Python lines of a page into IPython, as a reader does, and see that they work.

    python pasted.py README.md

The YAML block of the page is saved as iconfig.yml first, as it says. Needs IPython in this
environment, on a system that has terminals (pexpect).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pexpect

__all__ = ["blocks", "paste"]

_SECONDS = 120
_BEGIN, _END = "\x1b[200~", "\x1b[201~"
"""What a terminal puts around text that is pasted."""
_WRONG = re.compile(r"Traceback|Error\b.*line|\w+Error:")


def main(argv: list[str]) -> int:
    """Paste all; return the exit status."""
    page = Path(argv[0]).read_text(encoding="utf-8")
    (iconfig,) = blocks(page, "yaml")
    Path("iconfig.yml").write_text(iconfig, encoding="utf-8")
    shown = paste(blocks(page, "python"))
    print(shown)
    wrong = _WRONG.search(shown)
    files = sorted(path.name for path in Path("data").iterdir())
    print(*files, sep="\n")
    if wrong or not files:
        print(f"pasted into IPython, the lines do not work: {wrong or 'no files'}", file=sys.stderr)
        return 1
    return 0


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a page that a reader sees, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def paste(texts: list[str]) -> str:
    """Paste texts into a new IPython, one after the other; return what the terminal showed."""
    options = [
        "--no-banner",
        "--colors=NoColor",
        "--no-confirm-exit",
        "--HistoryManager.enabled=False",
    ]
    child = pexpect.spawn(
        sys.executable, ["-m", "IPython", *options], encoding="utf-8", dimensions=(50, 160)
    )
    shown = []
    for number, text in enumerate([*texts, "exit"], 1):
        child.expect(rf"In \[{number}\]:", timeout=_SECONDS)
        shown.append(str(child.before))
        child.send(f"{_BEGIN}{text.rstrip()}{_END}")
        child.send("\r")
    child.expect(pexpect.EOF, timeout=_SECONDS)
    return _plain("".join([*shown, str(child.before)]))


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r", "", text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
