"""An example run: a scan of a motor with a detector and a small camera, as documents."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from event_model import ComposeRunBundle, compose_run

from ..config.configuration import WriterConfig
from ..files.run_paths import late_keys
from .names import OF_BLUESKY, Key, keys_of

__all__ = ["VALUES", "Example"]

_POINTS = 3
_CAMERA = "image"
VALUES: dict[str, list[Any]] = {
    "motor": [index / 3 for index in range(_POINTS)],  # no decimal has all of their digits
    "det": [1000 + index for index in range(_POINTS)],
    _CAMERA: [[[65535, index, 0], [1, 2, 3]] for index in range(_POINTS)],
}
"""What is measured, field by field and row by row."""


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

    @property
    def start(self) -> dict[str, Any]:
        """The start document."""
        return dict(self._run.start_doc)

    @cached_property
    def _run(self) -> ComposeRunBundle:
        return compose_run(metadata=self._start())

    def documents(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the documents of the run."""
        run = self._run
        yield "start", self.start
        settings = [config.settings for config in self.formats]
        templates = {text for each in settings for text in (str(each.directory), each.file_name)}
        late = {steps for template in templates for steps in late_keys(template)}
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

    @property
    def known(self) -> dict[str, Any]:
        """What is known of the start document, before names have asked for more."""
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
        return {**told, **self.metadata}

    def _start(self) -> dict[str, Any]:
        """Return metadata; a key that nobody knows has its own name for a value, or a default."""
        told = self.known
        of_others = {*OF_BLUESKY, *self.metadata}
        for key in keys_of(self.formats):
            if key.steps[0] not in of_others and key.default is None:
                _put(told, list(key.steps), _value(key))
        return told


def _value(key: Key) -> str:
    """Return the name of a key, or a folder below a root where a path is asked for."""
    name = key.steps[-1]
    if key.is_path and key.is_in_directory and key.template.startswith(key.shown):
        roots = [root for root in key.config.settings.roots if os.access(root, os.W_OK)]
        return str(roots[0] / name) if roots else name
    return name


def _put(told: dict[str, Any], steps: list[str], value: str) -> None:
    """Put a value where a key looks for it."""
    for step in steps[:-1]:
        below = told.setdefault(step, {})
        if not isinstance(below, dict):
            return
        told = below
    told.setdefault(steps[-1], value)


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
