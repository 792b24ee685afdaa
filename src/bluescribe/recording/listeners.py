"""Listeners: who is told of what a writer begins, makes and finishes, and what is logged once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..contract.report import Tell
from ..log_once import LogOnce
from .account import Account
from .notices import Notifier

__all__ = ["Listeners"]


class Listeners:
    """The part of a `Writer` that others listen to: deliveries, exports, `recover`."""

    _account: Account

    def tell_of_claims(
        self, tell: Callable[[Path], None] | None, *, before: Callable[[Path], None] | None = None
    ) -> None:
        """Have `tell` called, on the writer's thread, with each file that is made from now on.

        Parameters
        ----------
        tell
            Is called when the file is there, still empty.
        before
            Is called when it is about to be made.
        """
        self._account.claims.made, self._account.claims.before = tell, before

    def before_claims(self, tell: Callable[[str, Path], None]) -> None:
        """Have `tell` called, on the writer's thread, before a file is made, with its run's uid."""
        self._account.on_claim = (*self._account.on_claim, tell)

    def tell_of_begun(self, tell: Callable[[Mapping[str, Any], Sequence[Path]], None]) -> None:
        """Have `tell` called, on the writer's thread, with each run and the files that it has.

        It is called when the run begins, and again when there are more files.
        """
        self._account.on_begin.append(tell)

    def on_complete(self, tell: Tell) -> None:
        """Have `tell` called, once for each run that ends from now on, when its files are final.

        It gets a `RunReport` on a thread of the writer, when the file was closed and images were
        copied; what it raises is logged. While it runs, the next run of this writer waits in the
        spool.
        """
        self._account.on_finish.append(tell)

    tell_of_finished = on_complete  # its former name

    def awaits(self, uid: str) -> bool:
        """Tell whether a run was begun whose report is still to come."""
        return self._account.awaits(uid)

    def tell_together(self, told: LogOnce) -> None:
        """Tell once, with other writers of the same runs, what all of them meet."""
        self._account.told = told

    @staticmethod
    def share_notifier(writers: Sequence[Listeners]) -> Notifier:
        """Have writers that receive the same runs tell once what several of them meet."""
        notifier = Notifier([writer._account for writer in writers])
        for writer in writers:
            writer._account.notifier = notifier
        return notifier
