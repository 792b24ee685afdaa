"""What a module of tests cannot do without, found without being imported.

A server's parts take seconds to import, in each worker, also where all its tests are left out.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def needs(*packages: str, reason: str = "") -> None:
    """Skip a module of tests unless the packages are installed."""
    for name in packages:
        if find_spec(name) is None:
            pytest.skip(reason or f"not installed: {name}", allow_module_level=True)
