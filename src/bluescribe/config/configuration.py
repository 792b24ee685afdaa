"""Configuration: what iconfig.yml switches on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.folders import known_folder
from ..contract.settings import WriterSettings
from ..spool import SpoolSettings
from .session import SessionSettings

if TYPE_CHECKING:
    from ..contract.plugin import FormatPlugin
    from ..delivery.base import Delivery
    from ..delivery.settings import DeliverySettings
    from ..recording.writer import Writer

__all__ = ["Configuration", "DeliveryConfig", "WriterConfig"]


@dataclass(frozen=True, slots=True)
class WriterConfig:
    """One format that is switched on."""

    name: str
    plugin: FormatPlugin
    settings: WriterSettings

    def make(self) -> Writer:
        """Make the writer."""
        values = {name: getattr(self.settings, name) for name in self.settings.model_fields_set}
        return self.plugin.writer(**values)


@dataclass(frozen=True, slots=True)
class DeliveryConfig:
    """One delivery that is switched on."""

    name: str
    delivery_class: type[Delivery]
    settings: DeliverySettings

    def make(self) -> Delivery:
        """Make the delivery."""
        values = {name: getattr(self.settings, name) for name in self.settings.model_fields_set}
        return self.delivery_class(**values)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a configuration switches on."""

    writers: list[WriterConfig]
    deliveries: list[DeliveryConfig]
    spool: SpoolSettings
    session: SessionSettings = field(default_factory=SessionSettings)

    @property
    def folders(self) -> list[tuple[str, Path]]:
        """What is to be written where, as far as that does not depend on a run."""
        files = [(config.name, known_folder(config.settings)) for config in self.writers]
        return files + [
            (f"what {config.name} has to deliver", config.settings.outbox)
            for config in self.deliveries
            if config.settings.outbox is not None
        ]
