"""Instruments that are made by BITS' own command, in an environment that has apsbits."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CALLBACKS = "# Optional Nexus callback block"
"""What begins the blocks of the template that subscribe apstools' callbacks."""
BEHIND = "# These imports must come after the above setup."
OURS = """\
from bluescribe import newSpecFile, spec_comment, subscribe_writers  # noqa: F401

writers = subscribe_writers(RE, iconfig_path)
"""
"""What takes their place."""


@dataclass(frozen=True)
class Instrument:
    """An instrument's package, and the folder in which a session works."""

    name: str
    folder: Path

    @property
    def package(self) -> Path:
        return self.folder / "src" / self.name

    @property
    def iconfig(self) -> Path:
        return self.package / "configs" / "iconfig.yml"

    def take_ours(self) -> None:
        """Put our three lines in the place of the template's callbacks."""
        startup = self.package / "startup.py"
        text = startup.read_text()
        before, _, rest = text.partition(CALLBACKS)
        _, found, after = rest.partition(BEHIND)
        assert found, text
        startup.write_text(f"{before}{OURS}\n{BEHIND}{after}")
        shutil.rmtree(self.package / "callbacks")


@pytest.fixture
def instrument(tmp_path, monkeypatch):
    """An instrument that was made a moment ago, with our lines."""
    (tmp_path / "scripts").mkdir()
    command = [str(Path(sys.executable).with_name("bits-create")), "sector"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    made = Instrument("sector", tmp_path)
    made.take_ours()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return made
