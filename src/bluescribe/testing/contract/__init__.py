"""The contract of a format, as tests that anyone can run on a format of their own."""

from __future__ import annotations

from .comparison import differences
from .faults import Faults
from .one_value import OneValue
from .playing import played
from .recorded import RecordedRun, received
from .round_trip import RoundTrip
from .values import in_json, plain, same_number, same_value

__all__ = [
    "FormatContract",
    "RecordedRun",
    "differences",
    "in_json",
    "plain",
    "played",
    "received",
    "same_number",
    "same_value",
]


class FormatContract(RoundTrip, Faults, OneValue):
    """Test that a format keeps what every writer of bluescribe promises.

    Subclass it in a test module, with the writer and a reader that shares no code with it; pytest
    runs the tests. Override `same`, `may_leave_out` and the other methods of `ContractBase` where
    the format cannot say things as they were measured.

    Examples
    --------
    >>> class TestMine(FormatContract):  # doctest: +SKIP  # MineWriter is yours
    ...     writer_class = MineWriter
    ...     def read_back(self, folder):
    ...         return [read_with_another_program(path) for path in folder.glob("*.mine")]
    """
