"""Workers of a Dask cluster, which may come and go."""

from __future__ import annotations

import logging
import pickle
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from ... import __version__
from ...errors import BluescribeError
from ...extras import import_extra
from .batch import export_batch
from .crew import LostError, Outcome, SchedulerError, WorkerError

__all__ = ["Cluster"]

logger = logging.getLogger(__name__)


_CONNECT_SECONDS = 10.0
_LOOK_SECONDS = 1.0
"""Between two looks whether the scheduler is there."""
_QUIET_SECONDS = 30.0
"""Without any worker, after which that is told."""
_FOR_EACH = 4
_AT_LEAST = 40
"""Batches under way: for each worker, and more, so that an adaptive cluster sees work and grows."""


class Cluster:
    """The workers that a scheduler has.

    Parameters
    ----------
    given
        Address of the scheduler, ``dask://HOST:PORT``, or a ``distributed.Client``.

    Raises
    ------
    MissingExtraError
        Dask's distributed is not installed.
    SchedulerError
        The scheduler does not answer.
    """

    def __init__(self, given: Any) -> None:
        self._is_ours = isinstance(given, str)
        self._client = _connected(given) if self._is_ours else given
        self._address = str(self._client.scheduler.address) if self._client.scheduler else given
        self._over: SimpleQueue[Any] = SimpleQueue()
        self._futures: dict[str, tuple[int, Any]] = {}
        self._sent = 0
        self._workers = 0
        self._looked = 0.0
        self._quiet_since = time.monotonic()

    @property
    def room(self) -> int:
        """More batches than there are workers."""
        return _AT_LEAST + _FOR_EACH * self._workers

    def send(self, number: int, order: Mapping[str, Any], batch: bytes) -> None:
        """Give a batch to the scheduler."""
        self._sent += 1
        key = f"{order['part']}-{self._sent}"
        call = pickle.dumps(_Call(dict(order), batch))
        future = self._client.submit(pickle.loads, call, key=key, pure=False)
        self._futures[key] = (number, future)
        future.add_done_callback(self._over.put)

    def receive(self) -> Outcome:
        """Wait for a batch that is over."""
        while True:
            self._look()
            try:
                future = self._over.get(timeout=_LOOK_SECONDS)
            except Empty:
                continue
            number, _ = self._futures.pop(future.key)
            if future.status == "finished":
                return Outcome(number)  # its part says all that there is to say
            if future.status == "error":
                return Outcome(number, self._error_of(future))
            raise self._lost()

    def close(self) -> None:
        """Drop what is still to be done; what a worker writes now, it finishes."""
        with suppress(Exception):  # the scheduler may be gone
            if self._client.status == "running":
                self._client.cancel([future for _, future in self._futures.values()], force=True)
        self._futures.clear()
        if self._is_ours:
            with suppress(Exception):
                self._client.close(timeout=_LOOK_SECONDS)

    def _look(self) -> None:
        """See whether scheduler and workers are there."""
        if self._client.status != "running":
            raise self._lost()
        now = time.monotonic()
        if now < self._looked + _LOOK_SECONDS:
            return
        try:
            self._workers = len(self._client.nthreads())
        except Exception as error:
            raise self._lost() from error
        self._looked = now
        if self._workers:
            self._quiet_since = now
        elif now > self._quiet_since + _QUIET_SECONDS:
            self._quiet_since = now
            logger.warning("%s has no worker: start some, the export waits", self._address)

    def _error_of(self, future: Any) -> Exception:
        try:
            return _told(future.exception(timeout=_CONNECT_SECONDS), self._address)
        except Exception as error:  # it cannot be asked for any more
            raise self._lost() from error

    def _lost(self) -> SchedulerError:
        return SchedulerError(
            f"the scheduler at {self._address} is gone, or has dropped this export. Start it "
            "again: an export that is resumed leaves alone what is complete"
        )


def _connected(address: str) -> Any:
    distributed = import_extra("distributed", "dask", "a cluster of Dask")
    place = address.replace("dask://", "tcp://", 1)
    try:
        return distributed.Client(place, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        cause = str(error) or type(error).__name__
        raise SchedulerError(
            f"no scheduler of Dask answers at {address}: {cause}. Start one with `dask scheduler`, "
            "or name the one that is there"
        ) from None


def _told(error: BaseException, address: str) -> Exception:
    """Return what an error of a batch means for us."""
    if isinstance(error, BluescribeError):
        return error
    if type(error).__name__ == "KilledWorker":
        return LostError(str(error))
    return WorkerError(
        f"a worker of {address} cannot export: {type(error).__name__}: {error}. All need the same "
        f"Python, packages and bluescribe {__version__}"
    )


@dataclass(frozen=True)
class _Call:
    """What exports a batch where it is unpickled.

    A worker that could not read its task, as it has no bluescribe, would be ended by Dask without a
    word; one that fails in it tells why.
    """

    order: Mapping[str, Any]
    batch: bytes

    def __reduce__(self) -> tuple[Any, ...]:
        """Export when this is read."""
        return _export, (self.order, self.batch)


def _export(order: Mapping[str, Any], batch: bytes) -> None:
    """Export a batch on a worker of Dask."""
    from distributed import Status, get_worker

    worker = get_worker()
    # a worker that has lost its scheduler ends, and another one may have this batch by then
    export_batch(order, batch, lambda: worker.status in (Status.running, Status.paused))
