"""Writers: several writers that receive the same documents as one subscriber."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from ..config.configuration import Configuration, DeliveryConfig, WriterConfig
from ..contract.plugin import FormatPlugin
from ..contract.report import RunReport, Tell
from ..files.working_directory import working_directory
from ..log_once import LogOnce
from ..recording.run_owners import uid_in
from ..recording.snapshot import Snapshots
from ..recording.tables import ShowsStatus
from ..recording.unstopped_runs import OpenRuns
from ..recording.waiting import wait_until_written
from ..recording.writer import Writer
from ..spool import Spool, SpoolSettings
from .by_name import ByName
from .control import ControlsOfAll
from .finding import Finding
from .run_book import RunBook
from .status import WritersStatus
from .subscribed import Subscribed
from .succession import Succession

if TYPE_CHECKING:
    from bluesky import RunEngine

    from ..checking import CheckReport
    from ..delivery.base import Delivery

__all__ = ["Writers"]

logger = logging.getLogger(__name__)


class Writers(Subscribed, ControlsOfAll, Finding, ByName, ShowsStatus):
    """Several writers that receive the same documents, and what becomes of their files.

    They are one subscriber, so that arrays are copied once and the end of a run waits for all
    of them at the same time.

    Parameters
    ----------
    writers
        The writers by their formats' names.
    deliveries
        What delivers the runs that they write, by its name.
    spool
        Where what is received is kept until it is written.
    shows_files
        Whether the log says where the files of a run are when it has ended.

    Raises
    ------
    ConfigError
        A delivery does not fit the writers.
    """

    def __init__(
        self,
        writers: Mapping[str, Writer],
        deliveries: Mapping[str, Delivery] | None = None,
        spool: SpoolSettings | None = None,
        *,
        shows_files: bool = False,
    ) -> None:
        self._writers = dict(writers)
        self._deliveries = dict(deliveries or {})
        own = [delivery.writer for delivery in self._deliveries.values()]
        self._receiving = [*self._writers.values(), *(writer for writer in own if writer)]
        self.spool = spool or SpoolSettings()
        """Where what is received is kept until it is written."""
        self._spool = Spool(self.spool)
        told = LogOnce()
        for writer in self._receiving:
            writer.follow(self._spool, is_adopted=writer not in own)  # deliveries see to theirs
            writer.tell_together(told)
        self._notifier = Writer.share_notifier(list(self))
        for delivery in self._deliveries.values():
            delivery.follow(list(self))
        self._book = RunBook()
        for writer in self:
            self._book.follow(writer)
        self.shows_files = shows_files
        """Whether the log says where the files of a run are when it has ended."""
        self._snapshot = Snapshots()
        self._open_runs = OpenRuns()
        self._subscriptions: list[tuple[RunEngine, int]] = []
        self.succession = Succession()

    @property
    def receiver(self) -> Self:
        """What to subscribe: this object itself."""
        return self

    @property
    def are_idle(self) -> bool:
        """Whether documents would go nowhere."""
        return not self._receiving

    @property
    def has_own_deliveries(self) -> bool:
        """Whether something is delivered that no writer of a format writes."""
        return any(delivery.writer is not None for delivery in self._deliveries.values())

    def on_complete(self, tell: Tell) -> None:
        """Have `tell` called once for each run and format, when the files of the run are final.

        See `Writer.on_complete`.
        """
        for writer in self:
            writer.on_complete(tell)

    @property
    def deliver_adopted(self) -> Callable[[Sequence[RunReport]], None]:
        """What has runs delivered that an earlier session left; it does not hold this object."""
        return partial(_deliver_adopted, tuple(self._deliveries.values()))

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Receive a document on the RunEngine's thread.

        Raises
        ------
        RecordingError
            A writer with ``ON_ERROR: abort`` could not write a run. All writers have the document.
        """
        # Nearly all documents are plain events, and each point of a scan pays for what stands here
        intake = self._spool.intake
        if name == "event" and len(intake.items) < intake.limit:
            plain = self._snapshot.plain_event(doc)
            if plain is not None:
                intake.items.append((name, plain, 0, None))
                return self._raise_failures()
        copy = self._post(name, doc)
        if name == "stop" and self._receiving:
            requests = [(writer, writer.request_sync()) for writer in self._receiving]
            wait_until_written(requests, self._longest_wait())
            self._notifier.flush()
        if name == "stop":
            self._show_files(copy)
            self.succession.hand_over(self)
        return self._raise_failures()

    def _show_files(self, stop: Any) -> None:
        """Say in one line where the files of a run are."""
        uid = uid_in(stop, "run_start")
        run = self._book.of(uid) if uid and self.shows_files else None
        if run is not None and self._writers:
            logger.info("%s", run.line)

    def _raise_failures(self) -> None:
        for writer in self._receiving:
            writer.raise_failure()

    def post(self, name: str, doc: dict[str, Any]) -> None:
        """Receive a document without waiting at a stop, and without raising a failure."""
        self._post(name, doc)

    def _post(self, name: str, doc: dict[str, Any]) -> Any:
        """Receive a document; return what is kept of it, in which no code of others is left."""
        copy, size = self._snapshot(name, doc)
        if name in ("start", "stop"):
            self._note_runs(name, copy)
        if name == "start":
            self._book.begin(copy)
            Writer.announce_together(self._receiving, copy)
            self._spool.post("cwd", working_directory())
        self._spool.post(name, copy, size)
        if name == "stop":
            for writer in self._receiving:
                writer.end(copy)
        return copy

    def _note_runs(self, name: str, doc: Any) -> None:
        """Note which runs are open, and end those that their RunEngine has left."""
        for uid in self._open_runs.see(name, doc):
            self.succession.note("stop", {"run_start": uid})
            for writer in self._receiving:
                writer.end_unstopped(uid)
        self.succession.note(name, doc)

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
        requests = [(writer, writer.request_flush()) for writer in self._receiving]
        is_written = wait_until_written(requests, timeout)
        return is_written and not any(writer.status().late for writer in self._receiving)

    def close(self) -> None:
        """Finish every file and end the writers; then deliver what can be delivered at once."""
        self._unsubscribe_from(list(self._subscriptions))
        for writer in self._receiving:
            writer.begin_to_close()  # all at once: those whose disk hangs are waited for together
        for writer in self._receiving:
            writer.close()
        self._notifier.flush()
        if self._deliveries:
            from ..delivery.base import close_together

            close_together(self._deliveries.values())

    def status(self) -> WritersStatus:
        """Tell for each format what is being written, what was, what waits and what failed."""
        runs = self._book.runs()
        return WritersStatus(
            {name: writer.status() for name, writer in self._writers.items()},
            {name: delivery.status() for name, delivery in self._deliveries.items()},
            runs[-1] if runs else None,
        )

    def check(self, rate: str | int = 0) -> CheckReport:
        """Check before beam that runs can be written, as ``bluescribe check`` does.

        An example run is written by writers with the settings of the next run into scratch folders
        beside the data, read back, and removed. What the console, a plan or ``RE.md`` has changed
        counts; formats that are off are named. It takes some seconds, in which the RunEngine should
        be idle.

        Parameters
        ----------
        rate
            What the disks have to take in a second, such as ``"200 MB/s"``; 0 where nobody says.

        Returns
        -------
        CheckReport
            It prints well; ``is_ready`` says what comes of it.

        Raises
        ------
        ValueError
            The rate is none.
        """
        from ..checking import check_made
        from ..files.space import parse_rate

        configuration = Configuration(
            [WriterConfig(w.format, FormatPlugin.of(type(w)), w.upcoming) for w in self],
            [DeliveryConfig(d.name, type(d), d.settings) for d in self._deliveries.values()],
            self.spool,
        )
        known = {key: value for RE, _ in self._subscriptions for key, value in RE.md.items()}
        if isinstance(last := known.get("scan_id"), int):
            known["scan_id"] = last + 1  # of the next run, as the RunEngine counts
        speed = parse_rate(rate) if isinstance(rate, str) else rate
        off = [writer.format for writer in self if not writer.enabled]
        return check_made(configuration, metadata=known, rate=speed, off=off)

    def __enter__(self) -> Self:
        """Return the writers; leaving the block closes them."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the writers."""
        self.close()

    def __repr__(self) -> str:
        """Name the formats, then the deliveries."""
        return f"Writers({', '.join([*self._writers, *self._deliveries]) or 'none'})"

    _repr_pretty_ = ShowsStatus._repr_pretty_  # IPython looks no further than to __repr__


def _deliver_adopted(deliveries: Iterable[Delivery], reports: Sequence[RunReport]) -> None:
    for delivery in deliveries:
        delivery.adopted(reports)
