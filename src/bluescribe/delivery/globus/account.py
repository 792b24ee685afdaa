"""Who talks to Globus: a service account from the environment, or a login that is stored."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from ...extras import import_extra
from ..trouble import Later

if TYPE_CHECKING:
    import globus_sdk

__all__ = ["Account"]

_Client = TypeVar("_Client", bound="globus_sdk.BaseClient")

_PARTS = ("ClientApp", "UserApp", "TransferClient", "TransferData")
_APP_NAME = "bluescribe"
_HTTP_SECONDS = 30.0
_NO_CLIENT = (
    "set GLOBUS_CLIENT_ID and GLOBUS_CLIENT_SECRET of a service account in the environment of this "
    "session; or set GLOBUS_CLIENT_ID alone and say, once: bluescribe globus login"
)
_BROKEN = (
    "check GLOBUS_CLIENT_ID and GLOBUS_CLIENT_SECRET; without a secret, log in again: bluescribe "
    "globus login"
)


class Account:
    """Make the client that talks to Globus; nobody is ever asked anything but by `login`.

    Parameters
    ----------
    collections
        Those whose data_access is needed.

    Raises
    ------
    MissingExtraError
        globus-sdk is not installed.
    """

    def __init__(self, collections: Sequence[UUID] = ()) -> None:
        self._sdk: Any = import_extra("globus_sdk", "globus", "GLOBUS")
        import_extra("requests", "globus", "GLOBUS")
        for name in _PARTS:  # the SDK imports what is asked for: now, and not in mid-scan
            getattr(self._sdk, name)
        self._collections = list(collections)
        self._client: globus_sdk.TransferClient | None = None

    def client(self) -> globus_sdk.TransferClient:
        """Return the client, made at the first call.

        Raises
        ------
        Later
            The environment names no account, or the stored login cannot be read.
        GlobusError
            There is no stored login, or Globus does not accept it.
        """
        if self._client is None:
            try:
                client = self._connect(app := self._app())
                app.get_authorizer(client.resource_server)
            except (self._sdk.GlobusSDKUsageError, OSError, ValueError, KeyError) as error:
                cause = f"the login for Globus cannot be used: {type(error).__name__}: {error}"
                raise Later(cause, _BROKEN) from error
            self._client = client
        return self._client

    def forget(self) -> None:
        """Look at the environment and the stored login again at the next call."""
        self._client = None

    def login(self) -> None:
        """Have a person log in at the terminal; the login is kept for later sessions.

        Raises
        ------
        Later
            The environment names no application.
        GlobusError
            Globus does not accept it.
        """
        app = self._app()
        client = self._connect(app)  # it tells the app what to ask for
        if isinstance(app, self._sdk.UserApp):
            app.login(force=True)
        client.get_submission_id()  # whether it can be used

    def _app(self) -> Any:
        number, secret = (os.environ.get(f"GLOBUS_CLIENT_{part}") for part in ("ID", "SECRET"))
        if not number:
            raise Later("there are no credentials for Globus", _NO_CLIENT)
        sdk = self._sdk
        config = sdk.GlobusAppConfig(
            token_storage="memory" if secret else "json",
            request_refresh_tokens=not secret,
            token_validation_error_handler=None,  # it would ask for a login in mid-scan
        )
        if secret:
            confidential = _brief(sdk.ConfidentialAppAuthClient(number, secret))
            return sdk.ClientApp(_APP_NAME, login_client=confidential, config=config)
        native = _brief(sdk.NativeAppAuthClient(number, app_name=_APP_NAME))
        return sdk.UserApp(_APP_NAME, login_client=native, config=config)

    def _connect(self, app: Any) -> globus_sdk.TransferClient:
        client: globus_sdk.TransferClient = self._sdk.TransferClient(app=app)
        if self._collections:
            client.add_app_data_access_scope(self._collections)
        return _brief(client)


def _brief(client: _Client) -> _Client:
    """Have a client try twice only, as after a token that has expired: the outbox has pauses."""
    client.transport.http_timeout = _HTTP_SECONDS
    client.retry_config.max_retries = 1
    client.retry_config.max_sleep = 1
    return client
