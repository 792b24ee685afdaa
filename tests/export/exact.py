"""Whether documents are the same to the last bit: what is written of them is the same then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def exact(documents):
    """Return documents in a form that is equal only where types and order of keys are, too."""
    return [(name, _exact(doc)) for name, doc in documents]


def _exact(value: Any):
    if isinstance(value, Mapping):
        return [(key, _exact(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind != "O":
        return type(value), value.dtype.str, value.shape, value.tobytes()
    return type(value), repr(value)
