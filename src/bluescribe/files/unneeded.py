"""Files that are of no use any more: a refused removal is tried again, and then told of."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from ..log_once import LogOnce

if TYPE_CHECKING:
    from .place import Place

__all__ = ["remove_unneeded"]

logger = logging.getLogger(__name__)

_PAUSES = (0.0, 0.05, 0.2)
"""Seconds before each try: what a disk refuses for a moment, nobody has to see to."""
_TOLD = LogOnce()


def remove_unneeded(place: Place) -> None:
    """Remove a file that nobody needs; where that is refused, it is left, and told of.

    That is told once a folder: what is refused there for one file is for the others.
    """
    refused = OSError()
    for pause in _PAUSES:
        time.sleep(pause)
        try:
            return place.remove()
        except FileNotFoundError:
            return None
        except OSError as error:
            refused = error
    if _TOLD.is_new((place.parent, refused.errno)):
        logger.warning(
            "%s cannot be removed: %s. Nothing is lost: it is of no use any more, and other files "
            "like it in that folder may be left, too. Remedy: look whether the folder can be "
            "written, then: bluescribe recover %s",
            *(place, refused, place.parent),
        )
    return None
