"""What the class of a writer says of its format: checked when it is defined, not at a beamline."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from ..contract.attributes import KnownAttributes
from ..contract.hooks import RUN_FILE, check_hooks, hooks_of
from ..contract.plugin import FormatPlugin
from ..contract.settings import WriterSettings
from ..errors import DefinitionError
from ..later import Later

if TYPE_CHECKING:
    from ..contract.runfile import RunFile

__all__ = ["WriterDefinition"]

_POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD


class WriterDefinition(KnownAttributes):
    """What a subclass of `Writer` defines, and what is no attribute of it.

    Raises
    ------
    DefinitionError
        A subclass defines a hook that nobody would call, or settings that are none.
    """

    format: ClassVar[str]
    """Name of the format: its module and its key in iconfig.yml."""
    file_class: ClassVar[type[RunFile[Any]]]
    settings_class: ClassVar[type[WriterSettings]] = WriterSettings
    interval: ClassVar[float] = 0.1
    """Seconds after which what was received is on disk, while a run is open."""

    process_safe: ClassVar[bool] = False
    """Whether another process may import the class by its name, and write files with its hooks."""

    _plugin: ClassVar[FormatPlugin | None] = None
    """The record of the class, or of one that it extends; ask `FormatPlugin.of`."""
    _decided = frozenset({"format", "file_class", "interval", "settings", "settings_class"})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Show the settings in the signature that IPython's ``SpecWriter?`` displays.

        Raises
        ------
        DefinitionError
            The class defines a hook that nobody would call.
        """
        super().__init_subclass__(**kwargs)
        if WriterDefinition in cls.__bases__:  # Writer itself: what it has is for others to call
            return
        if not issubclass(cls.settings_class, WriterSettings):
            raise DefinitionError(
                f"{cls.__name__}.settings_class has to be a subclass of WriterSettings; found "
                f"{cls.settings_class!r}"
            )
        check_hooks(cls, elsewhere=cls._hooks_of_files(), settings=cls.settings_class)
        fields = cls.settings_class.model_fields
        parameters = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY if name != "directory" else _POSITIONAL,
                default="." if name == "directory" else info.default,
                annotation=info.annotation,
            )
            for name, info in fields.items()
        ]
        cls.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # for inspect

    @classmethod
    def _hooks_of_files(cls) -> dict[str, str]:
        if isinstance(vars(cls).get("file_class"), Later):
            return {}  # it is one of ours, and not needed here
        file_class = getattr(cls, "file_class", None) or RUN_FILE.load()
        where = f"it is a hook of the run's file: define it in a subclass of {file_class.__name__}"
        return dict.fromkeys(hooks_of(file_class), f"{where}, and name that in file_class")

    def _instead_of(self, name: str) -> str:
        """Return what somebody is to do who wants to assign an attribute."""
        fields = type(self).settings_class.model_fields
        if name in fields:
            where = f"{type(self).__name__}(..., {name}=...), or {name.upper()} in iconfig.yml"
            return f"settings are given when the writer is made: {where}"
        if name == "settings":
            return f"settings are given when the writer is made: {', '.join(fields)}"
        if name in self._decided:
            return "it is decided when the writer is made; subclass it"
        return super()._instead_of(name)
