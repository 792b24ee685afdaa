"""Units that are no units: looked up with pint for a warning, and kept as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from ...errors import ConfigError
from ...model.run import Field

__all__ = ["check_pint", "unknown_units"]

_NO_UNIT = re.compile(r"\d{4}|(\*\*|\^)[^A-Za-z]*(\*\*|\^)|.{80}", re.DOTALL)
"""Long numbers and powers of powers, which pint would spend hours with."""


def check_pint() -> None:
    """Look whether pint is installed.

    Raises
    ------
    ConfigError
        It is not.
    """
    try:
        import pint  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"checking units needs pint ({error}): pip install pint") from error


def unknown_units(fields: Iterable[Field]) -> Iterator[tuple[str, str]]:
    """Yield fields whose unit pint does not know, with the unit."""
    for field in fields:
        if field.units.strip() and not _is_known(field.units):
            yield field.name, field.units


@cache
def _registry() -> Any:
    import pint  # it takes a tenth of a second

    return pint.UnitRegistry()


@cache
def _is_known(unit: str) -> bool:
    if _NO_UNIT.search(unit):
        return False
    try:
        _registry().parse_units(unit)
    except Exception:  # pint's own, and whatever Python's tokenizer raises
        return False
    return True
