"""Record all motors at the start of each run, as APS instruments do, for ``#O`` and ``#P``."""

from __future__ import annotations

import inspect
import sys
from typing import Any

from ...errors import ConfigError

__all__ = ["record_motors"]


def record_motors(RE: Any) -> None:
    """Have every device that is labelled ``motor`` read at the start of each run.

    Parameters
    ----------
    RE
        The RunEngine; a second call with it does nothing.

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
    if _with_motors not in RE.preprocessors:
        RE.preprocessors.append(_with_motors)


def _with_motors(plan: Any) -> Any:
    """Read the motors of the session: of itself, apstools looks for them in IPython only."""
    from apstools.plans import label_stream_wrapper

    takes_names = "ns" in inspect.signature(label_stream_wrapper).parameters
    names = {"ns": vars(sys.modules["__main__"])} if takes_names else {}
    return label_stream_wrapper(plan, labels=["motor"], when="start", **names)
