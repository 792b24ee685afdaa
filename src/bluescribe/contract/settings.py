"""Settings that every format has; a format adds its own."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, field_validator

from ..assets.path_map import check_path_map
from ..files import Rights
from ..files.rights import group_id, parse_mode
from ..files.run_paths import DEFAULT_TEMPLATE, check_keys, check_template
from ..files.templates import check_meaning
from ..model.selection import Selection
from .checked import (
    CheckedSettings,
    HomePath,
    Nothing,
    Problem,
    Seconds,
    SettingsError,
    Size,
    expanded,
)

__all__ = [
    "CheckedSettings",
    "HomePath",
    "Need",
    "Nothing",
    "Problem",
    "Seconds",
    "SettingsError",
    "Size",
    "WriterSettings",
    "expanded",
]

_LONGEST_EXTENSION = 40


class Need(NamedTuple):
    """A package that an extra brings."""

    module: str
    extra: str
    what: str
    """What cannot be done without it."""


Patterns = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
]
"""Names, or patterns of names with ``*`` and ``?``; a single one may stand alone."""


def told(settings: WriterSettings) -> dict[str, Any]:
    """Return the settings that were given, as JSON has them: `validated` takes them."""
    return settings.model_dump(mode="json", include=settings.model_fields_set)


class WriterSettings(CheckedSettings):
    """What can be set for every format: keyword arguments of a writer, keys of iconfig.yml."""

    directory: HomePath = Field(
        Path(),
        description="Folder for the files, made when missing; may hold {keys} as file_name",
    )
    file_name: str = Field(
        DEFAULT_TEMPLATE,
        description="Template of a run's file name, without extension; may hold folders and {keys}",
    )
    file_extension: str = Field("", description="Ending of the files' names, without the dot")
    on_error: Literal["warn", "abort"] = Field(
        "warn",
        description="What a run does whose file cannot be written: go on, or stop",
    )
    retry_seconds: Seconds = Field(
        30.0,
        description="Seconds for which a full or absent disk is tried again",
    )
    drain_timeout: Seconds = Field(
        5.0,
        description="Seconds that the end of a run waits for its files at the most",
    )

    fields: Patterns = Field(
        (),
        description="Fields to write, by name or pattern such as det*; empty for all",
    )
    exclude: Patterns = Field(
        (),
        description="Fields not to write, by name or pattern such as *_image",
    )

    path_map: dict[str, Path] = Field(
        {},
        description="Folders of the IOCs that write images, and where they are on this machine",
    )

    low_space: Size = Field(
        10**9,
        description="Free bytes below which a run warns, or text such as 500 MB; 0 for never",
    )

    roots: tuple[Path, ...] = Field(
        (),
        description="Folders below which a path in metadata may lead, as {key:path} in directory",
    )

    folder_mode: int | None = Field(
        None,
        description='Mode of folders that are made, such as "2775"; without it the umask decides',
    )
    file_mode: int | None = Field(
        None,
        description='Mode of files that are made, such as "664"; without it the umask decides',
    )
    group: int | None = Field(
        None,
        description="Group of what is made, by name or number; without it as the system has it",
    )

    of_instrument: ClassVar[frozenset[str]] = frozenset({"fields", "exclude"})
    """Settings that name what an instrument has, or a file of its own: no example run has that."""

    def unfit_for(self, file_system: str) -> str:
        """Return what is wrong with these settings on a type of file system, and the remedy."""
        return ""

    def needs(self) -> Iterator[Need]:
        """Yield the packages of extras without which something that is asked for cannot be done."""
        return iter(())

    @property
    def elsewhere(self) -> Path | None:
        """The one file that all runs go to, where they do not go to `directory`."""
        return None

    @property
    def ending(self) -> str:
        """What the files' names end in, with its dot; nothing where they have no extension."""
        return f".{self.file_extension}" if self.file_extension else ""

    @property
    def target(self) -> tuple[str, ...]:
        """What says where a run goes: two writers of which it is the same write the same file."""
        return (str(self.directory), self.file_name, self.file_extension)

    @property
    def rights(self) -> Rights:
        """Mode and group of what is made."""
        return Rights(self.folder_mode, self.file_mode, self.group)

    @property
    def selection(self) -> Selection | None:
        """Which fields are written; None for all."""
        if not (self.fields or self.exclude):
            return None
        return Selection(self.fields, self.exclude)

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return these settings with others in the place of some.

        Parameters
        ----------
        changes
            Names and what is given for them; what `told` made of settings is taken, too.

        Raises
        ------
        SettingsError
            As `validated`.
        """
        other = type(self).validated("settings", {**told(self), **changes})
        # a copy: what is told once by these settings stays told
        return self.model_copy(update={name: getattr(other, name) for name in changes})

    @field_validator("fields", "exclude")
    @classmethod
    def _check_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(value):
            raise ValueError("an empty text is the name of no field")
        return value

    @field_validator("folder_mode", mode="before")
    @classmethod
    def _parse_folder_mode(cls, value: Any) -> int | None:
        return None if value is None else parse_mode(value, needed=stat.S_IRWXU)

    @field_validator("file_mode", mode="before")
    @classmethod
    def _parse_file_mode(cls, value: Any) -> int | None:
        return None if value is None else parse_mode(value, needed=stat.S_IRUSR | stat.S_IWUSR)

    @field_validator("group", mode="before")
    @classmethod
    def _find_group(cls, value: Any) -> int | None:
        return None if value is None else group_id(value)

    @field_validator("directory")
    @classmethod
    def _check_directory(cls, value: Path) -> Path:
        check_keys(str(value), may_be_late=True)
        if "\0" in str(value):
            raise ValueError("a path holds no NUL")
        if not os.path.lexists(value):  # else it is meant as it stands, "$" and "%" included
            check_meaning(str(value))
        return value

    @field_validator("file_name")
    @classmethod
    def _check_file_name(cls, value: str) -> str:
        check_template(value, may_be_late=True)
        check_meaning(value)
        if value.startswith("~"):
            raise ValueError("~ is the home directory in a directory only; a name cannot begin so")
        return value

    @field_validator("roots", mode="before")
    @classmethod
    def _take_one_root(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str | Path) else value

    @field_validator("roots")
    @classmethod
    def _check_roots(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        roots = tuple(expanded(root) for root in value)
        for root in roots:
            if not root.is_absolute() or root == Path(root.anchor) or "\0" in str(root):
                raise ValueError(f"{root}: a folder is needed, from / on, such as /data")
        return roots

    @field_validator("path_map")
    @classmethod
    def _check_path_map(cls, value: dict[str, Path]) -> dict[str, Path]:
        folders = {old: expanded(new) for old, new in value.items()}
        check_path_map(folders)
        return folders

    @field_validator("file_extension")
    @classmethod
    def _strip_dot(cls, value: str) -> str:
        if any(c in value for c in "/\\\0"):
            raise ValueError("a file extension has no folder in it")
        if not value.isprintable():
            raise ValueError("the extension holds a character that cannot be printed")
        if "{" in value or len(value) > _LONGEST_EXTENSION:
            raise ValueError("a file extension is a short text without {keys}, such as dat")
        return value.removeprefix(".")
