"""Documents that bluesky-kafka's own Publisher has sent: which run each is of.

Its messages are a name and a document, in msgpack with msgpack-numpy's arrays or in JSON, under one
key for all runs. They have no numbers: what its producer has sent twice is known by its uid.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ....errors import DocumentError
from ....model.grammar import check_name, check_start
from ...decoding import decoded
from ...msgpacks import loads_msgpack

__all__ = ["Strangers"]

_REMEMBERED = 1000
"""Documents that are known when they come again; a producer tries again within these."""


@dataclass(slots=True)
class Strangers:
    """The open runs of a partition whose documents bear no head of ours."""

    _by_descriptor: dict[str, str] = field(default_factory=dict)
    _by_resource: dict[str, str] = field(default_factory=dict)
    _open: dict[str, None] = field(default_factory=dict)
    """Uids of runs, the latest last."""
    _recent: dict[tuple[str, str], None] = field(default_factory=dict)

    def read(self, value: bytes) -> tuple[str, str, dict[str, Any]] | None:
        """Return run, name and document of a message; None for one that came before, or of no run.

        Raises
        ------
        DocumentError
            It is no document.
        """
        name, doc = _document(value)
        if name == "start":
            check_start(doc)
        identity = doc.get("uid") or doc.get("datum_id") or ""
        key = name, repr(identity)[:200]
        uid = self._run_of(name, doc)
        if uid is None or (identity and key in self._recent):
            return None
        self._recent[key] = None
        if len(self._recent) > _REMEMBERED:
            del self._recent[next(iter(self._recent))]
        return uid, name, doc

    def forget(self, uid: str) -> None:
        """Forget a run, and what named it."""
        self._open.pop(uid, None)
        for named in (self._by_descriptor, self._by_resource):
            for key in [key for key, run in named.items() if run == uid]:
                del named[key]

    def begin_again(self) -> None:
        """Take what comes next for new, as it is read again."""
        self._recent.clear()

    def _run_of(self, name: str, doc: dict[str, Any]) -> str | None:
        """Return the run of a document, and remember what others will name."""
        own = str(doc.get("uid"))
        if name == "start":
            self._open[own] = None
            return own
        latest = next(reversed(self._open), None)
        run = doc.get("run_start")
        if name in ("resource", "stream_resource"):
            run = run or latest  # an old one names none
            if run is not None:
                self._by_resource[own] = str(run)
        elif name == "descriptor" and run is not None:
            self._by_descriptor[own] = str(run)
        elif "descriptor" in doc:
            run = self._by_descriptor.get(str(doc["descriptor"]))
        elif "resource" in doc:  # a detector that stays staged goes on with that of an earlier run
            run = self._by_resource.get(str(doc["resource"]), latest)
        return None if run is None else str(run)


def _document(value: bytes) -> tuple[str, dict[str, Any]]:
    """Return the name and the document of a message."""
    if value.startswith(b"\x80"):
        raise DocumentError(
            "it is a pickle, of which nothing is run here: give the Publisher msgpack.dumps as its "
            "serializer, as it has it by itself in newer versions"
        )
    read = json.loads if value[:1] == b"[" else loads_msgpack
    try:
        name, doc = read(value)
    except Exception as error:
        raise DocumentError(
            f"it is no name and document: {type(error).__name__}: {error}"
        ) from None
    check_name(str(name))
    return str(name), decoded(str(name), b"", lambda _: doc)
