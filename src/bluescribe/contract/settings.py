"""Settings and their mistakes; a format adds its own to those that every writer has."""

from __future__ import annotations

import difflib
import os
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationError,
    field_validator,
)

from ..assets.path_map import check_path_map
from ..errors import ConfigError, DefinitionError, shown
from ..files import Rights
from ..files.names import DEFAULT_TEMPLATE, check_keys, check_template
from ..files.rights import group_id, parse_mode
from ..files.space import parse_size
from ..files.templates import check_meaning

__all__ = [
    "CheckedSettings",
    "Nothing",
    "Problem",
    "Seconds",
    "SettingsError",
    "Size",
    "WriterSettings",
    "expanded",
]

_MOST_BYTES = 2**63 - 1
"""More than any disk has, and the most that files and arrays are counted in."""

Seconds = Annotated[
    float,
    Field(ge=0, allow_inf_nan=True),
    AfterValidator(lambda seconds: min(seconds, threading.TIMEOUT_MAX)),
]
"""How long something is waited for: ``.inf`` too, which is as long as the system can wait."""

Size = Annotated[
    NonNegativeInt,
    Field(le=_MOST_BYTES),
    BeforeValidator(lambda value: parse_size(value) if isinstance(value, str) else value),
]
"""A number of bytes, or a text that says it."""

_LONGEST_EXTENSION = 40


def expanded(path: str | Path) -> Path:
    """Return a path whose ``~`` is the home directory.

    Raises
    ------
    ValueError
        Nobody of that name has a home directory.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ValueError(
            f"{Path(path).parts[0]} is nobody's home directory; write the path itself"
        ) from None


class Problem(NamedTuple):
    """One thing that is wrong with one setting."""

    key: str
    found: Any
    message: str


class SettingsError(ConfigError):
    """Settings that are not allowed; ``problems`` holds them one by one."""

    def __init__(self, owner: str, problems: list[Problem]) -> None:
        lines = [f"{p.key} = {shown(p.found)}: {p.message}" for p in problems]
        super().__init__(f"{owner}: " + "; ".join(lines))
        self.problems = problems


class CheckedSettings(BaseModel):
    """Settings whose mistakes are told in words; uppercased, their names are keys of iconfig."""

    # classes of which no settings are made need not be built: the import of a writer waits for it
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        defer_build=True,
        allow_inf_nan=False,
    )

    @classmethod
    def validated(
        cls, owner: str, values: Mapping[str, Any], *, folder: Path | None = None
    ) -> Self:
        """Make settings of `values`.

        Parameters
        ----------
        owner
            Who is set up, for the message.
        values
            Field names and what was given for them.
        folder
            Where a file is looked for whose relative path is given; None for the working directory.

        Raises
        ------
        SettingsError
            A key is unknown or a value not allowed; it names each, with what is allowed.
        """
        try:
            return cls.model_validate(dict(values), context={"folder": folder or Path()})
        except ValidationError as error:
            problems = [cls._problem(detail) for detail in error.errors()]
        raise SettingsError(owner, problems)

    @classmethod
    def _problem(cls, detail: Any) -> Problem:
        """Put one of pydantic's findings in words."""
        key = ".".join(str(part) for part in detail["loc"]) or "settings"
        if detail["type"] == "extra_forbidden":
            known = list(cls.model_fields)
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            return Problem(
                key, detail["input"], f"unknown key; {hint}allowed are {', '.join(known)}"
            )
        if detail["type"] == "missing":
            return Problem(key, Nothing(), f"needed: {cls.model_fields[key].description}")
        message = detail["msg"].removeprefix("Value error, ")
        if isinstance(detail["input"], Mapping) and detail["type"] in ("string_type", "path_type"):
            message += "; text that begins with { stands in quotes"
        return Problem(key, detail["input"], _uncapitalised(message))

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a subclass that would lose a check of its base by giving its name away."""
        super().__pydantic_init_subclass__(**kwargs)
        for base in cls.__mro__[1:]:
            for name in sorted(vars(cls).keys() & _checks(base)):
                raise DefinitionError(
                    f"{cls.__name__}.{name} takes the place of a check of {base.__name__} of the "
                    "same name, which would be made no more: give it another name"
                )


def _checks(settings: type) -> set[str]:
    """Return the names of the validators that a class of settings has."""
    found = getattr(settings, "__pydantic_decorators__", None)
    kinds = (getattr(found, kind, {}) for kind in ("field_validators", "model_validators"))
    return {name for kind in kinds for name in kind}


def _uncapitalised(message: str) -> str:
    """Return a message that goes on behind a colon; names keep their capitals."""
    first = message.partition(" ")[0]
    is_word = first[1:].islower() or len(first) == 1
    return message[:1].lower() + message[1:] if is_word else message


class Nothing:
    """Stands in a message for what was not given."""

    def __repr__(self) -> str:
        """Return the word."""
        return "nothing"


def told(settings: WriterSettings) -> dict[str, Any]:
    """Return the settings that were given, as JSON has them: `validated` takes them."""
    return settings.model_dump(mode="json", include=settings.model_fields_set)


class WriterSettings(CheckedSettings):
    """What can be set for every format: keyword arguments of a writer, keys of iconfig.yml."""

    directory: Path = Field(
        Path(),
        description="Folder for the files, made when missing; may hold {keys} of the start",
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

    path_map: dict[str, Path] = Field(
        {},
        description="Folders of the IOCs that write images, and where they are on this machine",
    )

    low_space: Size = Field(
        10**9,
        description="Free bytes below which a run warns, or text such as 500 MB; 0 for never",
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

    @property
    def ending(self) -> str:
        """What the files' names end in, with its dot; nothing where they have no extension."""
        return f".{self.file_extension}" if self.file_extension else ""

    @property
    def rights(self) -> Rights:
        """Mode and group of what is made."""
        return Rights(self.folder_mode, self.file_mode, self.group)

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

    @field_validator("directory", mode="before")
    @classmethod
    def _expand_home(cls, value: Any) -> Any:
        return expanded(value) if isinstance(value, str | Path) and value else value

    @field_validator("directory")
    @classmethod
    def _check_directory(cls, value: Path) -> Path:
        check_keys(str(value))
        if "\0" in str(value):
            raise ValueError("a path holds no NUL")
        if not os.path.lexists(value):  # else it is meant as it stands, "$" and "%" included
            check_meaning(str(value))
        return value

    @field_validator("file_name")
    @classmethod
    def _check_file_name(cls, value: str) -> str:
        check_template(value)
        check_meaning(value)
        if value.startswith("~"):
            raise ValueError("~ is the home directory in a directory only; a name cannot begin so")
        return value

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
