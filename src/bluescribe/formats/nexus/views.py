"""What NeXus readers look for: positioners, detectors, logs of monitors.

All of them are links to the columns of the streams; nothing is stored twice.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...hdf5.images.links import AssetLinks
from ...hdf5.names import nexus_name
from ...hdf5.tree import Dataset, Group, HardLink, Node
from ...model.dimensions import detector_fields, positioner_fields
from ...model.numbers import is_one_number
from ...model.run import COUNT_TIMES, Field, Run, Stream
from .metadata import iso_time
from .table import StreamTable

__all__ = ["instrument_groups", "log_group"]


def instrument_groups(run: Run, table: StreamTable, links: AssetLinks) -> dict[str, Group]:
    """Return the collections of NXpositioner and NXdetector groups of the primary stream."""
    stream = table.stream
    positioners, detectors = Group("NXcollection"), Group("NXcollection")
    taken = {"bluesky", "name", "source", "positioners", "detectors"}
    varied = dict.fromkeys(positioner_fields(run, stream))
    for field in varied:
        if table.shape_of(field) == ():
            name = nexus_name(field, taken)
            taken.add(name)
            positioners.children[name] = _positioner(table, field)
    for field in detector_fields(run, stream):
        link = links.link(stream, field)
        data: Node | None = link
        if table.shape_of(field) is not None:
            data = HardLink(f"{table.group_of(field)}/value")
        if data is not None and field not in varied:
            name = nexus_name(field, taken)
            taken.add(name)
            group = Group("NXdetector", children={"data": data})
            seconds = _count_time(stream, stream.fields[field])
            if seconds is not None:
                group.children["count_time"] = Dataset(seconds, {"units": "s"})
            detectors.children[name] = group
    groups = {"positioners": positioners, "detectors": detectors}
    return {name: group for name, group in groups.items() if group.children}


def log_group(run: Run, table: StreamTable) -> Group | None:
    """Return an NXlog of a monitor stream of one number, None of any other stream."""
    fields = [f for f in table.stream.fields if table.shape_of(f) == ()]
    if not table.stream.name.endswith("_monitor") or len(fields) != 1:
        return None
    group = Group("NXlog")
    group.children["value"] = HardLink(f"{table.group_of(fields[0])}/value")
    group.children["time"] = HardLink(f"{table.root}/time")
    group.add("description", Dataset(f"monitor of {fields[0]} from {iso_time(run.date)}"))
    return group


def _positioner(table: StreamTable, field: str) -> Group:
    declared = table.stream.fields[field]
    group = Group("NXpositioner", children={"name": Dataset(field)})
    group.children["value"] = HardLink(f"{table.group_of(field)}/value")
    setpoint = table.setpoint_of(declared)
    if setpoint and table.shape_of(setpoint) == ():
        group.children["value_set"] = HardLink(f"{table.group_of(setpoint)}/value")
    control = (declared.limits or {}).get("control") or {}
    for name, end in (("soft_limit_min", "low"), ("soft_limit_max", "high")):
        limit = control.get(end) if hasattr(control, "get") else None
        if isinstance(limit, int | float):
            group.children[name] = Dataset(float(limit), {"units": declared.units})
    return group


def _count_time(stream: Stream, declared: Field) -> float | None:
    """Return for how long a detector counts, as the configuration of its device says."""
    told = stream.descriptors[0].configuration.get(declared.object_name, {}).get("data")
    for key, value in told.items() if isinstance(told, Mapping) else ():
        if str(key).endswith(COUNT_TIMES) and is_one_number(value) and value > 0:
            return float(value)
    return None
