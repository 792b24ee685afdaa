"""Devices that say exactly what a shape of run needs to hear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, repeat
from typing import Any

from ophyd import Device
from ophyd.sim import NullStatus, SynAxis, SynGauss, SynSignal
from ophyd.utils.epics_pvs import data_shape, data_type


def motor(name: str = "m1", **options: Any) -> SynAxis:
    """Make a motor that moves at once."""
    return SynAxis(name=name, **options)


def gauss(axis: SynAxis, name: str = "det", **options: Any) -> SynGauss:
    """Make a point detector with a peak at the motor's zero."""
    return SynGauss(name, axis, axis.name, center=0, Imax=1, **options)


class Scripted(SynSignal):  # type: ignore[misc]
    """Read the next of the given values at each trigger, then the last one again.

    Parameters
    ----------
    name : str
        The data key.
    values : iterable
        What the readings are, in order.
    kind : str
        ``hinted``, ``normal`` or ``config``, as ophyd understands them.
    **data_key
        What the signal's description says, in place of what ophyd would derive from the first
        value. A description with a ``dtype`` is taken as it is; that is how devices come to lie.
    """

    def __init__(
        self, name: str, values: Iterable[Any], *, kind: str = "hinted", **data_key: Any
    ) -> None:
        script = list(values)
        self._data_key = data_key
        # ophyd reads the first value once while it makes the signal.
        readings = chain(script[:1], script, repeat(script[-1]))
        super().__init__(func=lambda: next(readings), name=name, kind=kind)

    def describe(self) -> dict[str, Any]:
        """Describe the signal as it was declared."""
        if "dtype" not in self._data_key:
            described: dict[str, dict[str, Any]] = super().describe()
            described[self.name].update(self._data_key)
            return described
        return {self.name: {"source": f"SIM:{self.name}", "shape": [], **self._data_key}}


class Configured(Scripted):
    """Read scripted values, and report these values as the configuration."""

    def __init__(self, name: str, values: Iterable[Any], configuration: Mapping[str, Any]) -> None:
        self._configuration = {f"{name}_{key}": value for key, value in configuration.items()}
        super().__init__(name, values)

    def read_configuration(self) -> dict[str, Any]:
        """Report the configuration, all of it with one timestamp."""
        return {
            key: {"value": value, "timestamp": 1_700_000_000.5}
            for key, value in self._configuration.items()
        }

    def describe_configuration(self) -> dict[str, Any]:
        """Describe the configuration by its values, and None as a number."""
        return {
            key: {
                "source": f"SIM:{key}",
                "dtype": "number" if value is None else data_type(value),
                "shape": [] if value is None else list(data_shape(value)),
            }
            for key, value in self._configuration.items()
        }


class Panel(Device):  # type: ignore[misc]
    """Read many scripted signals as one device, one step further at each trigger."""

    def __init__(self, name: str, scripts: Mapping[str, Iterable[Any]]) -> None:
        super().__init__(name=name)
        self._signals = [Scripted(key, values, kind="normal") for key, values in scripts.items()]

    def trigger(self) -> Any:
        """Go one step further in each script."""
        for signal in self._signals:
            signal.trigger()
        return NullStatus()

    def read(self) -> dict[str, Any]:
        """Read all signals."""
        return {key: reading for signal in self._signals for key, reading in signal.read().items()}

    def describe(self) -> dict[str, Any]:
        """Describe all signals."""
        return {key: known for signal in self._signals for key, known in signal.describe().items()}
