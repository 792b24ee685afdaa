"""What documents say where they should: text, mappings and lists, and nothing for anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Document", "mapping_of", "names_of", "sequence_of", "text_of"]

Document: TypeAlias = Mapping[str, Any]


def text_of(value: Any) -> str:
    """Return what was to be text, or a number; nothing for anything else, such as an array."""
    try:
        return str(value) if isinstance(value, str | int | float) else ""
    except ValueError:  # an integer of more than 4,300 digits
        return ""


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return what was to be a mapping; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def sequence_of(value: Any) -> Sequence[Any]:
    """Return what was to be a list; an empty one for anything else."""
    is_one = isinstance(value, np.ndarray) and value.ndim == 0
    return list(value) if isinstance(value, list | tuple | np.ndarray) and not is_one else ()


def names_of(value: Any) -> list[str]:
    """Return the texts in what was to be a list of names."""
    return [name for name in sequence_of(value) if isinstance(name, str)]
