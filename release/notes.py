"""Print what the changelog says of a version, as the notes of its release.

python release/notes.py 0.1.0
python release/notes.py --out notes.md v0.1.0
python release/notes.py --check v0.1.0    # may this tag be released?
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

__all__ = ["NoNotesError", "check_tag", "notes_of"]

TOP = Path(__file__).resolve().parent.parent


class NoNotesError(LookupError):
    """A version cannot be released: nothing tells what changed, or it is another one."""


def main(argv: list[str]) -> int:
    """Print, write or check the notes of the version that is asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("version", help="such as 0.1.0, or the tag v0.1.0")
    parser.add_argument("--out", type=Path, help="file to write, in place of printing")
    parser.add_argument("--check", action="store_true", help="only see if the tag may be released")
    asked = parser.parse_args(argv)
    changelog = (TOP / "CHANGELOG.md").read_text(encoding="utf-8")
    try:
        if asked.check:
            check_tag(asked.version, (TOP / "src/bluescribe/__init__.py").read_text(), changelog)
            return 0
        notes = notes_of(asked.version.removeprefix("v"), changelog)
    except NoNotesError as error:
        print(f"CHANGELOG.md: {error}", file=sys.stderr)
        return 1
    if asked.out:
        asked.out.write_text(f"{notes}\n", encoding="utf-8")
    else:
        print(notes)
    return 0


def check_tag(tag: str, package: str, changelog: str) -> None:
    """Fail unless a tag names the version of the package, and the changelog has that with its date.

    Parameters
    ----------
    tag
        Such as ``v0.1.0``.
    package
        The text of the module that says `__version__`.
    changelog
        The text of the changelog.

    Raises
    ------
    NoNotesError
        It is not so.
    """
    found = re.search(r'^__version__ = "(.+)"$', package, re.MULTILINE)
    version = found[1] if found else "no version"
    if tag != f"v{version}":
        raise NoNotesError(f"the tag is {tag}, and the package says {version}: make them the same")
    notes_of(version, changelog)
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-", changelog, re.MULTILINE):
        raise NoNotesError(f"the section ## [{version}] has no date")


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
        raise NoNotesError(
            f"there is no section ## [{version}]: write what changed, then try again"
        )
    notes = found[1].strip()
    if not notes:
        raise NoNotesError(f"the section ## [{version}] is empty")
    return notes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
