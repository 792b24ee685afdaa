"""An example run: a scan of a motor with a detector and a small camera, as documents."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

from event_model import compose_run

from ..config.config import WriterConfig
from ..files.names import late_keys
from .verdict import Verdict, failed, warning

__all__ = ["VALUES", "Example"]

_POINTS = 3
_CAMERA = "image"
VALUES: dict[str, list[Any]] = {
    "motor": [index / 3 for index in range(_POINTS)],  # no decimal has all of their digits
    "det": [1000 + index for index in range(_POINTS)],
    _CAMERA: [[[65535, index, 0], [1, 2, 3]] for index in range(_POINTS)],
}
"""What is measured, field by field and row by row."""

_OF_BLUESKY = (
    "detectors",
    "hints",
    "motors",
    "num_intervals",
    "num_points",
    "plan_args",
    "plan_name",
    "plan_pattern",
    "plan_type",
    "scan_id",
    "time",
    "uid",
    "versions",
)
"""What the RunEngine and bluesky's plans put into start documents."""


@dataclass
class Example:
    """An example run that has all that the names of files ask for.

    Parameters
    ----------
    formats
        Whose names are to be filled.
    metadata
        What start documents will have, beside that which bluesky itself puts there.
    """

    formats: list[WriterConfig]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def verdicts(self) -> Iterator[Verdict]:
        """Yield a verdict on each key of a name that may not be there."""
        for key, names in self._unknown().items():
            what = f"names for {', '.join(names)}"
            near = difflib.get_close_matches(key, [*_OF_BLUESKY, *self.metadata], n=1, cutoff=0.75)
            found = f"{{{key}}} is not known"
            if near:
                yield failed(what, found, f"is it {{{near[0]}}}? Correct DIRECTORY or FILE_NAME")
            else:
                cure = (
                    f"have each run say it, such as RE.md[{key!r}] = ...; to check with a value, "
                    f"give --md {key}=VALUE"
                )
                yield warning(what, f"{found}: a run without it gets the default name", cure)

    def _unknown(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for config, template in self._templates():
            for _, key, _, _ in Formatter().parse(template):
                root = (key or "").partition("[")[0]
                if root and root not in (*_OF_BLUESKY, *self.metadata, "config", "event"):
                    names = found.setdefault(root, [])
                    names += [] if config.name in names else [config.name]
        return found

    def _templates(self) -> Iterator[tuple[WriterConfig, str]]:
        for config in self.formats:
            yield config, str(config.settings.directory)
            yield config, config.settings.file_name

    def documents(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the documents of the run."""
        run = compose_run(metadata=self._start())
        yield "start", dict(run.start_doc)
        late = {steps for _, template in self._templates() for steps in late_keys(template)}
        fields = {steps[1] for steps in late if steps[0] == "event"}
        extra = sorted(fields - VALUES.keys())
        keys = _data_keys(extra)
        primary = run.compose_descriptor(
            name="primary",
            data_keys=keys,
            object_keys={name: [name] for name in keys},
            hints={name: {"fields": [name]} for name in ("motor", "det")},
            configuration=_configuration(late),
        )
        yield "descriptor", dict(primary.descriptor_doc)
        for index in range(_POINTS):
            data = {name: values[index] for name, values in VALUES.items()}
            data |= dict.fromkeys(extra, 1.0)
            times = dict.fromkeys(keys, time.time())
            yield "event", dict(primary.compose_event(data=data, timestamps=times))
        yield "stop", dict(run.compose_stop())

    def _start(self) -> dict[str, Any]:
        """Return metadata; a key that nobody knows has its own name for a value."""
        told: dict[str, Any] = {
            "scan_id": 1,
            "plan_name": "scan",
            "plan_type": "generator",
            "plan_args": {"detectors": ["det"], "num": _POINTS},
            "plan_pattern": "inner_product",
            "detectors": ["det", _CAMERA],
            "motors": ["motor"],
            "num_points": _POINTS,
            "num_intervals": _POINTS - 1,
            "hints": {"dimensions": [[["motor"], "primary"]]},
            "versions": {},
        }
        for _, template in self._templates():
            for _, key, _, _ in Formatter().parse(template):
                root, *inner = (key or "").replace("]", "").split("[")
                if root and root not in (*_OF_BLUESKY, *self.metadata, "config", "event"):
                    _put(told, [root, *inner])
        return {**told, **self.metadata}


def _put(told: dict[str, Any], steps: list[str]) -> None:
    """Put a value where a key looks for it: the last name itself."""
    for step in steps[:-1]:
        below = told.setdefault(step, {})
        if not isinstance(below, dict):
            return
        told = below
    told.setdefault(steps[-1], steps[-1])


def _data_keys(extra: list[str]) -> dict[str, Any]:
    number: dict[str, Any] = {"source": "bluescribe check", "dtype": "number", "shape": []}
    keys = {name: dict(number) for name in [*VALUES, *extra]}
    keys[_CAMERA] |= {"dtype": "array", "shape": [2, 3], "dtype_numpy": "<u2"}
    return keys


def _configuration(late: set[tuple[str, ...]]) -> dict[str, Any]:
    """Return a configuration that has what the names of files ask for."""
    found: dict[str, Any] = {}
    for steps in sorted(steps for steps in late if steps[0] == "config"):
        _, device, key = steps
        one = found.setdefault(device, {"data": {}, "timestamps": {}, "data_keys": {}})
        one["data"][key] = 1.0
        one["timestamps"][key] = time.time()
        one["data_keys"][key] = {"source": "bluescribe check", "dtype": "number", "shape": []}
    return found
