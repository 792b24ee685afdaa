"""The settings of TILED, its extra and its key."""

from __future__ import annotations

import sys

import pytest

import bluescribe
from bluescribe.errors import ConfigError
from bluescribe.subscribe import subscribe_writers
from tests.system.delivery.tiled.runs import a_run, block, eventually, play

# tiled's clients leave their sockets to the collector, and its server's storage warns
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"URI": "http://here?api_key=abcdef"}, "TILED_API_KEY"),
        ({"URI": "http://me:abcdef@here"}, "TILED_API_KEY"),
        ({"URI": "http://here", "API_KEY": "abcdef"}, "TILED_API_KEY"),
        ({"URI": "here"}, "a URL is needed"),
        ({}, "needed: Where the server is"),
    ],
)
def test_a_wrong_block_is_told(RE, said, words):
    with pytest.raises(ConfigError) as caught:
        subscribe_writers(RE, {"TILED": {"ENABLE": True, **said}})
    assert words in str(caught.value)
    assert "TILED" in str(caught.value)
    assert "abcdef" not in str(caught.value)


def test_a_missing_extra_is_told_when_it_is_switched_on(RE, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "bluesky_tiled_plugins.writing.tiled_writer", None)
    with pytest.raises(bluescribe.BluescribeError, match=r"pip install 'bluescribe\[tiled\]'"):
        subscribe_writers(RE, block(tmp_path, "http://127.0.0.1:1"))


def test_nobody_is_asked_for_a_key(shared_server, deliver, monkeypatch):
    monkeypatch.delenv("TILED_API_KEY")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked on the terminal"))
    delivery = deliver(shared_server.url)
    play(delivery, a_run([1.0]))
    eventually(lambda: "there is no key" in delivery.status().trouble)
