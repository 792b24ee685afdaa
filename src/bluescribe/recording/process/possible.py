"""Which writers work in a process of their own, and where that can be done."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..writer import Writer

__all__ = ["is_safe_in_a_process", "why_not"]


def is_safe_in_a_process(kind: type[Writer]) -> bool:
    """Tell whether a class says of itself that another process can import and use it.

    A subclass may have hooks that use what the session has, so it has to say so again.
    """
    if not vars(kind).get("process_safe", False):
        return False
    module = sys.modules.get(kind.__module__)
    return kind.__module__ != "__main__" and getattr(module, kind.__qualname__, None) is kind


def why_not() -> str:
    """Return why no process can be started on this computer; empty if one can."""
    if sys.platform != "linux":
        return f"bluescribe has not been tried with it on {sys.platform}"
    if not sys.executable:
        return "Python does not know its own program (sys.executable)"
    if getattr(sys, "frozen", False):
        return "this program brings its own Python"
    return ""
