"""The spool: documents are on a local disk before any file has them.

Producers append documents to `intake`; one thread, in `spool`, writes them into the `log` in
batches and shows each batch to the lanes. A `lane` writes one format, on a thread of its own: it
takes batches from `window`, in memory, or reads the log when it is behind (`reading`), and retries
runs that are late (`late`). `needs` knows which runs must stay in the log, `folder` and `home`
where spools are and which session has them, `left` reads what a dead session left, `story` picks
one run out of it. How documents become bytes is in `rows`, `values`, `records` and `segment`, and
how they are read again in `entries`; `event_rows` has consecutive events with the same keys and
types, which all lanes take as one page.

A *request* is a `threading.Event` that stands among the documents: ``sync``, ``flush``, ``finish``
or ``close``. A lane sets it when all documents before it are written. An *entry* is a document, or
a control such as a comment, as the log has it, with the lane that it is for. A *note* is an entry
for whoever finds the log of a dead session: which file was made, which run is done.

Knows: `files`, `model`, and settings; neither writers nor formats.
"""

from __future__ import annotations

from .lane import Hang, Lane
from .settings import SpoolSettings
from .spool import Spool

__all__ = ["Hang", "Lane", "Spool", "SpoolSettings"]
