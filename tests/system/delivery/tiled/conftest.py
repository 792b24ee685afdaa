"""Servers that runs are delivered to, and deliveries."""

from __future__ import annotations

import gc
import warnings

import pytest
from bluesky import RunEngine

from bluescribe.delivery.tiled import TiledDelivery
from tests.tiled_server import Between, TiledServer


@pytest.fixture(scope="module", autouse=True)
def _key():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TILED_API_KEY", "secret")
        yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


@pytest.fixture(scope="session")
def _server_of_all(tmp_path_factory):
    from tests.system.delivery.tiled.runs import CORPUS, make_catalog

    server = TiledServer(
        tmp_path_factory.mktemp("tiled") / "server", tmp_path_factory.getbasetemp(), CORPUS
    )
    server.start()
    make_catalog(server)
    yield server
    server.stop()


@pytest.fixture
def shared_server(_server_of_all):
    """Return a server that all tests share; where one has brought it down, the next begins it."""
    _server_of_all.ensure()
    return _server_of_all


@pytest.fixture
def own_server(tmp_path):
    """Return a server that a test may kill; it is not started."""
    server = TiledServer(tmp_path / "server", tmp_path)
    yield server
    server.stop()


@pytest.fixture
def between(shared_server):
    between = Between(shared_server.port)
    yield between
    between.stop()


@pytest.fixture
def deliver(tmp_path):
    """Return what makes a delivery with an outbox of its own; all end with the test."""
    made = []

    def make(url, outbox="outbox", **settings):
        delivery = TiledDelivery(
            **{"uri": url, "path": "raw", "outbox": tmp_path / outbox, "interval": 0.2, **settings}
        )
        made.append(delivery)
        delivery.follow([])
        return delivery

    yield make
    for delivery in made:
        delivery.writer.close()
        delivery.close(5.0)


@pytest.fixture
def RE():
    return RunEngine({}, context_managers=[])
