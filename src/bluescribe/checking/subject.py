"""What is checked: formats, deliveries and spool, and what is known of the runs to come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from ..config.configuration import Configuration, WriterConfig
from ..contract.folders import known_folder
from ..files.working_directory import working_directory

__all__ = ["Subject"]


@dataclass(frozen=True)
class Subject:
    """What is to be ready."""

    configuration: Configuration
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What start documents will have, beside that which bluesky itself puts there."""
    rate: int = 0
    """Bytes that have to be written in a second; 0 where nobody says."""

    heed: Callable[[], None] = lambda: None
    """Is called where the check can be ended: it raises if somebody wants that."""

    @property
    def formats(self) -> list[WriterConfig]:
        """The formats that are on."""
        return self.configuration.writers

    def of(self, formats: list[WriterConfig]) -> Self:
        """Return the same with other formats, or other settings of them."""
        return replace(self, configuration=replace(self.configuration, writers=formats))

    @property
    def folders(self) -> dict[Path, list[WriterConfig]]:
        """Where files go, as far as that does not depend on a run, and whose they are."""
        found: dict[Path, list[WriterConfig]] = {}
        for config in self.formats:
            folder = working_directory() / known_folder(config.settings)
            found.setdefault(folder, []).append(config)
        return found
