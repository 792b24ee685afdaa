"""The plans of the instrument."""

from .sim_plans import find_peak, take_darks

__all__ = ["find_peak", "take_darks"]
