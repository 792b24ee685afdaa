"""What a format does for a run whose file is complete: the work, and what of it is not done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from ..assets.copying import KEEP
from ..assets.images import GivenUpError, ImagesError
from ..files.shortfall import Shortfall

__all__ = ["Shortfall", "Work", "carry_out"]

Work = Callable[[threading.Event], Sequence[Shortfall]]
"""It looks at the event often and gives up when it is set, which also ends its waiting."""


def carry_out(work: Work, give_up: threading.Event) -> Sequence[Shortfall]:
    """Do work; return what could not be done, images that could not be read included."""
    try:
        return work(give_up)
    except GivenUpError:
        return []
    except ImagesError as error:
        return [Shortfall(str(error), KEEP, is_whole=False)]
