"""What is not in the tables of a stream, and where it is: nothing is left out without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import DocumentError
from ...files.json_text import dumps
from ...model.run import Field
from ...model.told import mapping_of
from .stream import ExternalFiles, StreamTables

__all__ = ["configurations", "omissions"]

_JOURNAL = "the journal (jsonl) of the run, where that format is switched on"
_ARRAYS = "the NeXus file (nexus) or the journal (jsonl) of the run, where those are switched on"

_LARGEST_SETTING = 4096
"""Bytes of JSON that one value of a device's configuration may have in the package."""


def omissions(tables: StreamTables) -> Iterator[dict[str, Any]]:
    """Yield what a stream has and its tables do not: `what` it is and `where`."""
    for field, what, where in _of_fields(tables):
        yield {"stream": tables.stream.name, "field": field, "what": what, "where": where}
    for key, what, where in _of_configuration(tables):
        yield {"stream": tables.stream.name, "configuration": key, "what": what, "where": where}
    if tables.rows:
        what = "timestamps: when each field was read, beside the event's own time"
        yield {"stream": tables.stream.name, "what": what, "where": _JOURNAL}


def configurations(tables: StreamTables) -> Iterator[dict[str, Any]]:
    """Yield each descriptor's configuration of the devices; of later ones what they changed."""
    former: dict[tuple[str, str], bytes] = {}
    for descriptor in tables.stream.descriptors:
        devices: dict[str, dict[str, Any]] = {}
        for device, key, value, unit in _settings(descriptor.configuration):
            text = _small_text(value)
            if text and former.get((device, key)) != text:
                former[device, key] = text
                entry = {"value": value, "unit": unit} if unit else {"value": value}
                devices.setdefault(device, {})[key] = entry
        begin = tables.first_seq_nums.get(descriptor.uid)
        since = {} if begin is None else {"first_seq_num": begin}
        yield {"descriptor": descriptor.uid, **since, "devices": devices}


def _of_fields(tables: StreamTables) -> Iterator[tuple[str, str, str | list[str]]]:
    undeclared = {name: Field(name, external=True) for name in tables.external}
    for name, field in {**undeclared, **tables.stream.fields}.items():
        files = tables.external.get(name)
        column = tables.columns.get(name)
        kept = "; the table holds the datum ids" if column else ""
        if files:
            yield name, f"values in {_count(files.number, 'external file')}{kept}", _places(files)
        elif field.external and column:
            yield (
                name,
                f"values in external files{kept}",
                f"by its resource documents in {_JOURNAL}",
            )
        if name in tables.left_out:
            many = _count(tables.left_out[name], "array")
            yield name, f"{many} of two or more dimensions", _ARRAYS
        is_silent = not files and name not in tables.left_out and name not in tables.arrays
        if is_silent and not column:
            reason = "external values, of no file" if field.external else "no event has a value"
            yield name, reason, "nowhere: no document told of any"


def _of_configuration(tables: StreamTables) -> Iterator[tuple[str, str, str]]:
    told = set()
    for descriptor in tables.stream.descriptors:
        for device, key, value, _ in _settings(descriptor.configuration):
            if not _small_text(value) and (device, key) not in told:
                told.add((device, key))
                yield key, f"a large value in the configuration of {device}", _JOURNAL


def _settings(configuration: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, str]]:
    """Yield device, key, value and unit of all that was configured."""
    for device, entry in configuration.items():
        keys = mapping_of(mapping_of(entry).get("data_keys"))
        for key, value in mapping_of(mapping_of(entry).get("data")).items():
            yield device, key, value, str(mapping_of(keys.get(key)).get("units") or "")


def _small_text(value: Any) -> bytes:
    """Return a value as JSON; nothing when that is large."""
    try:
        text = dumps(value)
    except DocumentError:
        return b""
    return text if len(text) <= _LARGEST_SETTING else b""


def _places(files: ExternalFiles) -> list[str]:
    more = files.number - len(files.places)
    return [*files.places, *([f"and {_count(more, 'other')}; see {_JOURNAL}"] if more else [])]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)
