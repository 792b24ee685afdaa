"""What was changed of a writer while the session runs: what, by whom, when; told in one line."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..contract.checked import expanded
from ..files.working_directory import working_directory

__all__ = ["ENABLED", "Change", "asker", "words_of"]

ENABLED = "enabled"
"""What is changed like a setting, and is none: whether runs are written at all."""

_PLANS_THREAD = "bluesky-run-engine"
"""On which a RunEngine runs its plans."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that is not as it was configured."""

    name: str
    """The setting, or ``enabled``."""
    value: Any
    by: str
    """Who asked for it: the console, a plan, the metadata of a run."""
    time: float
    """Epoch seconds."""

    def __str__(self) -> str:
        """Return a few words for people."""
        when = datetime.fromtimestamp(self.time).astimezone().strftime("%H:%M:%S")
        value = str(self.value) if isinstance(self.value, Path | str) else repr(self.value)
        return f"{self.name} = {value} (by {self.by}, {when})"


def asker() -> str:
    """Return who asks, as messages call it."""
    thread = threading.current_thread()
    if thread is threading.main_thread():
        return "the console"
    return "a plan" if thread.name == _PLANS_THREAD else f"the thread {thread.name}"


def words_of(settings: Mapping[str, Any], formats: Iterable[str], by: str) -> str:
    """Return the line that tells what the next runs of formats have."""
    words = [_words(name, value) for name, value in settings.items()]
    return f"{', '.join(formats)}: from the next run on {'; '.join(words)} (by {by})"


def _below_start(folder: Path) -> str:
    return f"in {folder}, below the working directory at its start (now {working_directory()})"


def _words(name: str, value: Any) -> str:
    if name == ENABLED:
        return "written again" if value else "not written"
    if name == "directory":
        folder = expanded(value)
        return f"in {folder}" if folder.is_absolute() else _below_start(folder)
    if name == "file_name":
        return f"called {value}"
    return f"{name} = {value!r}"
