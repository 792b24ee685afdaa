"""How the tables are written: as RFC 4180 has it, or as the spreadsheets of a country read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...model.times import local_time

__all__ = ["TOLD", "Dialect"]

TOLD = ("file_extension", "delimiter", "decimal", "iso_time")
"""Settings that the package tells: tables that are written anew are as they were."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is between cells, what is in numbers, and whether times are there for people too."""

    delimiter: str = ","
    decimal: str = "."
    iso_time: str = "none"

    @property
    def between(self) -> bytes:
        """The delimiter."""
        return self.delimiter.encode()

    @property
    def decimal_char(self) -> dict[str, str]:
        """What Table Schema says of numbers whose decimal sign is not the usual one."""
        return {"decimalChar": self.decimal} if self.decimal != "." else {}

    def numbers(self, text: bytes) -> bytes:
        """Return numbers that commas separate as this has them."""
        if self.delimiter != ",":
            text = text.replace(b",", self.between)
        return text if self.decimal == "." else text.replace(b".", b",")

    def cells(self, texts: list[bytes]) -> list[bytes]:
        """Return cells as this has them; what is in quotes is text, and stays."""
        if self.decimal == ".":
            return texts
        return [text if text[:1] == b'"' else text.replace(b".", b",") for text in texts]

    def times(self, seconds: Iterable[float]) -> list[bytes]:
        """Return times as ISO 8601 says them; empty where no calendar has such a day.

        Programs read the offset and microseconds. Spreadsheets take text for a date without an
        offset only, with a blank, with milliseconds at the most, and with their decimal sign.
        """
        moments = [local_time(second) for second in seconds]
        if self.iso_time == "offset":
            words = [m.isoformat(timespec="microseconds") if m else "" for m in moments]
            return [word.encode() for word in words]
        bare = [m.replace(tzinfo=None) if m else None for m in moments]
        words = [m.isoformat(" ", timespec="milliseconds") if m else "" for m in bare]
        return [word.replace(".", self.decimal).encode() for word in words]
