"""A tiled server on loopback, one for all tests: it takes seconds to start."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import time
import warnings

import pytest

CONFIG = """
authentication: {single_user_api_key: secret, allow_anonymous_access: false}
media_types:
  BlueskyRun:
    application/json-seq: bluesky_tiled_plugins.exporters:json_seq_exporter
trees:
  - path: /
    tree: catalog
    args:
      uri: "sqlite:///FOLDER/catalog.db"
      writable_storage: ["file://localhostFOLDER/data", "duckdb:///FOLDER/data.duckdb"]
      readable_storage: ["EXTERNAL"]
      init_if_not_exists: true
"""


@pytest.fixture(scope="session")
def tiled_server(tmp_path_factory):
    """Serve an empty catalog and return where it is."""
    pytest.importorskip("tiled.server.app")
    pytest.importorskip("bluesky_tiled_plugins")
    folder = tmp_path_factory.mktemp("tiled")
    (folder / "data").mkdir()
    config = folder / "config.yml"
    text = CONFIG.replace("FOLDER", str(folder))
    config.write_text(text.replace("EXTERNAL", f"file://localhost{tmp_path_factory.getbasetemp()}"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["-m", "tiled", "serve", "config", str(config), "--host", "127.0.0.1"]
    server = subprocess.Popen(
        [sys.executable, *command, "--port", str(port)],
        stdout=(folder / "log").open("wb"),
        stderr=subprocess.STDOUT,
        env={**os.environ},
    )
    try:
        wait_for(port, server, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)
        collect_sockets()


def collect_sockets():
    """Let go of the connections that tiled's clients leave to the collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


def wait_for(port, server, log):
    deadline = time.monotonic() + 120
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as door:
            if door.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture
def tiled_url(tiled_server, monkeypatch):
    """Return the URL of the server, which this process has the key to."""
    monkeypatch.setenv("TILED_API_KEY", "secret")
    # what the server refuses, it refuses at once; a client would ask ten times
    monkeypatch.setattr("tiled.client.utils.TILED_RETRY_ATTEMPTS", 1)
    yield tiled_server
    collect_sockets()
