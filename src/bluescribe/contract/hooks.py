"""What a class of a format defines is called, and what it needs is there: told when it is made.

A hook that nobody calls, because it is misspelt, stands in the wrong class or is one of apstools,
would be swallowed: the files would lack what it adds, and nobody would know.
"""

from __future__ import annotations

import difflib
import dis
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, get_args, get_origin

from ..errors import DefinitionError
from ..later import Later
from .apstools_names import ATTRIBUTES, HOOKS

__all__ = ["RUN_FILE", "call_hook", "check_complete", "check_hooks", "hooks_of"]

RUN_FILE = Later(f"{__package__}.runfile", "RunFile")
"""What a ``file_class`` has to be: a session that has its files written elsewhere needs none."""

_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NEAR = 0.8
"""How alike two names are that are taken for one: ``titel`` and ``title``."""


def check_hooks(cls: type, *, elsewhere: Mapping[str, str], settings: Any) -> None:
    """Refuse what a class defines and nobody would call.

    Parameters
    ----------
    cls
        A subclass that was just defined: of a writer, or of a run's file.
    elsewhere
        Hooks that do not belong into such a class, and in words where they do.
    settings
        The class of the settings, which are no attributes.

    Raises
    ------
    DefinitionError
        It names the hook that was meant, or what takes its place.
    """
    for name, value in list(vars(cls).items()):
        if name.startswith("__"):
            continue
        is_known = any(hasattr(base, name) for base in cls.__bases__)
        if is_known and not _is_turned(cls, name, {*elsewhere, *settings.model_fields}):
            _check_override(cls, name, value)
            continue
        instead = _instead_of(cls, name, value, elsewhere, settings)
        if instead and not _is_used(cls, name):
            verb = "looked at" if _is_plain(value) else "called"
            raise DefinitionError(f"{cls.__name__}.{name} would never be {verb}: {instead}")


def call_hook(hook: Callable[..., Any], *given: Any, **later: Any) -> Any:
    """Call a hook with what it takes of what there is for it.

    Parameters
    ----------
    hook
        A bound method; its class may have been written when hooks were given less.
    given
        What it was given from the beginning.
    later
        What it is given by now, too, by name. A method that has such a parameter under another
        name gets it in its place; one that has a default is the subclass's own.
    """
    parameters = inspect.signature(hook).parameters
    taken = {name: value for name, value in later.items() if name in parameters}
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return hook(*given, **later)
    needed = [p for p in parameters.values() if p.kind in _BY_PLACE and p.default is p.empty]
    more = [value for name, value in later.items() if name not in taken]
    return hook(*given, *more[: max(0, len(needed) - len(given) - len(taken))], **taken)


def _is_turned(cls: type, name: str, others: set[str]) -> bool:
    """Tell whether a name is what users turn in the bases, and also a setting or another hook."""
    base = next(inspect.getattr_static(b, name) for b in cls.__bases__ if hasattr(b, name))
    return name in others and isinstance(base, property)


def hooks_of(cls: type) -> list[str]:
    """Return the names of the methods that a class and its bases have for others to call."""
    return [
        name
        for base in cls.__mro__[:-1]
        for name, value in vars(base).items()
        if isinstance(value, FunctionType) and not name.startswith("_")
    ]


def check_complete(writer_class: Any, *, is_whole: bool = False) -> None:
    """Refuse a writer that cannot write, before any run.

    Parameters
    ----------
    writer_class
        The class of a writer that is being made.
    is_whole
        Whether its ``file_class`` is imported and looked at also where the class says itself that
        it is imported later, as ours do.

    Raises
    ------
    DefinitionError
        It says what is missing, and in which class.
    """
    name = writer_class.__name__
    if not isinstance(getattr(writer_class, "format", None), str):
        raise DefinitionError(
            f'{name} has no format: add  format = "xy"  to the class; it is the name that '
            "status() and iconfig.yml use"
        )
    if isinstance(vars(writer_class).get("file_class"), Later) and not is_whole:
        return
    file_class = getattr(writer_class, "file_class", None)
    if not (isinstance(file_class, type) and issubclass(file_class, RUN_FILE.load())):
        raise DefinitionError(
            f"{name} has no file_class: add  file_class = XyFile  to the class, a subclass of "
            f"RunFile that writes one run; found {file_class!r}"
        )
    if inspect.isabstract(file_class):
        raise DefinitionError(
            f"{name} cannot write: its file_class {file_class.__name__} lacks "
            f"{', '.join(_abstract_methods(file_class))}"
        )
    for wanted in _settings_wanted(file_class):
        if not issubclass(writer_class.settings_class, wanted):
            raise DefinitionError(
                f"{name} has settings_class = {writer_class.settings_class.__name__}, but its "
                f"file_class {file_class.__name__} takes {wanted.__name__}"
            )


