"""The part of a `Writer` that says what it follows: a spool, or runs that are played."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..spool import Spool
from .notices import SilentNotifier

if TYPE_CHECKING:
    from .account import Account
    from .backend import Backend
    from .process import Worker

__all__ = ["Following"]


class Following:
    """Where the documents of a writer come from, besides its caller."""

    _account: Account
    _backend: Backend
    _heeds_metadata: bool

    def replay(self, *, is_told: bool = True) -> None:
        """Take what comes from now on for runs of long ago.

        Images are not waited for, and nothing is kept in a spool: the runs are somewhere already.

        Parameters
        ----------
        is_told
            Whether the log says what cannot be written; a `RunReport` has it too.
        """
        self._account.is_replay = True
        if not is_told:
            self._account.notifier = SilentNotifier()
        self.keep_no_spool()

    def keep_no_spool(self) -> None:
        """Keep what comes from now on in memory alone: the runs are somewhere already."""
        self._backend.follow(Spool())

    def follow(self, spool: Spool, *, is_adopted: bool = True) -> None:
        """Take from now on what comes through a spool that other writers follow, too.

        Parameters
        ----------
        spool
            The spool.
        is_adopted
            Whether the next session is to write what this one leaves there, and the metadata of a
            run may say where it goes: a delivery sees to its own.
        """
        self._heeds_metadata = is_adopted
        self._backend.follow(spool, is_adopted=is_adopted)

    def worker(self) -> Worker:
        """Return what does in this process what a session asks."""
        return self._backend.worker()

    @property
    def is_elsewhere(self) -> bool:
        """Whether a process of its own writes the format."""
        return self._backend.is_elsewhere

    def begin_early(self) -> None:
        """Have what takes long to begin begin before the first run."""
        self._backend.begin_early()

    def load(self) -> None:
        """Import what writes the format in this process, if it is not written elsewhere.

        Raises
        ------
        ImportError
            It cannot be imported.
        """
        self._backend.load()
