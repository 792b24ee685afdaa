"""The demonstration: real plans in a real RunEngine, on simulated devices, into every format.

It needs what the ``demo`` extra installs; nothing else of bluescribe imports it.
"""

from __future__ import annotations

from .session import run_demo

__all__ = ["run_demo"]
