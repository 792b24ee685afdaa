"""Announcing: what a writer says of a run before its start document."""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

from ..contract.session import FormatSession
from ..contract.settings import WriterSettings
from ..errors import ConfigError
from . import run_owners

if TYPE_CHECKING:
    from ..spool import Lane

__all__ = ["Announcing"]

logger = logging.getLogger(__name__)

_OF_SESSION = frozenset({"on_error", "retry_seconds", "drain_timeout", "low_space"})
"""Settings that are no matter of one run."""


class Announcing:
    """The part of a `Writer` that knows with which settings the next run is written, and by whom.

    What it says goes through the spool, so that whoever writes the run, now or in a later session,
    has heard of it.
    """

    format: ClassVar[str]
    settings: WriterSettings
    _lane: Lane
    _session: FormatSession[Any]
    _close: weakref.finalize[..., Any]
    _changes: dict[str, Any]
    """What the runs that begin from now on have in the place of settings."""

    def change(self, **settings: Any) -> None:
        """Have runs that begin from now on written with other settings; open ones keep theirs.

        Parameters
        ----------
        **settings
            What is to be otherwise than when the writer was made, all of it: what was changed
            before and is not given is as it was made. Not those of the session: ``on_error``,
            ``retry_seconds``, ``drain_timeout`` and ``low_space``.

        Raises
        ------
        ConfigError
            A setting is unknown, has a value that is not allowed, or is one of the session.
        """
        if fixed := _OF_SESSION.intersection(settings):
            raise ConfigError(
                f"{self.format}: {', '.join(sorted(fixed))} cannot be changed: it is one of the "
                "whole session, given when the writer is made"
            )
        changed = self.settings.changed(settings)
        self._changes = changed.model_dump(mode="json", include=set(settings))

    def announce(self, start: dict[str, Any]) -> None:
        """Say what has to be known of the run that begins before its start document.

        It is left to another writer of the session, if that writes it already; and it has the
        settings that were changed so far, and the file that was named.
        """
        settings = self.settings.changed(self._changes) if self._changes else self.settings
        if not self._close.alive:
            logger.warning("%s: a closed writer ignores the run that begins", self.format)
        elif not run_owners.is_first(start, self.format, settings, self._close):
            self._lane.post("elsewhere", {"uid": start["uid"]})
        elif (uid := run_owners.uid_in(start, "uid")) is not None:
            told = self._session.announced()
            if self._changes or told:
                about = {"uid": uid, "changes": self._changes, "session": told}
                self._lane.post("settings", about)
