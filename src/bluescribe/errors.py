"""What can go wrong, each error also the builtin that a caller would expect."""

_LONGEST_SHOWN = 200


class BluescribeError(Exception):
    """Base of every error that bluescribe raises on purpose."""


class ConfigError(BluescribeError, ValueError):
    """A setting is unknown, misspelt or has a value that is not allowed."""


class MissingConfigError(ConfigError, FileNotFoundError):
    """There is no configuration file where one was to be read."""


class UnknownFormatError(ConfigError, LookupError):
    """No format of that name is installed."""


class DocumentError(BluescribeError, ValueError):
    """A document does not say what its kind of document has to say."""


class RecordingError(BluescribeError, RuntimeError):
    """A run could not be written and its owner asked to be stopped (``on_error="abort"``)."""


def shown(found: object) -> str:
    """Return what was found as a message has it, however long it is."""
    try:
        text = repr(found)
    except ValueError:  # an integer of more than 4,300 digits
        return f"a number of {found.bit_length()} bits" if type(found) is int else "something"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
