"""Print what the changelog says of a version, as the notes of its release.

    python release/notes.py 0.1.0
    python release/notes.py v0.1.0
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["NoNotesError", "notes_of"]

CHANGELOG = Path(__file__).resolve().parent.parent / "CHANGELOG.md"


class NoNotesError(LookupError):
    """The changelog has no section for a version, or nothing in it."""


def main(argv: list[str]) -> int:
    """Print the notes of the version that is asked for; return the exit status."""
    if len(argv) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(notes_of(argv[0].removeprefix("v"), CHANGELOG.read_text(encoding="utf-8")))
    except NoNotesError as error:
        print(f"{CHANGELOG.name}: {error}", file=sys.stderr)
        return 1
    return 0


def notes_of(version: str, changelog: str) -> str:
    """Return the section of a version, without its heading.

    Parameters
    ----------
    version
        Such as ``0.1.0``.
    changelog
        In the form of Keep a Changelog: ``## [0.1.0] - 2026-12-01``.

    Raises
    ------
    NoNotesError
        There is no such section, or it is empty.
    """
    heading = rf"^## \[{re.escape(version)}\](?: - \d{{4}}-\d{{2}}-\d{{2}})?\n"
    found = re.search(heading + r"(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE)
    if found is None:
        raise NoNotesError(f"there is no section ## [{version}]: write what changed, then try again")
    notes = found[1].strip()
    if not notes:
        raise NoNotesError(f"the section ## [{version}] is empty")
    return notes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
