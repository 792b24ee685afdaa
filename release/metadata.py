"""What a package index shows of a release: README and changes, with links that lead somewhere.

Hatchling calls this when it builds. Where the project is at home is known where it is released:
GitHub's workflows tell. Elsewhere there are no addresses, and README's links stay as they are.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))
from notes import NoNotesError, notes_of

TOP = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"(!?\[[^\]]*\]\()(?!https?:|#)([^)\s]+)\)")
_HIDDEN = re.compile(r"<!-- invisible-code-block:.*?-->\n\n", re.DOTALL)


class ReleaseMetadata(MetadataHookInterface):
    """Adds README, changes and addresses."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the dynamic fields."""
        home = home_page(os.environ)
        text = description(TOP, str(metadata["version"]), home)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        metadata["urls"] = urls(home)


def home_page(environment: Any) -> str:
    """Return the address of the repository that is building; empty where nobody says."""
    names = "GITHUB_SERVER_URL", "GITHUB_REPOSITORY"
    return "/".join(environment[name] for name in names) if set(names) <= set(environment) else ""


def urls(home: str) -> dict[str, str]:
    """Return the addresses that an index shows beside the project."""
    if not home:
        return {}
    return {
        "Source": home,
        "Documentation": f"{home}/blob/main/docs/index.md",
        "Changelog": f"{home}/blob/main/CHANGELOG.md",
        "Issues": f"{home}/issues",
    }


def description(top: Path, version: str, home: str) -> str:
    """Return README, and behind it what changed in this version."""
    text = _HIDDEN.sub("", (top / "README.md").read_text(encoding="utf-8"))
    try:
        changes = notes_of(version, (top / "CHANGELOG.md").read_text(encoding="utf-8"))
    except NoNotesError:  # between two releases
        changes = ""
    if changes:
        text = f"{text.rstrip()}\n\n# Changes in {version}\n\n{changes}\n"
    return with_addresses(text, f"v{version}", home) if home else text


def with_addresses(text: str, tag: str, home: str) -> str:
    """Return text whose links into the repository are whole: pictures as they are, pages shown."""

    def whole(found: re.Match[str]) -> str:
        kind = "raw" if found[1].startswith("!") else "blob"
        return f"{found[1]}{home}/{kind}/{tag}/{found[2]})"

    return _LINK.sub(whole, text)
