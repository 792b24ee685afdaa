"""Whether documents are the same to the last bit: what is written of them is the same then."""

from __future__ import annotations

import sys

import numpy as np


def exact(documents):
    """Return documents as text that differs where types, digits or the order of keys do."""
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        return [f"{name} {doc!r}" for name, doc in documents]
