"""A package of others that adds formats or deliveries, installed as pip does it."""

from __future__ import annotations

from pathlib import Path

import pytest


def install(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    group: str = "bluescribe.formats",
    **entries: str,
) -> None:
    """Install the package "others": what its entry points name in a group, and with what."""
    about = folder / "others-1.2.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.2\n")
    lines = [f"{name} = {value}\n" for name, value in entries.items()]
    (about / "entry_points.txt").write_text("".join([f"[{group}]\n", *lines]))
    monkeypatch.syspath_prepend(str(folder))
