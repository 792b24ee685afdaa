"""What it means when Globus, or the way to it, fails: whether there is use in trying again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..trouble import Later, Refused

if TYPE_CHECKING:
    import globus_sdk

__all__ = ["is_of_credentials", "problem_of"]

_BUSY = (408, 409, 425, 429)
_LOGIN = (
    "check GLOBUS_CLIENT_ID and GLOBUS_CLIENT_SECRET in the environment; without a secret, log in "
    "again: bluescribe globus login"
)
_CONSENT = (
    "set DATA_ACCESS in the GLOBUS block to the collection that wants it (source, destination or "
    "both) and start again; a person, not a service account, then logs in: bluescribe globus login"
)
_PERMISSION = (
    "have its owner let this account read the source collection and write to the destination"
)


def is_of_credentials(error: globus_sdk.GlobusError) -> bool:
    """Return whether an error says that nobody is logged in, or not as the right one."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    status = getattr(error, "http_status", 0)
    is_from_auth = "AuthAPIError" in kinds and 400 <= status < 500 and status not in _BUSY
    return "TokenValidationError" in kinds or is_from_auth or status == 401


def problem_of(error: globus_sdk.GlobusError) -> Later | Refused:
    """Say what an error of the SDK means for a transfer."""
    if is_of_credentials(error):
        return Later(f"Globus wants a login: {_words(error)}", _LOGIN)
    status = getattr(error, "http_status", 0)
    if not status or status in _BUSY or status >= 500:
        remedy = "wait, or check the network and https://status.globus.org"
        return Later(_words(error), remedy, after=_retry_after(error))
    if getattr(error, "code", "") == "ConsentRequired":
        return Later(_words(error), _CONSENT, only_this=True)
    if status == 403:
        return Later(_words(error), _PERMISSION, only_this=True)
    return Refused(_words(error), "correct the GLOBUS block for later runs, and this entry")


def _words(error: globus_sdk.GlobusError) -> str:
    """Return one line without what is different each time."""
    status, code = getattr(error, "http_status", 0), getattr(error, "code", None)
    said = " ".join(str(getattr(error, "message", None) or error).split())
    cause = getattr(error, "underlying_exception", None)
    if not status:
        return f"{said} ({type(cause).__name__})" if cause else said
    return f"Globus answers {status} {code or ''}: {said}".replace(" :", ":")


def _retry_after(error: globus_sdk.GlobusError) -> float:
    text = str(getattr(error, "headers", {}).get("Retry-After", ""))
    return float(text) if text.isdigit() else 0.0
