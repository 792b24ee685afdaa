"""The settings of TILED."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, field_validator

from ...contract.settings import Nothing, Problem, Seconds, SettingsError
from ..settings import DeliverySettings, Hidden

__all__ = ["TiledSettings"]


class TiledSettings(DeliverySettings):
    """Where runs go, and how often."""

    credentials: ClassVar[str] = (
        "TILED_API_KEY in the environment of the session, or from tiled's own login "
        "(tiled login, once)"
    )

    uri: str | None = Field(
        None, description="Where the server is, such as https://tiled.example.org"
    )
    profile: str | None = Field(
        None, description="Name of a profile of tiled that tells where the server is, if URI is not"
    )
    path: str = Field(
        "", description="Catalog on the server that takes the runs, such as raw; it has to exist"
    )
    interval: Annotated[Seconds, Field(ge=0.2)] = Field(
        2.0, description="Seconds between two batches of a run that goes on"
    )
    timeout: Annotated[Seconds, Field(gt=0)] = Field(
        30.0, description="Seconds to wait for an answer of the server"
    )

    @field_validator("uri")
    @classmethod
    def _check_uri(cls, value: str | None) -> str | None:
        if value is None:
            return None
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
        """Make settings of `values`; a URL with a secret in it is not repeated in the message.

        Either a URL is needed or a profile.
        """
        uri = values.get("uri", "")
        parts = urlsplit(uri if isinstance(uri, str) else "")
        if "api_key" in parse_qs(parts.query) or "@" in parts.netloc:
            message = (
                "a secret does not belong in this file, which others can read; remove it from the "
                f"URL. Credentials come from {cls.credentials}"
            )
            raise SettingsError(owner, [Problem("uri", Hidden(), message)])
        settings = super().validated(owner, values, folder=folder)
        if settings.uri is None and settings.profile is None:
            message = f"needed: {cls.model_fields['uri'].description}, or a PROFILE of tiled"
            raise SettingsError(owner, [Problem("uri", Nothing(), message)])
        if settings.uri is not None and settings.profile is not None:
            message = "there is a URI as well; one of both tells where the server is"
            raise SettingsError(owner, [Problem("profile", settings.profile, message)])
        return settings
