"""What is wrong with a template of names: what cannot be filled, and what was hardly meant so."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

__all__ = [
    "COUNTER",
    "DEFAULT_TEMPLATE",
    "PATH",
    "check_fields",
    "check_meaning",
    "default_in",
    "steps_of",
]

DEFAULT_TEMPLATE = "{time:%Y%m%d-%H%M%S}-S{scan_id:05d}-{uid:.7}"
"""As the ecosystem knows it: ``20261122-094501-S00042-1f5a9c3``."""

COUNTER = "#"
"""The key that counts runs: ``{#:03d}``."""
PATH = "path"
"""What stands behind the colon of a key that is a path."""

_WIDEST = 200
"""Characters that a value may be padded to: no file system takes a longer name."""

_NUMBER = re.compile(r"\d+")
_SHELL_VARIABLE = re.compile(r"\$(\w+|$)")
_CODE = re.compile(r"%(\(\w+\)|[-#0-9.]*[A-Za-z])")
"""``%Y`` of strftime, ``%06d`` and ``%(name)s`` of Python's older formats."""

_VALUES: dict[str, tuple[Any, ...]] = {"uid": ("6f9e2c1a",), "scan_id": (1, "1"), COUNTER: (1,)}
"""What keys hold; others may hold anything."""


def check_fields(template: str) -> None:
    """Raise a `ValueError` where a key's format is no format, or makes a name without end."""
    for _, key, spec, conversion in Formatter().parse(template):
        if key is None:
            continue
        shown = f"{{{key}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}}}"
        if conversion:
            raise ValueError(
                f"{shown}: nothing may stand between key and colon; see {DEFAULT_TEMPLATE}"
            )
        if spec and "{" in spec:
            raise ValueError(
                f"{shown}: a key's format cannot hold another key; see {DEFAULT_TEMPLATE}"
            )
        if any(len(n) > len(str(_WIDEST)) or int(n) > _WIDEST for n in _NUMBER.findall(spec or "")):
            raise ValueError(
                f"{shown[:60]}: wider than {_WIDEST} characters; no name may be so long"
            )
        name, _ = default_in(key)
        if spec == PATH and name not in ("time", COUNTER):
            continue
        is_plain = name == COUNTER or (name != "time" and name.partition("[")[0].isidentifier())
        if spec and is_plain and not _takes(spec, _VALUES.get(name, (1, 1.0, "1"))):
            raise ValueError(f"{shown}: {spec!r} is no format of Python's; see {DEFAULT_TEMPLATE}")


def check_meaning(template: str) -> None:
    """Raise a `ValueError` where a template would be filled otherwise than was meant."""
    for literal, key, spec, _ in Formatter().parse(template):
        variable = _SHELL_VARIABLE.search(literal)
        if variable and (variable[1] or key):
            name = variable[1] or f"{{{key}}}"
            raise ValueError(
                f"${name} is not filled in: write the path itself, ~ for the home directory, or a "
                "{key} of the start document"
            )
        if code := _CODE.search(literal):
            raise ValueError(
                f"{code[0]} is not filled in where it stands: write {{time:%Y-%m-%d}} for the time "
                "of the run and {scan_id:05d} for numbers"
            )
        if key == "time" and not _CODE.search(spec or ""):
            raise ValueError(
                f"{{time{':' + spec if spec else ''}}} has no code of strftime, which says how the "
                "time is written: {time:%Y%m%d-%H%M%S}"
            )


def default_in(key: str) -> tuple[str, str | None]:
    """Return a key, and what ``{sample|none}`` has where it is missing: None for nothing."""
    name, bar, default = key.partition("|")
    return name, default if bar else None


def steps_of(key: str) -> tuple[str, ...]:
    """Return the names that lead to a value: ``sample[name]`` has two."""
    return tuple(default_in(key)[0].replace("]", "").split("["))


def _takes(spec: str, values: tuple[Any, ...]) -> bool:
    """Tell whether any of the values can be written in a format."""
    for value in values:
        try:
            format(value, spec)
        except ValueError:
            continue
        return True
    return False
