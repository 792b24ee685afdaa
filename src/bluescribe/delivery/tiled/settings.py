"""The settings of TILED."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, PositiveFloat, field_validator

from ...settings import Problem, SettingsError
from ..settings import DeliverySettings, Hidden

__all__ = ["TiledSettings"]


class TiledSettings(DeliverySettings):
    """Where runs go, and how often."""

    credentials: ClassVar[str] = (
        "TILED_API_KEY in the environment of the session, or from tiled's own login "
        "(tiled login, once)"
    )

    uri: str = Field(description="Where the server is, such as https://tiled.example.org")
    path: str = Field(
        "", description="Catalog on the server that takes the runs, such as raw; it has to exist"
    )
    interval: Annotated[float, Field(ge=0.2)] = Field(
        2.0, description="Seconds between two batches of a run that goes on"
    )
    timeout: PositiveFloat = Field(30.0, description="Seconds to wait for an answer of the server")

    @field_validator("uri")
    @classmethod
    def _check_uri(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("a URL is needed, such as https://tiled.example.org")
        return value.rstrip("/")

    @field_validator("path")
    @classmethod
    def _check_path(cls, value: str) -> str:
        return value.strip("/")

    @classmethod
    def validated(
        cls, owner: str, values: Mapping[str, Any], *, folder: Path | None = None
    ) -> Self:
        """Make settings of `values`; a URL with a secret in it is not repeated in the message."""
        parts = urlsplit(str(values.get("uri", "")))
        if "api_key" in parse_qs(parts.query) or "@" in parts.netloc:
            message = (
                "a secret does not belong in this file, which others can read; remove it from the "
                f"URL. Credentials come from {cls.credentials}"
            )
            raise SettingsError(owner, [Problem("uri", Hidden(), message)])
        return super().validated(owner, values, folder=folder)
