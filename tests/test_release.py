"""What a release is made of: notes, description, recipe, workflows; and the picture in README."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import bluescribe
import bootstrap
from release.notes import NoNotesError, check_tag, notes_of

TOP = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((TOP / ".github" / "workflows").glob("*.yml"))
PYPROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())
CHANGELOG = (TOP / "CHANGELOG.md").read_text()
NEEDS_GITHUB = ("gh release create",)
"""Commands that ask something of GitHub: no dry run is possible without it."""
ONLY_THERE = {"demo": "tests/test_demo.py", "test": "tests"}
"""Verbs that .ci/run plays under another name."""


def steps(path: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


# --- notes ----------------------------------------------------------------------------------------

SAMPLE = """\
# Changelog

## [Unreleased]

## [1.1.0] - 2027-01-02

### Added

- b

## [1.0.0]

- a
"""


def test_notes_are_the_section_of_the_version():
    assert notes_of("1.1.0", SAMPLE) == "### Added\n\n- b"
    assert notes_of("1.0.0", SAMPLE) == "- a"


@pytest.mark.parametrize("version", ["Unreleased", "1.1", "1x1.0", "2.0.0"])
def test_a_version_without_notes_is_refused(version):
    with pytest.raises(NoNotesError):
        notes_of(version, SAMPLE)


def test_this_version_may_be_released():
    package = (TOP / "src" / "bluescribe" / "__init__.py").read_text()
    check_tag(f"v{bluescribe.__version__}", package, CHANGELOG)
    with pytest.raises(NoNotesError, match=r"the tag is v9\.9\.9"):
        check_tag("v9.9.9", package, CHANGELOG)


def test_the_script_writes_what_a_release_shows(tmp_path):
    script = [sys.executable, str(TOP / "release" / "notes.py")]
    out = tmp_path / "notes.md"
    tag = f"v{bluescribe.__version__}"
    subprocess.run([*script, "--out", str(out), tag], check=True)
    assert out.read_text().strip() == notes_of(bluescribe.__version__, CHANGELOG)
    assert subprocess.run([*script, "v9.9.9"], check=False, capture_output=True).returncode == 1


def test_all_that_names_the_version_names_the_same():
    version = bluescribe.__version__
    citation = yaml.safe_load((TOP / "CITATION.cff").read_text())
    assert citation["version"] == version
    assert f"## [{version}] - {citation['date-released']}\n" in CHANGELOG
    recipe = (TOP / "packaging" / "conda" / "meta.yaml").read_text()
    assert f'{{% set version = "{version}" %}}' in recipe


# --- the conda recipe -----------------------------------------------------------------------------


def test_the_recipe_wants_what_the_package_wants():
    recipe = (TOP / "packaging" / "conda" / "meta.yaml").read_text()
    run = recipe.partition("  run:\n")[2].partition("\ntest:")[0]
    found = {line.strip("- ").replace(" ", "") for line in run.splitlines() if "- " in line}
    project = PYPROJECT["project"]
    assert found == {*project["dependencies"], "python>={{python_min}}"}
    oldest = re.search(r'python_min = "(.+)"', recipe)
    assert oldest is not None
    assert project["requires-python"] == f">={oldest[1]}"


def test_every_dependency_of_users_has_an_oldest_version():
    extras = PYPROJECT["project"]["optional-dependencies"]
    of_testers = {*("all", "bits", "dev", "docs", "peers", "release", "test", "testing", "viewers")}
    of_users = extras.keys() - of_testers
    named = PYPROJECT["project"]["dependencies"] + [w for extra in of_users for w in extras[extra]]
    assert not [wanted for wanted in named if ">=" not in wanted]


# --- workflows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path):
    for line in path.read_text().splitlines():
        if "uses:" in line:
            assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_commands_are_those_of_ci(path):
    """Each command is a verb of bootstrap.py, which .ci/run plays too, or .ci's own."""
    ci = (TOP / ".ci" / "run").read_text()
    for step in steps(path):
        command = step.get("run", "")
        if not command or command.startswith(NEEDS_GITHUB):
            continue
        words = shlex.split(command.removeprefix("sudo "))
        if words[0].startswith(".ci/"):
            assert (TOP / words[0]).stat().st_mode & stat.S_IXUSR, command
            continue
        assert words[:2] == ["python3", "bootstrap.py"], command
        assert words[2] in bootstrap.VERBS, command
        played = re.search(rf"\b{words[2]}\b", ci) or (TOP / ONLY_THERE.get(words[2], "-")).exists()
        assert played, f".ci/run does not play {words[2]}"


def test_no_workflow_may_write_more_than_it_has_to():
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}, path


def test_the_matrix_has_every_python_that_the_package_names():
    classifiers = " ".join(PYPROJECT["project"]["classifiers"])
    named = set(re.findall(r"Python :: (3\.\d+)", classifiers))
    jobs = yaml.safe_load((TOP / ".github" / "workflows" / "tests.yml").read_text())["jobs"]
    assert named == {"3.11", *jobs["linux"]["strategy"]["matrix"]["python"]}
    assert jobs["elsewhere"]["continue-on-error"] is True


def test_hooks_check_what_ci_checks():
    config = yaml.safe_load((TOP / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    verbs = {hook["entry"].removeprefix("python3 bootstrap.py ") for hook in hooks}
    checked = {command[2] for command in bootstrap.check([]) if command[:2] == ["python", "-m"]}
    assert verbs == {"lint", "types", "imports", "docs"}
    assert checked == {"ruff", "mypy", "sphinx"}


def test_forms_ask_for_what_helps():
    form = yaml.safe_load((TOP / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text())
    asked = {item["id"] for item in form["body"]}
    assert {"versions", "iconfig", "log", "input"} <= asked
    text = form["body"][1]["attributes"]["description"]
    command = re.search(r"`python -c \"(.+)\"`", text)
    assert command is not None
    told = subprocess.run(
        [sys.executable, "-c", command[1]], capture_output=True, text=True, check=True
    )
    assert f"bluescribe {bluescribe.__version__}" in told.stdout


# --- the picture ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def growing(tmp_path_factory):
    """Return what was measured, and the picture, of a short scan."""
    folder = tmp_path_factory.mktemp("growing")
    samples, picture = folder / "samples.json", folder / "growing.png"
    draw(samples, picture, "--points", "25")
    return samples, picture


def draw(samples: Path, picture: Path, *options: str) -> None:
    script = TOP / "docs" / "images" / "growing.py"
    command = [sys.executable, str(script), "--samples", str(samples), "--out", str(picture)]
    environment = os.environ | {"PYTHONPATH": str(TOP / "src")}
    subprocess.run([*command, *options], check=True, timeout=200, env=environment)


@pytest.mark.ci
def test_files_grow_while_the_scan_runs(growing):
    samples = json.loads(growing[0].read_text())
    ends = samples["measured"][-1]
    for kind in ("spec", "nexus", "csv", "jsonl"):
        found = [(one["time"], one["points"]) for one in samples["looks"] if one["format"] == kind]
        numbers = [points for _, points in found]
        assert numbers == sorted(numbers), kind
        assert numbers[-1] == 25
        assert any(0 < points < 25 for when, points in found if when < ends), kind


@pytest.mark.ci
def test_the_same_samples_give_the_same_picture(growing, tmp_path):
    samples, picture = growing
    draw(samples, tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == picture.read_bytes()
    assert picture.stat().st_size < 100_000
