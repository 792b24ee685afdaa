"""Which methods a subclass may override: those that are called. Others are refused at once."""

from __future__ import annotations

from types import FunctionType

from ...contract.apstools_names import HOOKS
from ...errors import DefinitionError

__all__ = ["check_overrides"]

_CALLED = {
    "clear",
    "datum",
    "descriptor",
    "event",
    "getResourceFile",
    "get_sample_title",
    "make_default_filename",
    "make_file_name",
    "resource",
    "start",
    "stop",
    "wait_writer",
    "wait_writer_plan_stub",
}
_OURS = f"{__package__.partition('.')[0]}."
_OF_WRITING = "it serves the write_... methods of apstools, which are not called"
_REFUSED = {
    **{name: instead for name, instead in HOOKS.items() if name not in _CALLED},
    **dict.fromkeys(
        ("add_dataset_attributes", "create_NX_group", "h5string", "resolve_class_path"),
        f"{_OF_WRITING}; the hook extend(entry, run) of NexusFile has the group",
    ),
    "_write_lines_": f"{_OF_WRITING}; comment(text) adds lines",
}


def check_overrides(cls: type, where: str) -> None:
    """Refuse methods of apstools that nobody would call.

    Parameters
    ----------
    cls
        A subclass that was just defined; it may have a mix-in.
    where
        How its user gives what takes their place.

    Raises
    ------
    DefinitionError
        It names the hook, or the setting, that takes the place.
    """
    theirs = [base for base in cls.__mro__[:-1] if not base.__module__.startswith(_OURS)]
    for name, value in (item for base in theirs for item in vars(base).items()):
        if name in _REFUSED and isinstance(value, FunctionType | staticmethod | classmethod):
            raise DefinitionError(
                f"{cls.__name__}.{name} would never be called: bluescribe writes the file while "
                f"the run goes on. Instead, {_REFUSED[name]}. {where}"
            )
