"""The settings of CSV files."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from ...contract.settings import WriterSettings
from .dialect import TOLD, Dialect

__all__ = ["CsvSettings"]


class CsvSettings(WriterSettings):
    """Settings of CSV."""

    file_extension: str = Field("csv", description="Ending of the tables' names, without the dot")
    delimiter: Literal[",", ";", "\t", "|"] = Field(
        ",", description="What is between cells: a comma, a semicolon, a tab, or |"
    )
    decimal: Literal[".", ","] = Field(
        ".", description="Decimal sign of numbers: a point, or a comma as in German spreadsheets"
    )
    iso_time: Literal["none", "offset", "local"] = Field(
        "none",
        description="Times in ISO 8601 too: with the zone's offset, local ones for spreadsheets",
    )

    @property
    def dialect(self) -> Dialect:
        """How the tables are written."""
        return Dialect(self.delimiter, self.decimal, self.iso_time)

    @property
    def unusual(self) -> dict[str, Any]:
        """What tables are written with that is not the default: so the package tells it."""
        fields = type(self).model_fields
        return {name: v for name in TOLD if (v := getattr(self, name)) != fields[name].default}

    @field_validator("delimiter", mode="before")
    @classmethod
    def _name_tab(cls, value: Any) -> Any:
        return "\t" if value == "tab" else value

    @model_validator(mode="after")
    def _tell_decimal_from_delimiter(self) -> Self:
        if self.decimal == self.delimiter:
            raise ValueError("a decimal comma needs another delimiter than the comma, such as ;")
        return self
