"""What can go wrong, each error also the builtin that a caller would expect."""

import reprlib

_SHOWN = reprlib.Repr()
_SHOWN.maxlevel = 3
_SHOWN.maxstring = _SHOWN.maxother = 200
_SHOWN.maxdict = _SHOWN.maxlist = _SHOWN.maxtuple = _SHOWN.maxset = 6


class BluescribeError(Exception):
    """Base of every error that bluescribe raises on purpose."""


class ConfigError(BluescribeError, ValueError):
    """A setting is unknown, misspelt or has a value that is not allowed."""


class MissingConfigError(ConfigError, FileNotFoundError):
    """There is no configuration file where one was to be read."""


class UnknownFormatError(ConfigError, LookupError):
    """No format of that name is installed."""


class UnknownDeliveryError(ConfigError, LookupError):
    """No delivery of that name is installed."""


class DirectoryError(ConfigError, OSError):
    """A folder for files cannot be made or written."""


class DefinitionError(BluescribeError, TypeError):
    """A class of a format lacks what it needs, or defines what nobody would call."""


class UnknownAttributeError(BluescribeError, AttributeError):
    """An attribute was assigned that nobody looks at."""


class DocumentError(BluescribeError, ValueError):
    """A document does not say what its kind of document has to say."""


class RecordingError(BluescribeError, RuntimeError):
    """A run could not be written and its owner asked to be stopped (``on_error="abort"``)."""


def shown(found: object) -> str:
    """Return how a message shows a value: in one short line, also where it holds itself."""
    try:
        return _SHOWN.repr(found)
    except Exception:  # an integer of more than 4,300 digits, an object whose __repr__ raises
        return f"a number of {found.bit_length()} bits" if type(found) is int else "something"