def _instead_of(
    cls: type, name: str, value: Any, elsewhere: Mapping[str, str], settings: Any
) -> str | None:
    """Return what is to be done about a name that somebody else would have to use, if it is one."""
    if name in HOOKS and not getattr(value, "__isabstractmethod__", False):
        return f"it is a name of apstools; here {HOOKS[name]}"
    if _is_plain(value):
        if name in ATTRIBUTES:
            return f"it is a name of apstools; here {ATTRIBUTES[name]}"
        is_setting = name in settings.model_fields
        return f"it is a setting, given when the writer is made: {name}=..." if is_setting else None
    if not isinstance(value, FunctionType) or name.startswith("_"):
        return None
    known = [hook for base in cls.__bases__ for hook in hooks_of(base)]
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=_NEAR)
    hint = "A helper of yours that only others call needs another name"
    return elsewhere.get(name) or (f"did you mean {near[0]}? {hint}" if near else None)


def _check_override(cls: type, name: str, value: Any) -> None:
    """Refuse what takes the place of a method and cannot be called as it is."""
    base = next(inspect.getattr_static(b, name) for b in cls.__bases__ if hasattr(b, name))
    if not isinstance(base, FunctionType | property) or name.startswith("_"):
        return
    if _is_plain(value) or (isinstance(base, property) and isinstance(value, FunctionType)):
        kind = "a property" if isinstance(base, property) else f"a method, {name}{_signature(base)}"
        raise DefinitionError(f"{cls.__name__}.{name} has to be {kind}; found {value!r}")
    if not (isinstance(base, FunctionType) and isinstance(value, FunctionType)):
        return
    if not _takes_call_of(base, value):
        raise DefinitionError(
            f"{cls.__name__}.{name} takes {_signature(value)}, but is called as "
            f"{name}{_signature(base)}"
        )


def _takes_call_of(base: Callable[..., Any], override: Callable[..., Any]) -> bool:
    """Tell whether a method can be called as another one, with or without what is optional."""
    needed = inspect.signature(base).parameters.values()
    optional = {p.name: None for p in needed if p.default is not p.empty}
    places, names = _call_of(base)
    for more, named in (((), {}), (optional, {}), ((), optional)):
        try:
            inspect.signature(override).bind(*places, *more, **names, **named)
        except TypeError:
            continue
        return True
    return False


def _call_of(base: Callable[..., Any]) -> tuple[list[None], dict[str, None]]:
    parameters = inspect.signature(base).parameters.values()
    return (
        [None for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty],
        {p.name: None for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty},
    )


def _signature(function: Callable[..., Any]) -> str:
    return f"({', '.join(inspect.signature(function).parameters)})"


def _is_plain(value: Any) -> bool:
    """Tell whether something is a value: no method, property, class or descriptor."""
    return not (callable(value) or hasattr(value, "__get__"))


def _function(value: Any) -> FunctionType | None:
    """Return the function in a method of any kind, or None."""
    inner = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    return inner if isinstance(inner, FunctionType) else None


def _is_used(cls: type, name: str) -> bool:
    """Tell whether a class uses a name of its own in another method: then it is a helper."""
    return any(
        _uses(function.__code__, name, {cls.__name__, *function.__code__.co_varnames[:1]})
        for base in cls.__mro__[:-1]
        for method, value in vars(base).items()
        if method != name and (function := _function(value)) is not None
    )


def _uses(code: CodeType, name: str, owners: set[str]) -> bool:
    """Tell whether code gets an attribute of one of the owners, ``self.name``."""
    if name in code.co_names:
        before: Any = None
        for instruction in dis.get_instructions(code):
            if instruction.argval == name and owners & set(before or ()):
                return True
            loaded = instruction.argval if instruction.opname.startswith("LOAD_") else None
            before = loaded if isinstance(loaded, tuple) else (loaded,)
    return any(_uses(c, name, owners) for c in code.co_consts if isinstance(c, CodeType))


def _abstract_methods(cls: Any) -> list[str]:
    return [f"{name}{_signature(getattr(cls, name))}" for name in sorted(cls.__abstractmethods__)]


def _settings_wanted(file_class: type) -> Iterator[type]:
    """Yield the class of settings that stands first in the brackets of RunFile[...]."""
    for base in file_class.__mro__:
        for parent in vars(base).get("__orig_bases__", ()):
            for argument in get_args(parent)[:1] if get_origin(parent) else ():
                if isinstance(argument, type):
                    yield argument
