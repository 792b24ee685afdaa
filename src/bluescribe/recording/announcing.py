"""Announcing: what a writer says of a run before its start document."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from ..contract.session import CONTROL, FormatSession
from ..contract.settings import WriterSettings
from ..errors import ConfigError
from ..files.working_directory import working_directory
from . import run_owners
from .account import Account
from .changes import ENABLED, Change, asker
from .metadata import asked_in
from .run_numbers import number_of

if TYPE_CHECKING:
    from ..spool import Lane

__all__ = ["Announcing"]

logger = logging.getLogger(__name__)

_OF_SESSION = frozenset({"on_error", "retry_seconds", "drain_timeout", "low_space", "roots"})
"""Settings that are no matter of one run."""


class _Decided(NamedTuple):
    """How a run is written that begins."""

    settings: WriterSettings
    changes: dict[str, Any]
    """What of them is not as the writer was made."""
    is_on: bool


class Announcing:
    """The part of a `Writer` that knows with which settings the next run is written, and by whom.

    What it says goes through the spool, so that whoever writes the run, now or in a later session,
    has heard of it.
    """

    format: ClassVar[str]
    settings: WriterSettings
    _lane: Lane
    _account: Account
    _session: FormatSession[Any]
    _close: weakref.finalize[..., Any]
    _heeds_metadata = True
    """Whether the metadata of a run may say where it goes."""
    _is_enabled: bool
    """Whether the runs that begin from now on are written."""
    _changes: dict[str, Any]
    """What they have in the place of settings."""
    _changed: dict[str, Change]
    """What is not as it was configured, for people."""

    def change(self, **settings: Any) -> None:
        """Have runs that begin from now on written with other settings; open ones keep theirs.

        `Controls.update` changes some, and leaves what was changed before.

        Parameters
        ----------
        **settings
            What is to be otherwise than when the writer was made, all of it: what was changed
            before and is not given is as it was made. Not those of the session: ``on_error``,
            ``retry_seconds``, ``drain_timeout``, ``low_space`` and ``roots``.

        Raises
        ------
        ConfigError
            A setting is unknown, has a value that is not allowed, or is one of the session.
        """
        self.change_silently(**settings)
        self._note(settings, asker(), is_all=True)

    def change_silently(self, **settings: Any) -> None:
        """Do the same for who does it at each run, and tells of it in an own way.

        Raises
        ------
        ConfigError
            As `change`.
        """
        changed = self._checked(settings)
        self._changes = changed.model_dump(mode="json", include=set(settings))
        self._session.upcoming = changed

    def announce(self, start: dict[str, Any]) -> None:
        """Say what has to be known of the run that begins before its start document."""
        self.announce_together([self], start)

    @staticmethod
    def announce_together(writers: Sequence[Announcing], start: dict[str, Any]) -> None:
        """Say the same for writers that receive the same runs: one number is in all names."""
        decided = [writer._decide(start) for writer in writers]
        number, uid = None, run_owners.uid_in(start, "uid")
        if uid is not None:
            settings = [each.settings for each in decided if each.is_on]
            number = number_of(uid, start, settings, working_directory())
        for writer, each in zip(writers, decided, strict=True):
            writer._announce(start, each, number)

    def _announce(self, start: dict[str, Any], decided: _Decided, number: int | None) -> None:
        """Say what has to be known of the run that begins before its start document.

        It is left to another writer of the session, if that writes it already; it is left out while
        the format is off; and it has the settings that were changed so far, and those that its
        metadata asks for.
        """
        uid = run_owners.uid_in(start, "uid")
        if not self._close.alive:
            logger.warning("%s: a closed writer ignores the run that begins", self.format)
        elif not decided.is_on and uid is not None:
            self._lane.post("off", {"uid": uid})
        elif not run_owners.is_first(start, self.format, decided.settings, self._close):
            self._lane.post("elsewhere", {"uid": start["uid"]})
        elif uid is not None:
            named = self._session.announced()
            if decided.changes or number is not None or named:
                told = {"uid": uid, "changes": decided.changes, "number": number, "session": named}
                self._lane.post("settings", told)

    def _decide(self, start: dict[str, Any]) -> _Decided:
        """Return how a run is written: as was changed so far, and as its metadata asks for."""
        settings, is_on, changes = self._session.upcoming, self._is_enabled, self._changes
        if self._heeds_metadata and not self._account.is_replay:  # an export says where runs go
            asked = asked_in(start, self.format, settings)
            is_on = asked.pop(ENABLED, is_on)
            if asked:
                settings = settings.changed(asked)
                changes = settings.model_dump(mode="json", include={*changes, *asked})
        return _Decided(settings, changes, is_on)

    def _checked(self, settings: Mapping[str, Any]) -> WriterSettings:
        """Return the settings of the writer with others in the place of some.

        Raises
        ------
        ConfigError
            As `change`.
        """
        if fixed := _OF_SESSION.intersection(settings):
            raise ConfigError(
                f"{self.format}: {', '.join(sorted(fixed))} cannot be changed: it is one of the "
                "whole session, given when the writer is made"
            )
        return self.settings.changed(settings)

    def _differs(self, name: str) -> bool:
        """Tell whether something is not as the writer was made."""
        if name == ENABLED:
            return not self._is_enabled
        return bool(getattr(self._session.upcoming, name) != getattr(self.settings, name))

    def _note(self, settings: Mapping[str, Any], by: str, *, is_all: bool = False) -> None:
        """Note what was changed, for people, and in the spool behind all that came so far."""
        now = time.time()
        before = {} if is_all else self._changed
        changed = {name: Change(name, value, by, now) for name, value in settings.items()}
        after = {**before, **changed}
        self._changed = {name: each for name, each in after.items() if self._differs(name)}
        told = {name: self._changes.get(name, value) for name, value in settings.items()}
        asked = {"verb": "change", "settings": told, "by": by, "time": now, "is_all": is_all}
        self._lane.post(CONTROL, asked)
