"""The numbers of the scans in one file: a run's scan_id, or the next one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from ...model.run import Run

__all__ = ["ScanNumbers"]

logger = logging.getLogger(__name__)

_LARGEST_NUMBER = 2**31
"""Scan numbers below this are numbers for every reader."""


class ScanNumbers:
    """Gives each scan of a file its number."""

    def __init__(self) -> None:
        self.highest = -1
        """The highest so far, that of scans still to be appended included; negative: none."""
        self._has_warned = False

    def next(self, run: Run, path: Path) -> int:
        """Return the number of a run: its scan_id, or the next one if that is no number.

        Parameters
        ----------
        run
            The run.
        path
            The file, for messages.
        """
        number = _scan_number(run.start.get("scan_id"))
        if number is None:
            number = max(self.highest, 0) + 1
        elif number <= self.highest and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "spec: %s has scan %d already, or later ones; readers call a scan number that "
                "comes again %d.2. Reset scan_id with newfile() only.",
                path,
                number,
                number,
            )
        self.highest = max(self.highest, number)
        return number

    def take_back(self, number: int) -> None:
        """Have a number come again, of a scan that is written anew."""
        if number == self.highest:
            self.highest = number - 1


def _scan_number(scan_id: Any) -> int | None:
    """Return a scan_id as a number that every reader understands, or None."""
    try:
        number = int(scan_id) if not isinstance(scan_id, float | bool) else None
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and 0 <= number < _LARGEST_NUMBER else None
