"""What a package index shows: README and changes, with links that lead somewhere."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("hatchling", reason="hatchling builds releases: .venv-release has it")

from release import metadata

HOME = "https://host.example/owner/bluescribe"
ON_GITHUB = {"GITHUB_SERVER_URL": "https://host.example", "GITHUB_REPOSITORY": "owner/bluescribe"}


def test_addresses_are_those_of_the_repository_that_builds():
    assert metadata.home_page(ON_GITHUB) == HOME
    assert metadata.home_page({}) == ""
    assert metadata.urls("") == {}
    assert metadata.urls(HOME)["Changelog"].startswith(HOME)


def test_links_are_whole():
    text = metadata.description(metadata.TOP, "0.1.0", HOME)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert links
    assert all(link.startswith(("https://", "#")) for link in links)
    assert f"]({HOME}/raw/v0.1.0/docs/images/growing.png)" in text
    assert "# Changes in 0.1.0" in text


def test_between_releases_there_are_no_changes():
    assert "# Changes in" not in metadata.description(metadata.TOP, "0.2.0.dev1", "")
