"""Where the server is: by its URL, or by a profile that tiled keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ...contract.settings import Problem, SettingsError
from .settings import TiledSettings

__all__ = ["Place", "place_of"]

_OPTIONS = ("headers", "verify")
"""What a profile may say besides; the rest is about reading, or ours to say."""


@dataclass(frozen=True)
class Place:
    """A server, and how it is talked to."""

    uri: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """As tiled's ``Context`` takes them."""

    def __str__(self) -> str:
        """Return the URL without what may be a secret."""
        parts = urlsplit(self.uri)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def place_of(settings: TiledSettings) -> Place:
    """Return the place that settings say; profiles are read as ``tiled profile list`` has them.

    Raises
    ------
    SettingsError
        There is no such profile, or it has no URL.
    """
    if settings.uri is not None:
        return Place(settings.uri)
    from tiled.profiles import load_profiles

    profiles = load_profiles()
    if settings.profile not in profiles:
        known = ", ".join(profiles) or "none"
        message = f"tiled has no such profile; there are: {known} (tiled profile list)"
        raise SettingsError("TILED", [Problem("PROFILE", settings.profile, message)])
    _, content = profiles[settings.profile]
    if "uri" not in content:
        message = "it has its server inside; one with a uri is needed"
        raise SettingsError("TILED", [Problem("PROFILE", settings.profile, message)])
    options = {key: content[key] for key in _OPTIONS if key in content}
    return Place(content["uri"], options)
