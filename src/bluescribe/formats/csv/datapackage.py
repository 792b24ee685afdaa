"""The package that tells what the tables of a run hold: Frictionless Data Package, version 1.

https://specs.frictionlessdata.io: data-package, tabular-data-resource, table-schema. What the
specification has no property for is added under plain names: `unit`, `source`, `left_out`...
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from ...files.json_text import strict
from ...model.run import Field, Run
from .cells import KINDS
from .dialect import Dialect
from .omissions import configurations, omissions
from .own_columns import SEQ_NUM, own_columns
from .stream import StreamTables
from .table import Table

__all__ = ["Package", "slug"]

_READING = [
    "A missing value is an empty cell. Text is always in quotes; empty text is an empty pair of "
    "them. pandas and frictionless read both as missing.",
    "Text may look like a number (007) or like what readers take for missing (NA, null): read it "
    "with the types given here, in pandas with dtype=str and keep_default_na=False.",
    "Numbers that are not finite are NaN, inf and -inf. A float has the digits that read back as "
    "the same double; an integer has all of its digits.",
    "Lists and mappings inside a cell are JSON text, in which NaN and Infinity may occur.",
    "Text, or a column's name, that begins with = + - or @ is kept: a spreadsheet may run it.",
    "In this package, metadata that are numbers but not finite are the texts NaN, Infinity and "
    "-Infinity, as JSON has no such numbers.",
]

_REMARKS = {
    "array": "some cells hold arrays, as JSON text",
    "empty": 'some text is empty: "" in the file, where a missing value is nothing',
    "formula": "some text begins with = + - or @: a spreadsheet may run it as a formula",
    "escaped": "some text has what UTF-8 cannot encode, written as backslash, u and four digits",
    "null": "null is an element without a value; empty cells fill up the shorter arrays",
}

_DIALECT = {
    "lineTerminator": "\r\n",
    "quoteChar": '"',
    "doubleQuote": True,
    "skipInitialSpace": False,
    "header": True,
}


@dataclass(frozen=True, slots=True)
class Package:
    """What is known of a run at one moment."""

    run: Run
    state: str
    """``recording``, ``complete``, ``never stopped`` or ``incomplete``."""
    documents: Mapping[str, Any]
    """The start document and, when it has come, the stop document, as `strict` returns them."""
    discrepancies: Sequence[str]
    """In what the run differs from what its stop document says."""
    settings: Mapping[str, Any]
    """With which the tables are written, where they are not the usual ones."""
    is_final: bool
    """Whether the tables have come to their end: only then they have bytes and a hash."""

    def text(self, path: Path, streams: Iterable[StreamTables]) -> bytes:
        """Return the package as JSON.

        Parameters
        ----------
        path
            Where the package is, beside its tables.
        streams
            The tables.
        """
        streams = list(streams)
        package = {
            "profile": "tabular-data-package",
            "name": slug(path.name.removesuffix(".datapackage.json")),
            "id": self.run.uid,
            "title": self.run.title,
            "created": datetime.fromtimestamp(self.run.received, UTC).isoformat(),
            "state": self.state,
            **({"discrepancies": list(self.discrepancies)} if self.discrepancies else {}),
            **({"settings": self.settings} if self.settings else {}),
            "reading": [*_READING, *_other_signs(self.settings)],
            "left_out": [entry for tables in streams for entry in omissions(tables)],
            "bluesky": self.documents,
            "resources": list(_resources(streams, is_final=self.is_final)),
        }
        try:
            return orjson.dumps(package, option=orjson.OPT_INDENT_2)
        except TypeError:  # an integer beyond 64 bits, a lone surrogate
            # In JSON, what backslashreplace makes of a lone surrogate is its escape.
            text = json.dumps(package, indent=2, ensure_ascii=False, allow_nan=False)
            return text.encode(errors="backslashreplace")


def _other_signs(settings: Mapping[str, Any]) -> Iterator[str]:
    """Tell how tables are read that RFC 4180 does not describe."""
    given = {"sep": settings.get("delimiter", ","), "decimal": settings.get("decimal", ".")}
    if given != {"sep": ",", "decimal": "."}:
        words = ", ".join(f"{name}={sign!r}" for name, sign in given.items())
        yield f"These tables have other signs than most: read them in pandas with {words}."


def _resources(streams: list[StreamTables], *, is_final: bool) -> Iterator[dict[str, Any]]:
    names: set[str] = set()
    for tables in streams:
        yield {
            **_file(tables.main, tables.dialect, names, is_final=is_final),
            "stream": tables.stream.name,
            "description": "One row an event.",
            **_order(tables),
            "configuration": strict(list(configurations(tables))),
            "schema": {"fields": list(_columns(tables)), "missingValues": [""]},
        }
        for name, array in tables.arrays.items():
            element = _type(array.traits, tables.stream.fields[name], tables.dialect)
            labels = array.table.labels[1:]
            number = SEQ_NUM.described(tables.dialect)
            yield {
                **_file(array.table, tables.dialect, names, is_final=is_final),
                "stream": tables.stream.name,
                "field": name,
                "description": _remarks("One row an array", array.traits),
                **_properties(tables.stream.fields[name]),
                "schema": {
                    "fields": [number, *({"name": label, **element} for label in labels)],
                    "missingValues": ["", "null"] if "null" in array.traits else [""],
                },
            }


def _file(table: Table, dialect: Dialect, names: set[str], *, is_final: bool) -> dict[str, Any]:
    """Return what a tabular-data-resource says of its file."""
    name = plain = slug(table.place.stem)
    number = 2
    while name in names:
        name, number = f"{plain}-{number}", number + 1
    names.add(name)
    size = {"bytes": len(table), "hash": table.hash} if is_final else {}
    return {
        "profile": "tabular-data-resource",
        "name": name,
        "path": table.place.name,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"delimiter": dialect.delimiter, **_DIALECT},
        **size,
    }


def _order(tables: StreamTables) -> dict[str, Any]:
    """Return how many seq_nums occur again, when some do."""
    if not tables.repeated:
        return {}
    why = "a run that is paused may go back and measure points again; all are kept, in order"
    return {"repeated_seq_nums": tables.repeated, "order": why}


def _columns(tables: StreamTables) -> Iterator[dict[str, Any]]:
    yield from (column.described(tables.dialect) for column in own_columns(tables.dialect))
    for name, column in tables.columns.items():
        field = tables.stream.fields[name]
        about = _remarks("Datum ids of external data" if field.external else "", column.traits)
        yield {
            "name": column.label,
            **_type(column.traits, field, tables.dialect),
            **({"field": strict(name)} if name != column.label else {}),
            **({"description": about} if about else {}),
            **_properties(field),
        }


def _type(traits: set[str], field: Field, dialect: Dialect) -> dict[str, Any]:
    """Return the type of the values that came, else the declared one, as Table Schema has it."""
    kinds = traits & KINDS
    if not kinds and field.dtype in KINDS - {"array", "object"}:
        kinds = {"string"} if field.external else {field.dtype}
    if kinds in ({"number"}, {"integer", "number"}):
        return {"type": "number", **dialect.decimal_char}
    if kinds == {"boolean"}:
        return {"type": "boolean", "trueValues": ["True"], "falseValues": ["False"]}
    return {"type": kinds.pop() if len(kinds) == 1 else "any"}


def _properties(field: Field) -> dict[str, Any]:
    """Return what the descriptor declares of a field, by names of data packages."""
    named = {"units": "unit", "object_name": "device"}
    told = field.told()
    if "limits" in told:
        told["limits"] = strict(told["limits"])
    return {named.get(key, key): value for key, value in told.items()}


def _remarks(opening: str, traits: set[str]) -> str:
    remarks = [text for trait, text in _REMARKS.items() if trait in traits]
    text = "; ".join([opening, *remarks] if opening else remarks)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def slug(text: str) -> str:
    """Return a name that the specification allows."""
    return re.sub(r"[^-a-z0-9._]+", "-", text.lower()).strip("-") or "run"
