"""The tiled server: reached without a question on the terminal, and without blind repetition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...extras import import_extra
from ..trouble import Later, Refused
from .place import place_of
from .settings import TiledSettings

__all__ = ["Server", "ServerFault", "check_extra", "refusal"]

_WHAT = "TILED"
_GONE = (408, 502, 503, 504)
_OF_KNOCK = (("headers", None), ("verify", True))
_LOGIN = (
    "set TILED_API_KEY in the environment of the session, or log in once (tiled profile create "
    "{uri} --name NAME, then tiled login --profile NAME) and restart the session"
)


_IMPOSTOR = (
    "look what answers at URI in place of the server: a proxy, a login page of the network, or a "
    "page that says that the server is away"
)
_SIGN = "x-tiled-request-id"
"""A header of each answer of tiled, with an error too."""


class ServerFault(Exception):  # noqa: N818  # what the server says of itself
    """The server failed at a request (HTTP 500): its own fault, or that of what it was sent."""


def check_extra() -> None:
    """Import what talks to tiled.

    Raises
    ------
    MissingExtraError
        It is not installed; one line with the pip command.
    """
    for module in ("httpx", "tiled.client", "bluesky_tiled_plugins.writing.tiled_writer"):
        import_extra(module, "tiled", _WHAT)


class Server:
    """A catalog on a server; connected when it is needed.

    Parameters
    ----------
    settings
        Where it is.

    Raises
    ------
    SettingsError
        They name a profile that cannot be used.
    """

    def __init__(self, settings: TiledSettings) -> None:
        self._settings = settings
        self._place = place_of(settings)
        self._catalog: Any = None
        self._signs = False
        """Whether its answers have reached us with their sign."""

    def catalog(self) -> Any:
        """Return the catalog's client, connecting if need be.

        Raises
        ------
        Later
            The server cannot be reached, or does not let us in.
        """
        if self._catalog is None:
            try:
                self._catalog = self._connect()
            except Later as error:  # whatever it is, all runs have to wait for it
                raise Later(error.cause, error.remedy, after=error.after) from None
            except Exception as error:
                raise self._unreachable(error) from error
        return self._catalog

    def __str__(self) -> str:
        """Name the server."""
        return str(self._place)

    def drop(self) -> None:
        """Connect anew next time."""
        self._catalog = None

    def _connect(self) -> Any:
        import httpx
        from tiled.client.constructors import from_context

        self._probe()
        context, parts = self._context()
        context.http_client.send = self._guarded(context.http_client.send)
        self._authenticate(context)
        parts += [part for part in self._settings.path.split("/") if part]
        try:
            return from_context(context, node_path_parts=parts)
        except (httpx.HTTPStatusError, KeyError) as error:
            where = f"{self._place} has no catalog {'/'.join(parts)!r} for us"
            raise Later(
                f"{where}: {error}", "make the catalog on the server, or set another PATH"
            ) from None

    def _probe(self) -> None:
        """Knock once, as tiled itself would go on knocking for most of a minute."""
        import httpx

        knock = self._guarded(httpx.get)
        options = {key: self._place.options.get(key, default) for key, default in _OF_KNOCK}
        knock(self._place.uri, timeout=self._settings.timeout, **options)

    def _context(self) -> tuple[Any, list[str]]:
        import httpx
        from tiled.client.context import Context

        context, parts = Context.from_any_uri(
            self._place.uri,
            **self._place.options,
            timeout=httpx.Timeout(self._settings.timeout),
            show_progress=False,
        )
        # Between two batches the server may close a connection that is kept: each takes its own
        context.http_client.headers["connection"] = "close"
        return context, list(parts)

    def _authenticate(self, context: Any) -> None:
        """Use the key or the login that is there; tiled would ask on the terminal."""
        has_providers = bool(context.server_info.authentication.providers)
        if context.authenticated or (has_providers and context.use_cached_tokens()):
            return
        raise Later(f"there is no key for {self._place}", _LOGIN.format(uri=self._place))

    def _guarded(self, send: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap what sends a request.

        tiled sends a request again that may have been done, and TiledWriter an append, which
        would double rows. With us a request that failed ends the attempt, and the next one
        begins with an empty run.
        """
        import httpx
        from tiled.client.auth import CannotRefreshAuthentication

        def guarded(*request: Any, **options: Any) -> Any:
            try:
                response = send(*request, **options)
            except (httpx.TransportError, httpx.TooManyRedirects) as error:
                raise self._unreachable(error) from None
            except CannotRefreshAuthentication as error:
                login = _LOGIN.format(uri=self._place)
                raise Later(f"the login is over: {error}", login) from None
            self._check(response)
            return response

        return guarded

    def _check(self, response: Any) -> None:
        """Raise for what ends the attempt; other answers are for tiled to read."""
        status = response.status_code
        told = f"{self._place} answers {status} {response.reason_phrase}"
        has_sign = _SIGN in response.headers
        self._signs = self._signs or has_sign
        if response.is_success and self._signs and not has_sign:
            raise Later(f"{told}, but that is not the server: its sign is missing", _IMPOSTOR)
        if status in _GONE:
            raise Later(told, "look whether the server runs")
        if status == 429:
            raise Later(told, "wait: the server is busy", after=_seconds(response))
        if status == 401:
            raise Later(told, _LOGIN.format(uri=self._place))
        if status == 403:
            method = response.request.method
            remedy = "have the key's owner allowed to write there (scopes create, write:metadata, "
            remedy += "write:data, delete:revision and delete:node)"
            raise Later(f"{told} to {method}", remedy, only_this=True)
        if status >= 500:
            raise ServerFault(f"{told} to {response.request.method} {response.request.url.path}")

    def _unreachable(self, error: Exception) -> Later:
        words = str(error) or type(error).__name__
        return Later(
            f"{self._place} cannot be reached: {words}",
            "look whether the server runs, and whether URI is right",
        )


def _seconds(response: Any) -> float:
    try:
        return float(response.headers.get("Retry-After", 0.0))
    except ValueError:  # a date
        return 0.0


def refusal(error: Exception) -> Refused:
    """Put into words what cannot ever be delivered."""
    words = " ".join(str(error).split())
    name = "" if isinstance(error, ServerFault) else f"{type(error).__name__}: "
    return Refused(
        f"{name}{words[:300]}",
        "the run is whole in its journal: bluescribe export reads it; report this, please",
    )
