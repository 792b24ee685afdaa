"""Attributes that nobody looks at are refused, in Python as misspelt keys are in iconfig.yml."""

from __future__ import annotations

import difflib
import sys
from types import FrameType
from typing import Any, ClassVar

from ..errors import UnknownAttributeError
from .apstools_names import ATTRIBUTES

__all__ = ["KnownAttributes"]


class KnownAttributes:
    """An object to which no attribute can be assigned that its class does not know.

    Known is what a class declares, sets in ``__init__`` or makes a property with a setter. Methods
    of a class, those of a subclass too, assign what they like to their own object.
    """

    _decided: ClassVar[frozenset[str]] = frozenset()
    """Attributes that are read when the object is made, and never again."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute that is known.

        Raises
        ------
        UnknownAttributeError
            Nobody would look at it; it says what to do instead.
        """
        if not (
            _takes(self, name) or _is_inside(type(self), sys._getframe(1))
        ):  # who assigns is nowhere else
            raise UnknownAttributeError(
                f"{type(self).__name__}.{name} cannot be assigned, nothing would change: "
                f"{self._instead_of(name)}"
            )
        super().__setattr__(name, value)

    def _instead_of(self, name: str) -> str:
        """Return what somebody is to do who wants to assign an attribute."""
        if name in ATTRIBUTES:
            return ATTRIBUTES[name]
        public = [known for known in dir(self) if not known.startswith("_") and known != name]
        near = difflib.get_close_matches(name, public, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        return f"{hint}an attribute of your own is declared in a subclass"


def _takes(owner: KnownAttributes, name: str) -> bool:
    """Tell whether an object knows an attribute, and looks at it later."""
    if name in owner._decided:  # of the class above
        return False
    for cls in type(owner).__mro__:
        if name in vars(cls):
            found = vars(cls)[name]
            return not isinstance(found, property) or found.fset is not None
        if name in vars(cls).get("__annotations__", {}):
            return True
    return name in vars(owner)


def _is_inside(cls: type, frame: FrameType) -> bool:
    """Tell whether the code that assigns is that of a class, or of one of its bases."""
    code = frame.f_code.co_qualname
    module = frame.f_globals.get("__name__")
    return any(
        module == base.__module__ and code.startswith(f"{base.__qualname__}.")
        for base in cls.__mro__
    )
