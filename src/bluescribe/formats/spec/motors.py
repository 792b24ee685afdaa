"""Record all motors at the start of each run, as APS instruments do, for ``#O`` and ``#P``."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import FrameType
from typing import Any

from ...errors import ConfigError

__all__ = ["record_motors"]

logger = logging.getLogger(__name__)

_LABEL = "motor"
_PLURAL = "motors"
"""What instruments of BITS label their motors with; apstools wants the other."""


def record_motors(RE: Any) -> None:
    """Have every device that is labelled ``motor`` read at the start of each run.

    Parameters
    ----------
    RE
        The RunEngine; a second call with it adds the names of its caller.

    Raises
    ------
    ConfigError
        apstools is missing.
    """
    try:
        import apstools.plans  # noqa: F401  it is needed when a run begins, too late for a message
    except ImportError as error:
        raise ConfigError(
            f"spec: MOTOR_POSITIONS needs apstools, which cannot be imported ({error}): "
            'pip install "bluescribe[aps]", or set MOTOR_POSITIONS: false'
        ) from None
    namespaces = list(_namespaces_of_callers(sys._getframe(1)))
    for recorder in RE.preprocessors:
        if isinstance(recorder, _Recorder):
            recorder.add(namespaces)
            return
    RE.preprocessors.append(_Recorder(namespaces))


class _Recorder:
    """A preprocessor of plans that reads the motors of the session.

    Parameters
    ----------
    namespaces
        The names of those who subscribed the writer: a start-up script need not be ``__main__``.
    """

    def __init__(self, namespaces: list[dict[str, Any]]) -> None:
        self._namespaces = namespaces
        self._is_told = False

    def add(self, namespaces: list[dict[str, Any]]) -> None:
        """Look for devices there, too."""
        known = {id(names) for names in self._namespaces}
        self._namespaces += [names for names in namespaces if id(names) not in known]

    def __call__(self, plan: Any) -> Any:
        """Return a plan that reads the motors at the start of each run."""
        from apstools.plans import label_stream_wrapper

        names = self._names()
        takes_names = "ns" in inspect.signature(label_stream_wrapper).parameters
        given = {"ns": names} if takes_names and names else {}
        return label_stream_wrapper(plan, labels=[_LABEL], when="start", **given)

    def _names(self) -> dict[str, Any]:
        """Return the devices of the session by name, each once; tell once if none is a motor."""
        from bluesky.magics import get_labeled_devices

        places = [*_session(), *self._namespaces]
        found = dict(_devices([*places, *_registered(places)]))
        labelled = get_labeled_devices(found)  # type: ignore[no-untyped-call]  # bluesky
        motors = labelled.get(_LABEL, [])
        if not motors and not self._is_told:
            self._is_told = True
            _tell_of_none(len(found), len(labelled.get(_PLURAL, [])))
        inside_others = {id(device) for name, device in motors if "." in name}
        return {name: value for name, value in found.items() if id(value) not in inside_others}


def _tell_of_none(devices: int, plural: int) -> None:
    hint = f"; {plural} have the label {_PLURAL!r}, which is another one" if plural else ""
    logger.warning(
        "spec: MOTOR_POSITIONS: none of the %d devices in the session has the label %r%s. #O and "
        "#P have no motors that are not scanned. Make motors with labels={%r}, under names of the "
        "start-up script, of IPython or of __main__",
        devices,
        _LABEL,
        hint,
        _LABEL,
    )


def _namespaces_of_callers(frame: FrameType | None) -> Iterator[dict[str, Any]]:
    """Yield the names of who subscribes the writer, and of the scripts that call or import that."""
    is_first = True
    seen: set[int] = set()
    while frame is not None:
        names = frame.f_globals
        is_ours = str(names.get("__name__")).partition(".")[0] == __name__.partition(".")[0]
        is_script = frame.f_code.co_name == "<module>"
        if not is_ours and (is_first or is_script) and id(names) not in seen:
            seen.add(id(names))
            is_first = False
            yield names
        frame = frame.f_back


def _session() -> Iterator[Mapping[str, Any]]:
    """Yield the names at the prompt."""
    yield vars(sys.modules["__main__"])
    if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()) is not None:
        yield shell.user_ns


def _registered(places: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the motors in registries of ophyd-registry, such as oregistry of BITS and guarneri."""
    if "ophydregistry" not in sys.modules:
        return
    modules = (getattr(module, "__dict__", {}) for module in list(sys.modules.values()))
    found = [names.get("oregistry") for names in modules]
    found += [value for names in places for value in list(names.values())]
    registries: dict[int, Any] = {
        id(one): one for one in found if type(one).__module__.startswith("ophydregistry")
    }
    for registry in registries.values():
        motors = registry.findall(label=_LABEL, allow_none=True)
        yield {motor.name.replace(".", "_"): motor for motor in motors}


def _devices(places: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield devices, and the callback that is told not to plot them; each once, by a free name."""
    taken: set[str] = set()
    seen: set[int] = set()
    for names in places:
        for name, value in list(names.items()):
            if id(value) in seen or str(name).startswith("_") or not _is_wanted(value):
                continue
            free = name if name not in taken else f"{name}_{len(taken)}"
            seen.add(id(value))
            taken.add(free)
            yield free, value


def _is_wanted(value: Any) -> bool:
    """Tell whether something is a device or bluesky's callback, without waking what is lazy."""
    try:
        inside = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return False
    return "_ophyd_labels_" in inside or type(value).__name__ == "BestEffortCallback"
