"""What readers of NeXus expect of a file: nexusformat, silx, and rules that neither checks."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from nexusformat.nexus import validate
from silx.io.nxdata.parse import get_default
from silx.io.utils import open as silx_open

from tests.extent import IS_LONG
from tests.readers.nexus import BLUESKY, read_column, text

ALLOWED = {
    # Readers of apstools' files look for it there; NXentry has no such field.
    "This field is not defined in NXentry": r"Field: /entry/plan_name$",
    # Another program's images, seen through an external link.
    "Units of NX_ANY not specified": r"Link: ",
    # NXfluo asks for it there; NXdetector has no such field.
    "This field is not defined in NXdetector": r"\w+: /entry/instrument/fluorescence/energy$",
    # NXdata once had these three for its axes; here they are what motors and counters are called.
    "The field value is not a valid NX_FLOAT": r"\w+: /entry/data/[xyz]$",
}
"""What nexusformat may find, and what it may find it of."""

NO_AXES = '"@axes" is not present in the group'
TWO_AXES = '"@axes" length does not match the signal rank'

_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


_NUMBERS = count()


def check_folder(folder: Path) -> None:
    """Fail where a NeXus file in a folder breaks a rule."""
    for path in folder.rglob("*.hdf"):
        complaints = [*broken_rules(path)]
        if IS_LONG or next(_NUMBERS) % 3 == 0:  # takes as long as all else that is done to a file
            complaints += findings(path)
        assert not complaints, "\n".join([path.name, *complaints])


def broken_rules(path: Path) -> Iterator[str]:
    """Yield what is wrong with links, targets, times, axes and the default plot."""
    with h5py.File(path, "r") as file:
        objects = dict(_objects(file))
        yield from _of_links(file, objects)
        for name, node in objects.items():
            yield from _of_target(file, name, node)
            yield from _of_time(name, node)
            yield from _of_axes(name, node)
        yield from _of_default(file)
    yield from _of_plot(path)


def findings(path: Path) -> list[str]:
    """Return the warnings and errors of nexusformat's validate_file that are not allowed."""
    log = _Log()
    logger = logging.getLogger("NXValidate")
    handlers, logger.handlers = logger.handlers, [log]
    try:
        counted = validate.validate_file(str(path))
    finally:
        logger.handlers = handlers
    assert counted is not None, f"nexusformat cannot validate {path.name}"
    assert sum(counted) == len(log.found), f"{counted} counted, seen are {log.found}"
    found = [(place, what) for place, what in log.found if not _is_allowed(place, what)]
    return [
        f"{place} {what}"
        for place, what in found
        if not (NO_AXES in what and _plots_missing_file(path))
        and not (TWO_AXES in what and _is_scatter(path, place))
    ]


def _is_scatter(path: Path, place: str) -> bool:
    """Tell whether a group shows points over two axes, as silx and h5web draw them."""
    with h5py.File(path, "r") as file:
        group = file[place.partition(": ")[2]]
        axes = [text(axis) for axis in group.attrs["axes"]]
        return _are_of_points(group, group[text(group.attrs["signal"])], axes)


def _are_of_points(group: h5py.Group, signal: h5py.Dataset, axes: list[str]) -> bool:
    return (signal.ndim, len(axes)) == (1, 2) and all(
        axis in group and group[axis].shape == signal.shape for axis in axes
    )


def _plots_missing_file(path: Path) -> bool:
    """Tell whether the default plot is of another program's file that is not there (yet).

    Then nobody can know how many dimensions it has.
    """
    with h5py.File(path, "r") as file:
        plot = file["entry/data"]
        name = text(plot.attrs["signal"])
        link = plot.get(name, getlink=True)
        return isinstance(link, h5py.ExternalLink) and not (path.parent / link.filename).exists()


