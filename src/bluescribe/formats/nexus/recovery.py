"""NeXus files after a crash: where they have what."""

from __future__ import annotations

from typing import ClassVar

from ...hdf5.mend import Layout, StreamsLayout
from ...hdf5.recovery import Hdf5Recovery
from .metadata import BLUESKY

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
