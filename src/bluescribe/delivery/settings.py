"""The settings that every delivery has; each adds its own by subclassing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field

from ..contract.settings import CheckedSettings, HomePath, Problem, SettingsError

__all__ = ["DeliverySettings", "Hidden"]

_SECRET = re.compile(r"TOKEN|SECRET|PASSW|API_?KEY|CREDENTIAL", re.IGNORECASE)


class DeliverySettings(CheckedSettings):
    """What can be set for every delivery: keys of its block in iconfig.yml."""

    credentials: ClassVar[str] = "the environment"
    """Where credentials come from, as a remedy says it; a file that is shared holds none."""

    outbox: HomePath | None = Field(
        None,
        description="Folder for what is still to be delivered; null for one in the home directory",
    )

    @classmethod
    def validated(
        cls, owner: str, values: Mapping[str, Any], *, folder: Path | None = None
    ) -> Self:
        """Make settings of `values`, as all settings are made; none of them may be a secret."""
        cls.refuse_secrets(owner, values)
        return super().validated(owner, values, folder=folder)

    @classmethod
    def refuse_secrets(cls, owner: str, keys: Iterable[str]) -> None:
        """Refuse keys that look like credentials, and do not repeat what they say.

        Raises
        ------
        SettingsError
            It says where credentials come from.
        """
        for key in keys:
            if _SECRET.search(key) and key.lower() not in cls.model_fields:
                message = (
                    "a secret does not belong in this file, which others can read; remove it. "
                    f"Credentials come from {cls.credentials}"
                )
                raise SettingsError(owner, [Problem(key, Hidden(), message)])

    def check_formats(self, owner: str, formats: Sequence[str]) -> None:
        """Check against the formats that are switched on.

        Raises
        ------
        SettingsError
            There is nothing to deliver.
        """


class Hidden:
    """Stands in a message for what is not repeated there."""

    def __repr__(self) -> str:
        return "something (not shown)"
