"""The file of a run that begins, or why there is none."""

from __future__ import annotations

import logging
from typing import Any

from ..contract.runfile import RunFile
from ..contract.session import FormatSession
from ..files.remedies import remedy
from ..model.run import Document, Run
from .account import Account

__all__ = ["file_of"]

logger = logging.getLogger(__name__)


def file_of(
    run: Run, changes: Document | None, session: FormatSession[Any], account: Account
) -> RunFile[Any] | None:
    """Return the file of a run; None, told as a failure of the run, when none can be made."""
    try:
        file = session.new_file()
        if changes:
            file.settings = file.settings.changed(changes)
        return file
    except Exception as error:
        cause = f"no file could be made: {type(error).__name__}: {error}"
        advice = remedy(error, [])
        logger.exception(
            "%s: %s is INCOMPLETE: %s. Remedy: %s. Other writers and later runs go on.",
            account.format_name,
            run.label,
            cause,
            advice,
        )
        account.lose(run.start, run.label, cause, advice)  # nobody else will report it
        return None
