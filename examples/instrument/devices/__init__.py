"""The devices of the instrument."""

from .sim_devices import baseline, diode, m1, m2

__all__ = ["baseline", "diode", "m1", "m2"]
