"""Strays: documents of runs that are not written here, logged once for a run."""

from __future__ import annotations

import logging

from ..contract.report import RunReport
from ..model.run import Document
from .account import Account

__all__ = ["Strays"]

logger = logging.getLogger(__name__)


class Strays:
    """What is ignored: of runs that another writer writes, or whose start was not seen.

    Parameters
    ----------
    account
        Of the writer; it reports the runs that are left to others.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._elsewhere: dict[str, bool] = {}
        """Uids of runs that another writer of the session writes, or none: the format is off."""
        self._is_logged = False
        self._are_others_logged = False

    def leave(self, uid: str, *, is_off: bool = False) -> None:
        """Leave the run that begins next to another writer, or out, as the format is off."""
        self._elsewhere[uid] = is_off

    def begin(self, start: Document) -> bool:
        """Take note of a run that begins; tell whether it is left to another writer."""
        self._is_logged = start["uid"] in self._elsewhere  # what follows of it is expected
        if self._is_logged:
            if not self._elsewhere.pop(start["uid"]):
                self._log_others(start)
            name = self._account.format_name
            self._account.report(RunReport(name, start))  # the other one has files
        return self._is_logged

    def ignore(self) -> None:
        """Log nothing of what follows, until another run begins."""
        self._is_logged = True

    def log(self, name: str) -> None:
        """Log once that documents are ignored, whose run did not start here."""
        if not self._is_logged:
            self._is_logged = True
            logger.warning(
                "%s: ignoring the %s and what follows of a run whose start this writer has not "
                "seen (was it subscribed in mid-run?). The next run is written.",
                self._account.format_name,
                name,
            )

    def _log_others(self, start: Document) -> None:
        if not self._are_others_logged:
            self._are_others_logged = True
            logger.warning(
                "%s: run %s is left to another writer of this session, which writes the same "
                "files: was the start-up run twice? To use this writer, close() the other one",
                self._account.format_name,
                str(start.get("uid"))[:7],
            )
