"""Documents -> plain tree: what a run says of itself, its devices and its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import yaml

from ...files.json_text import ascii_dumps, dumps, plain
from ...hdf5.names import unique_name
from ...hdf5.parts.pieces import Where
from ...hdf5.tree import Dataset, Group, Node
from ...model.declared import as_declared
from ...model.numbers import is_number
from ...model.run import Descriptor, Document, Field, Run, Stream
from ...model.times import local_time, seconds_of
from ...model.values import as_array

__all__ = [
    "BLUESKY",
    "IMAGES",
    "WHERE",
    "configuration_group",
    "document",
    "entry_group",
    "iso_time",
    "metadata_node",
    "stop_nodes",
    "stream_group",
    "value_node",
]

BLUESKY = "/entry/instrument/bluesky"
"""Where everything stands that Bluesky says and NeXus has no name for."""
WHERE = Where(streams=f"{BLUESKY}/streams", stamps="*/EPOCH")
"""Where a file has what grows."""
IMAGES = "images"
"""Attribute of that group, of the files that images are copied into."""

_LONGEST_RUN = 1e15
"""Seconds from which on a duration is nonsense, as no integer may hold it."""

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml's, ten times faster, where PyYAML was built with it."""

_MOST_DIMENSIONS = 32
"""Of a dataset: HDF5 has no more."""

_LONGEST_YAML = 20_000
"""Bytes of JSON above which a structure stays JSON, which is YAML too and far quicker made."""


def iso_time(at: datetime) -> str:
    """Return a time in ISO 8601 with the offset of the local zone."""
    return at.isoformat(timespec="microseconds")


def entry_group(run: Run, title: str) -> Group:
    """Return the NXentry of a run that begins."""
    entry = Group("NXentry")
    entry.add("title", Dataset(title))
    entry.add("start_time", Dataset(iso_time(run.date)))
    entry.add("entry_identifier", Dataset(run.uid))
    versions = run.start.get("versions")
    version = versions.get("bluesky") if isinstance(versions, Mapping) else None
    entry.add("program_name", Dataset("bluesky", {"version": str(version)} if version else {}))
    entry.add("plan_name", Dataset(run.plan_name))
    instrument = Group("NXinstrument")
    bluesky = Group("NXcollection")
    bluesky.add("uid", Dataset(run.uid, {"long_name": "bluesky run uid"}))
    bluesky.add("plan_name", Dataset(run.plan_name))
    bluesky.add("metadata", _metadata_group(run.start))
    bluesky.add("streams", Group("NXcollection"))
    bluesky.add("documents", Group("NXcollection", children={"start": document(run.start)}))
    instrument.add("bluesky", bluesky)
    entry.add("instrument", instrument)
    return entry


def configuration_group(descriptor: Descriptor) -> Group:
    """Return the configuration of the devices of a descriptor, a group each."""
    group = Group("NXcollection", {"descriptor": descriptor.uid})
    for device, configuration in descriptor.configuration.items():
        values = configuration.get("data")
        if isinstance(values, Mapping) and values:
            name = unique_name(str(device), group.children)
            group.add(name, _device_group(values, configuration))
    return group


def document(doc: Document) -> Dataset:
    """Return a document as it came, as JSON text."""
    return Dataset(ascii_dumps(doc), {"text_format": "json"})


def stop_nodes(run: Run, stop: Document) -> dict[str, Node]:
    """Return what the stop document adds, by its path inside the entry."""
    ended = seconds_of(stop.get("time"))
    bluesky = BLUESKY.removeprefix("/entry/")
    nodes: dict[str, Node] = {f"{bluesky}/documents/stop": document(stop)}
    if (at := local_time(ended)) is not None:
        seconds = ended - run.time
        nodes["end_time"] = Dataset(iso_time(at))
        if abs(seconds) < _LONGEST_RUN:
            nodes["duration"] = Dataset(round(seconds), {"units": "s"})
        nodes["collection_time"] = Dataset(seconds, {"units": "s"})
    for key in ("exit_status", "reason", "num_events"):
        said = stop.get(key)
        if said is not None and not (isinstance(said, str) and not said):
            nodes[f"{bluesky}/{key}"] = metadata_node(stop[key])
    return nodes


def _metadata_group(start: Document) -> Group:
    group = Group("NXcollection")
    group.add("run_start_uid", Dataset(str(start["uid"]), {"long_name": "bluesky run uid"}))
    for key, value in start.items():
        name = unique_name(str(key), group.children)
        group.children[name] = metadata_node(value)
    return group


def metadata_node(value: Any) -> Dataset:
    """Return text as itself, numbers and arrays as themselves, structures as YAML."""
    if isinstance(value, str):
        return Dataset(value)
    if isinstance(value, np.ndarray) and _is_dataset(value):
        return Dataset(value)
    array = as_array([value]) if not isinstance(value, list | tuple | Mapping) else None
    if array is not None and is_number(array.dtype) and array.ndim == 1:
        return Dataset(array[0])
    return Dataset(_yaml(value), {"text_format": "yaml"})


def value_node(value: Any) -> Dataset:
    """Return the same, but lists of numbers as arrays."""
    array = as_array([value])
    if array is not None and _is_dataset(array[0]):
        return Dataset(array[0])
    return metadata_node(value)


def _yaml(value: Any) -> str:
    text = dumps(value)
    if len(text) > _LONGEST_YAML:
        return text.decode()
    try:
        return yaml.dump(plain(value), Dumper=_DUMPER, allow_unicode=True, sort_keys=False)
    except (yaml.YAMLError, ValueError):
        return text.decode()


def _device_group(values: Mapping[str, Any], configuration: Document) -> Group:
    group = Group("NXcollection")
    keys, stamps = configuration.get("data_keys"), configuration.get("timestamps")
    for key, value in values.items():
        declared = keys.get(key) if isinstance(keys, Mapping) else None
        node = value_node(_as_declared(value, declared))
        stamp = stamps.get(key) if isinstance(stamps, Mapping) else None
        node.attrs = {**node.attrs, **_attributes(declared, stamp)}
        group.children[unique_name(str(key), group.children)] = node
    return group


def _as_declared(value: Any, data_key: Any) -> Any:
    if not isinstance(data_key, Mapping):
        return value
    return as_declared([value], Field.from_data_key("", data_key).dtype_numpy)[0]


def _is_dataset(array: Any) -> bool:
    """Tell whether numbers can stand in a dataset."""
    fits = is_number(array.dtype) and array.size and array.ndim <= _MOST_DIMENSIONS
    return bool(fits)


def _attributes(declared: Any, stamp: Any) -> dict[str, Any]:
    attrs: dict[str, Any] = {}
    if isinstance(declared, Mapping):
        for key in ("units", "source", "precision"):
            if isinstance(declared.get(key), str | int) and declared[key] != "":
                attrs[key] = declared[key]
        choices = declared.get("enum_strs")
        if isinstance(choices, list | tuple) and choices:
            attrs["enum_strs"] = [str(choice) for choice in choices]
    if isinstance(stamp, int | float):
        attrs["EPOCH"] = float(stamp)
    return attrs


def stream_group(stream: Stream, descriptor: Descriptor) -> Group:
    """Return the group of a stream that has just been declared."""
    return Group("NXcollection", {"uid": descriptor.uid, "stream": stream.name})
