"""The front door: every writer that iconfig.yml switches on, subscribed to a RunEngine."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .config import read_iconfig
from .formats import format_names
from .incomplete import places_of, tell_of_incomplete
from .snapshot import snapshot
from .status import Status
from .writer import Writer, wait_until_written

if TYPE_CHECKING:
    from bluesky import RunEngine

__all__ = ["Writers", "subscribe_writers"]

logger = logging.getLogger(__name__)


def subscribe_writers(
    RE: RunEngine,
    iconfig: str | Path | Mapping[str, Any] = "iconfig.yml",
) -> Writers:
    """Subscribe every writer that a configuration switches on.

    Parameters
    ----------
    RE
        The RunEngine whose runs are to be written.
    iconfig
        Path of ``iconfig.yml``, or its content. Relative directories in it are relative to the
        working directory of the session.

    Returns
    -------
    Writers
        The writers, one attribute a format: ``writers.spec``.

    Raises
    ------
    ConfigError
        The configuration has an unknown format or key, or a value that is not allowed.

    Examples
    --------
    >>> writers = subscribe_writers(RE, "iconfig.yml")  # doctest: +SKIP  # needs a RunEngine
    """
    writers = Writers({config.name: config.make() for config in read_iconfig(iconfig)})
    if not len(writers):
        logger.warning("no writer is switched on: set ENABLE: true in a block of %s", iconfig)
    writers.subscribe(RE)
    tell_of_incomplete(places_of(writers))
    return writers


class Writers:
    """Several writers that receive the same documents.

    They are one subscriber, so that arrays are copied once and the end of a run waits for all
    of them at the same time.

    Parameters
    ----------
    writers
        The writers by their formats' names.
    """

    def __init__(self, writers: Mapping[str, Writer]) -> None:
        self._writers = dict(writers)
        self._subscriptions: list[tuple[RunEngine, int]] = []

    @property
    def receiver(self) -> Self:
        """What to subscribe: this object itself."""
        return self

    def subscribe(self, RE: RunEngine) -> None:
        """Receive the documents of a RunEngine from now on.

        Raises
        ------
        ConfigError
            A writer wants something of the RunEngine that it cannot have.
        """
        for writer in self:
            writer.prepare(RE)
        self._subscriptions.append((RE, RE.subscribe(self)))  # type: ignore[no-untyped-call]  # bluesky

    def unsubscribe(self) -> None:
        """Receive no more documents; what was received is written."""
        while self._subscriptions:
            RE, token = self._subscriptions.pop()
            RE.unsubscribe(token)  # type: ignore[no-untyped-call]  # bluesky
        self.flush()

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Receive a document on the RunEngine's thread.

        Raises
        ------
        RecordingError
            A writer with ``ON_ERROR: abort`` could not write a run. All writers have the document.
        """
        copy, size = snapshot(name, doc)
        for writer in self._writers.values():
            writer.post(name, copy, size)
        if name == "stop" and self._writers:
            requests = [(writer, writer.request_flush()) for writer in self]
            wait_until_written(requests, max(w.settings.drain_timeout for w in self))
        for writer in self._writers.values():
            writer.raise_failure()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was received is on disk.

        Parameters
        ----------
        timeout
            Seconds to wait for all writers together; None waits as long as it takes.

        Returns
        -------
        bool
            Whether it is.
        """
        return wait_until_written([(writer, writer.request_flush()) for writer in self], timeout)

    def close(self) -> None:
        """Finish every file and end the writers."""
        while self._subscriptions:
            RE, token = self._subscriptions.pop()
            RE.unsubscribe(token)  # type: ignore[no-untyped-call]  # bluesky
        for writer in self:
            writer.close()

    def status(self) -> WritersStatus:
        """Tell for each format what is being written, what was, what waits and what failed."""
        return WritersStatus({name: writer.status() for name, writer in self._writers.items()})

    def __getattr__(self, name: str) -> Writer:
        """Return the writer of a format."""
        writers = self.__dict__.get("_writers", {})
        if name in writers:
            return writers[name]  # type: ignore[no-any-return]  # from __dict__
        hint = f": {name.upper()}_DATA_FILES is not switched on" if name in format_names() else ""
        raise AttributeError(f"no writer {name!r}{hint}; there are {', '.join(writers) or 'none'}")

    def __iter__(self) -> Iterator[Writer]:
        """Iterate over the writers."""
        return iter(self._writers.values())

    def __len__(self) -> int:
        """Return the number of writers."""
        return len(self._writers)

    def __dir__(self) -> list[str]:
        """List the formats too, so that TAB completes them."""
        return [*super().__dir__(), *self._writers]

    def __enter__(self) -> Self:
        """Return the writers; leaving the block closes them."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the writers."""
        self.close()

    def __repr__(self) -> str:
        """Name the formats."""
        return f"Writers({', '.join(self._writers) or 'none'})"


class WritersStatus(dict[str, Status]):
    """The status of each format, by its name; prints well."""

    def __str__(self) -> str:
        """Return a few lines a format."""
        return "\n".join(str(status) for status in self.values()) or "no writers"

    __repr__ = __str__
