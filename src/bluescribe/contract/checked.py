"""Settings whose mistakes are told in words; a format's and a delivery's are made of them."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationError,
)

from ..errors import ConfigError, DefinitionError, shown
from ..files.space import parse_size

__all__ = [
    "CheckedSettings",
    "HomePath",
    "Nothing",
    "Problem",
    "Seconds",
    "SettingsError",
    "Size",
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


HomePath = Annotated[
    Path, BeforeValidator(lambda value: expanded(value) if value and _is_path(value) else value)
]
"""A path that may begin with ``~``."""


def _is_path(value: Any) -> bool:
    return isinstance(value, str | Path)


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
