"""A run of which the spool has not all is tried again, whatever becomes of others."""

from __future__ import annotations

import errno

from bluescribe.contract.report import Failure
from bluescribe.formats.jsonl import FORMAT
from bluescribe.model.run import Run
from bluescribe.recording.account import Account
from bluescribe.recording.retry import Retry


def test_a_run_that_is_nowhere_else_is_tried_again_while_others_are_late():
    account = Account("jsonl")
    late = Failure(0.0, "another run", None, "its folder is away", "bring it back")
    assert account.postponed.add("another", late, may_pass=True)
    run = Run({"uid": "run", "time": 1.0})
    file = FORMAT.run_file(FORMAT.settings.validated("jsonl", {}))
    attempt = Retry(run, file, retry_seconds=5.0, account=account)
    refusals = iter([OSError(errno.ENOSPC, "No space left on device")] * 2)
    done = []

    def write() -> None:
        if (error := next(refusals, None)) is not None:
            raise error
        done.append(True)

    attempt(write)
    assert done == [True]
    assert not attempt.is_retired