class _Log(logging.Handler):
    """Keeps warnings and errors, with the object that they are about."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._place = ""

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage().strip()
        if record.levelname in ("WARNING", "ERROR"):
            self.found.append((self._place, f"{record.levelname}: {line}"))
        elif re.match(r"\w+: /", line):
            self._place = line


def _is_allowed(place: str, what: str) -> bool:
    about = ALLOWED.get(what.removeprefix("WARNING: "))
    return about is not None and re.match(about, place) is not None


def _objects(group: h5py.Group) -> Iterator[tuple[str, Any]]:
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.HardLink):
            child = group[name]
            yield f"{group.name.rstrip('/')}/{name}", child
            if isinstance(child, h5py.Group):
                yield from _objects(child)


def _of_links(file: h5py.File, objects: dict[str, Any]) -> Iterator[str]:
    """Yield links that lead nowhere; a file that is not there is not the link's fault."""
    groups = [node for node in [file, *objects.values()] if isinstance(node, h5py.Group)]
    for group in groups:
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.SoftLink) and group.get(name) is None:
                yield f"{group.name}/{name} is a broken link to {link.path}"
            elif isinstance(link, h5py.ExternalLink):
                target = Path(file.filename).parent / link.filename
                if target.exists() and group.get(name) is None:
                    yield f"{group.name}/{name} does not open in {link.filename}:{link.path}"
                if Path(link.filename).is_absolute():
                    yield f"{group.name}/{name} is linked by an absolute name {link.filename}"


def _of_target(file: h5py.File, name: str, node: Any) -> Iterator[str]:
    if "target" in node.attrs:
        target = text(node.attrs["target"])
        if target not in file or file[target] != node:
            yield f"{name}@target = {target} is another object, or none"


def _of_time(name: str, node: Any) -> Iterator[str]:
    """Yield times in our own fields without the zone's offset."""
    if name.startswith(f"{BLUESKY}/") or not isinstance(node, h5py.Dataset):
        return
    value = text(node[()]) if h5py.check_string_dtype(node.dtype) and not node.shape else ""
    if _ISO_TIME.match(value) and datetime.fromisoformat(value).utcoffset() is None:
        yield f"{name} = {value} has no zone"


def _of_axes(name: str, node: Any) -> Iterator[str]:
    """Yield plots whose axes do not fit their signal."""
    if not isinstance(node, h5py.Group) or text(node.attrs.get("NX_class", "")) != "NXdata":
        return
    if "signal" not in node.attrs:
        yield f"{name} is NXdata without @signal"
        return
    signal = node.get(text(node.attrs["signal"]))
    if signal is None:
        if not isinstance(node.get(text(node.attrs["signal"]), getlink=True), h5py.ExternalLink):
            yield f"{name}@signal = {text(node.attrs['signal'])}, which is not there"
        return
    yield from _of_signal(name, node, signal)


def _of_signal(name: str, node: h5py.Group, signal: h5py.Dataset) -> Iterator[str]:
    axes = [text(axis) for axis in np.atleast_1d(node.attrs.get("axes", []))]
    if _are_of_points(node, signal, axes):
        axes = []
    if axes and len(axes) != signal.ndim:
        yield f"{name}: @axes {axes} of a signal of {signal.ndim} dimensions"
    for dimension, axis in enumerate(axes[: signal.ndim]):
        if axis != "." and (axis not in node or len(node[axis]) != signal.shape[dimension]):
            yield f"{name}: axis {axis} is not there, or not as long as dimension {dimension}"
    for other in np.atleast_1d(node.attrs.get("auxiliary_signals", [])):
        if text(other) not in node or node[text(other)].shape != signal.shape:
            yield f"{name}: auxiliary signal {text(other)} is not there, or of another shape"


def _of_default(file: h5py.File) -> Iterator[str]:
    """Yield a broken chain of @default."""
    node: Any = file
    while "default" in node.attrs:
        name = text(node.attrs["default"])
        if name not in node:
            yield f"{node.name}@default = {name}, which is not there"
            return
        node = node[name]
    is_plot = text(node.attrs.get("NX_class", "")) == "NXdata"
    if not is_plot and (node.name != "/entry" or _plottable(file)):
        yield f"@default leads to {node.name}, which is no NXdata"


def _of_plot(path: Path) -> Iterator[str]:
    with h5py.File(path, "r") as file:
        plottable = _plottable(file)
    if plottable:
        with silx_open(str(path)) as root:
            plot = get_default(root)
            if plot is None or not plot.is_valid:
                yield f"silx finds no valid plot, though {plottable} could be plotted"


def _plottable(file: h5py.File) -> list[str]:
    """Return the fields of the primary stream that are one number an event."""
    for stream in file[f"{BLUESKY}/streams"].values():
        if text(stream.attrs["stream"]) == "primary":
            groups = {k: g for k, g in stream.items() if isinstance(g, h5py.Group)}
            return [key for key, group in groups.items() if _is_number(group)]
    return []


def _is_number(group: h5py.Group) -> bool:
    if not isinstance(group.get("value", getlink=True), h5py.HardLink):
        return False
    value = group["value"]
    return value.dtype.kind in "iuf" and value.ndim == 1 and bool(read_column(group, "value"))
