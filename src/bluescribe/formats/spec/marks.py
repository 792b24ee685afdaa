"""Comments of ours that are read back: each is written, and recognised, by one definition."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from .lines import comment

__all__ = [
    "ENDINGS",
    "HALF_LINE",
    "HEADER",
    "NO_ROWS",
    "NO_STOP",
    "ROWS_OF",
    "RUN",
    "STOPPED",
    "Mark",
]


@dataclass(frozen=True, slots=True)
class Mark:
    """A comment that begins with words by which it is found again."""

    words: str
    begin: bytes = field(init=False)
    """How its line begins."""

    def __post_init__(self) -> None:
        """Know how its line begins."""
        object.__setattr__(self, "begin", f"#C {self.words}".encode())

    def line(self, text: str) -> bytes:
        """Return the comment with what follows the words."""
        return comment(self.text(text))

    def text(self, text: str) -> str:
        """Return the same without ``#C``."""
        return self.words + text

    def is_in(self, line: bytes) -> bool:
        """Tell whether a line is such a comment."""
        return line.startswith(self.begin)

    def value(self, line: bytes) -> str:
        """Return what follows the words in such a line: text as itself, or as JSON."""
        text = line[len(self.begin) :].decode("utf-8", "replace").strip()
        try:
            return str(json.loads(text)) if text.startswith('"') else text
        except ValueError:
            return text


HEADER = Mark("bluescribe  User = ")
"""In a header of ours; the user and the host follow."""
RUN = Mark("uid = ")
"""In a scan of ours; the run's uid follows."""
ROWS_OF = Mark("the rows are the events of stream ")
"""In a scan of another stream than the primary one; its name follows."""
NO_ROWS = Mark("the rows are the events of no stream")
"""In a scan that has no rows."""
STOPPED = Mark("exit_status = ")
"""At the end of a scan whose run was stopped."""
NO_STOP = Mark("no stop document after ")
"""At the end of a scan of which nothing tells how its run ended."""
HALF_LINE = Mark("half a line that was here: ")
"""In the place of what a crash has left."""

ENDINGS = STOPPED, NO_STOP
"""What tells how a scan of ours ended."""
