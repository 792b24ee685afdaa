"""The keys of GLOBUS in iconfig.yml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field, field_validator

from ...contract.settings import HomePath, Problem, SettingsError
from ...files.run_paths import check_keys
from ..settings import DeliverySettings

__all__ = ["GlobusSettings"]


class GlobusSettings(DeliverySettings):
    """Settings of transfers by Globus."""

    credentials: ClassVar[str] = (
        "the environment (GLOBUS_CLIENT_ID and GLOBUS_CLIENT_SECRET of a service account), or from "
        "a login that was made once with: bluescribe globus login"
    )

    source_endpoint: UUID = Field(
        description="UUID of the collection that has this machine's files"
    )
    destination_endpoint: UUID = Field(description="UUID of the collection that files are sent to")
    local_root: HomePath = Field(
        description="Folder of this machine, seen by the source collection, below which files are"
    )
    source_path: str | None = Field(
        None, description="What the source collection calls LOCAL_ROOT; null if it is the same"
    )
    destination_path: str = Field(
        description="Folder of the destination that takes the place of LOCAL_ROOT; may hold {keys}"
    )
    label: str = Field(
        "{scan_id} {plan_name} {uid:.7}",
        description="What Globus calls a transfer; may hold {keys} of the start document",
    )
    formats: list[str] = Field(
        [], description="Formats whose files are sent; an empty list is all that are switched on"
    )
    sync_level: Literal["exists", "size", "mtime", "checksum"] | None = Field(
        "checksum",
        description="What makes a file count as arrived already; null sends it in any case",
    )
    verify_checksum: bool = Field(True, description="Compare each file after its transfer")
    preserve_timestamp: bool = Field(True, description="Keep the times of the files")
    encrypt_data: bool = Field(False, description="Encrypt the data on their way")
    notify: Literal["all", "failed", "none"] = Field(
        "failed", description="Which transfers Globus sends mail about"
    )
    data_access: Literal["none", "source", "destination", "both"] = Field(
        "none",
        description="Which of them are mapped collections that want consent to data_access",
    )

    @field_validator("local_root")
    @classmethod
    def _check_root(cls, value: Path) -> Path:
        if not value.is_absolute() or ".." in value.parts:
            raise ValueError("an absolute folder is needed, such as /data")
        return value

    @field_validator("source_path", "destination_path")
    @classmethod
    def _check_path(cls, value: str | None) -> str | None:
        if value is not None:
            path = PurePosixPath(value)
            if path.parts[:1] not in (("/",), ("~",)) or ".." in path.parts:
                raise ValueError("a folder that begins with / or ~/ is needed, without ..")
        return value

    @field_validator("destination_path", "label")
    @classmethod
    def _check_template(cls, value: str) -> str:
        check_keys(value)
        if not value.strip():
            raise ValueError("it must not be empty")
        return value

    def check_formats(self, owner: str, formats: Sequence[str]) -> None:
        """Check that some format is switched on, and each one that is to be sent."""
        known = f"switched on are: {', '.join(formats) or 'none'}"
        if not formats:
            message = (
                f"there are no files to send; {known}. Switch on a block such as NEXUS_DATA_FILES"
            )
            raise SettingsError(owner, [Problem("enable", True, message)])
        for name in self.formats:
            if name not in formats:
                raise SettingsError(owner, [Problem("formats", name, f"not written; {known}")])

    @property
    def collections_with_consent(self) -> list[UUID]:
        """The collections whose data_access is asked for at the login."""
        both = {"source": self.source_endpoint, "destination": self.destination_endpoint}
        return [uuid for end, uuid in both.items() if self.data_access in (end, "both")]
