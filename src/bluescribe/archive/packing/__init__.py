"""Packs: runs with their external files and hashes, for another databroker or for a user."""

from __future__ import annotations

from .boxes import Pack, pack
from .sums import PackError, Verdict
from .userzip import zip_for_user
from .verifying import verify

__all__ = ["Pack", "PackError", "Verdict", "pack", "verify", "zip_for_user"]
