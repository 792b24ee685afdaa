"""A tiled server on loopback, one for all tests: it takes seconds to start."""

from __future__ import annotations

import gc
import warnings

import pytest

from tests.tiled_server import TiledServer


@pytest.fixture(scope="session")
def tiled_server(tmp_path_factory):
    """Serve an empty catalog and return where it is."""
    pytest.importorskip("tiled.server.app")
    pytest.importorskip("bluesky_tiled_plugins")
    folder = tmp_path_factory.mktemp("tiled") / "server"
    server = TiledServer(folder, tmp_path_factory.getbasetemp())
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
        collect_sockets()


def collect_sockets():
    """Let go of the connections that tiled's clients leave to the collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


@pytest.fixture
def tiled_url(tiled_server, monkeypatch):
    """Return the URL of the server, which this process has the key to."""
    monkeypatch.setenv("TILED_API_KEY", "secret")
    # what the server refuses, it refuses at once; a client would ask ten times
    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_ATTEMPTS", 1)
    yield tiled_server
    collect_sockets()
