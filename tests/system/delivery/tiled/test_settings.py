"""The settings of TILED, its extra and its key."""

from __future__ import annotations

import json
import re
import sys

import pytest

import bluescribe
from bluescribe.errors import ConfigError
from bluescribe.session.subscribe import subscribe_writers
from tests.system.delivery.tiled.runs import a_run, block, eventually, plan_of, play, rows
from tests.tiled_server import free_port

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
        ({"URI": None, "PROFILE": None}, "or a PROFILE of tiled"),
        ({"URI": "http://here", "PROFILE": "here"}, "TILED.PROFILE: found 'here'; there is a URI"),
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


@pytest.fixture
def profiles(monkeypatch, tmp_path):
    """Return what makes profiles of tiled, as files in a folder that it knows."""
    from tiled.profiles import load_profiles

    folder = tmp_path / "profiles"
    folder.mkdir()
    monkeypatch.setattr("tiled.profiles.paths", [folder])
    load_profiles.cache_clear()

    def write(**content):
        (folder / "ours.yml").write_text(json.dumps(content))

    yield write
    load_profiles.cache_clear()


def test_a_profile_tells_where_the_server_is(shared_server, RE, tmp_path, profiles, caplog):
    profiles(beamline={"uri": f"{shared_server.url}/", "verify": False, "headers": {"x-by": "us"}})
    said = block(tmp_path, None, PROFILE="beamline")
    with subscribe_writers(RE, said) as writers:
        (uid,) = RE(plan_of(3))
        eventually(lambda: writers.tiled.status().delivered == 1)
    assert rows(shared_server, uid) == [1, 2, 3]
    assert not caplog.text


def test_messages_show_no_secret_of_a_profile(RE, tmp_path, profiles, caplog):
    uri = f"http://me:hunter2@127.0.0.1:{free_port()}/?api_key=hunter2"
    profiles(beamline={"uri": uri, "headers": {"Authorization": "hunter2"}})
    with subscribe_writers(RE, block(tmp_path, None, PROFILE="beamline")) as writers:
        RE(plan_of(1))
        eventually(lambda: "cannot be reached" in writers.tiled.status().trouble)
    assert "http://127.0.0.1:" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_profile_that_cannot_be_used_is_told(RE, tmp_path, profiles):
    profiles(one={"uri": "http://here"}, other={"direct": {"trees": []}})
    for name, words in (("anothr", "there are: one, other (tiled pro"), ("other", "with a uri")):
        with pytest.raises(ConfigError, match=re.escape(words)) as caught:
            subscribe_writers(RE, block(tmp_path, None, PROFILE=name))
        assert str(caught.value).startswith(f"TILED: PROFILE = '{name}': ")
