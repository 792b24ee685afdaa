"""NeXus files after a crash: where they have what."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from ...assets.hdf5.marked import opened
from ...hdf5.finished.mend import Layout, StreamsLayout
from ...hdf5.finished.recovery import Hdf5Recovery
from ...hdf5.parts.pieces import Where
from .metadata import BLUESKY, IMAGES, WHERE

__all__ = ["NexusRecovery"]


class NexusLayout(StreamsLayout):
    """The streams under what Bluesky said."""

    home = BLUESKY
    uid = f"{BLUESKY}/uid"
    stop = f"{BLUESKY}/documents/stop"
    streams = f"{BLUESKY}/streams"


class NexusRecovery(Hdf5Recovery):
    """Finishes the NeXus files that bluescribe wrote."""

    creator: ClassVar[str] = "bluescribe NexusWriter"
    layout: ClassVar[Layout] = NexusLayout()
    where: ClassVar[Where] = WHERE

    def told_settings(self, path: Path) -> dict[str, Any]:
        """Return whether images are to be copied, as the file tells."""
        if self.chosen("images"):
            return {}
        with suppress(ValueError, RuntimeError, KeyError, OSError), opened(path) as marked:
            told = marked.file[BLUESKY].attrs.get(IMAGES)
            return {"images": "copy"} if told == "copy" else {}
        return {}
