"""What a check says, without what depends on the machine that the tests run on."""

from __future__ import annotations

import re

OF_THE_MACHINE = ("spool's space", "spool's speed", "space for", "speed of")


def warned(said: str) -> list[str]:
    """Return the warnings of a check, but those of a disk that is nearly full, or slow."""
    lines = re.findall(r"^warning +(.*?)\r?$", said, re.MULTILINE)
    return [line for line in lines if not line.startswith(OF_THE_MACHINE)]
