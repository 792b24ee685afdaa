"""The spool: what was received is on a local disk before any file has it.

Producers append to `intake`; one thread, in `spool`, writes what came into the `log` and shows it
to the lanes. A `lane` is one format's place in all that came, with a thread of its own: it takes
batches from `window`, in memory, or reads them in the log when it is behind (`reading`), and
tries runs that are late again (`late`). `needs` tells what must be kept, `folder` and `home`
where spools are and whose, `left` what a dead session left. Bytes are the matter of `rows`,
`values`, `records` and `segment`; `event_rows` has events that are alike, for all lanes at once.

Knows: `files`, `model`, and settings; neither writers nor formats.
"""

from __future__ import annotations

from .lane import Lane
from .settings import SpoolSettings
from .spool import Spool

__all__ = ["Lane", "Spool", "SpoolSettings"]
