"""What ``/measurement`` and ``/process`` of a Data Exchange file say of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...files.json_text import dumps
from ...hdf5.names import unique_name
from ...model.run import Document, Run
from ...model.times import local_time, seconds_of

__all__ = ["of_the_end", "of_the_start"]

_INSTRUMENT = ("beamline_id", "instrument", "instrument_name", "beamline")
_EXPERIMENTER = ("user", "operator", "login_id", "proposal_id")


def of_the_start(run: Run) -> Iterator[tuple[str, str]]:
    """Yield absolute paths of texts and what they say, when the run begins."""
    start = run.start
    name = next((str(start[key]) for key in _INSTRUMENT if isinstance(start.get(key), str)), "")
    yield "/measurement/instrument/name", name
    yield from _sample(start.get("sample", start.get("sample_name")))
    for key in _EXPERIMENTER:
        if isinstance(start.get(key), str | int):
            yield f"/measurement/sample/experimenter/{key}", str(start[key])
    yield "/process/acquisition/uid", run.uid
    yield "/process/acquisition/plan_name", run.plan_name
    yield "/process/acquisition/start_date", run.date.isoformat()
    yield "/process/acquisition/start", dumps(start).decode()


def of_the_end(stop: Document) -> Iterator[tuple[str, str]]:
    """Yield absolute paths of texts and what they say, when the run has ended."""
    if "time" in stop:
        yield "/process/acquisition/end_date", _date(seconds_of(stop["time"]))
    yield "/process/acquisition/exit_status", str(stop.get("exit_status", ""))
    yield "/process/acquisition/stop", dumps(stop).decode()


def _sample(sample: Any) -> Iterator[tuple[str, str]]:
    if isinstance(sample, Mapping):
        taken = {"experimenter"}
        for key, value in sample.items():
            if isinstance(value, str | int | float):
                name = unique_name(str(key), taken)
                taken.add(name)
                yield f"/measurement/sample/{name}", str(value)
    elif isinstance(sample, str):
        yield "/measurement/sample/name", sample


def _date(seconds: float) -> str:
    at = local_time(seconds)
    return "" if at is None else at.isoformat()
