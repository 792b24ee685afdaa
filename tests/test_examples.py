"""The examples and iconfig.yml, used as a reader would use them."""

import itertools
import os
import re
import shutil
import sys
from pathlib import Path

import h5py
import pandas
import pytest
import yaml
from spec2nexus.spec import SpecDataFile

from bluescribe.config.config import read_iconfig
from bluescribe.config.session import SessionSettings
from bluescribe.contract.settings import WriterSettings
from bluescribe.delivery import delivery_names, load_delivery
from bluescribe.formats import load_format
from bluescribe.spool import SpoolSettings
from tests import warm

TOP = Path(__file__).resolve().parent.parent
EXAMPLES = TOP / "examples"
ICONFIG = TOP / "iconfig.yml"
REFERENCE = TOP / "docs" / "reference" / "iconfig.md"
FORMATS = ("jsonl", "spec", "nexus", "csv")


def run(*args, cwd, **options):
    done = warm.run(
        [sys.executable, *map(str, args)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def keys(settings):
    return {name.upper() for name in settings.model_fields}


# --- iconfig.yml ----------------------------------------------------------------------------------


@pytest.fixture
def iconfig():
    return yaml.safe_load(ICONFIG.read_text())


def test_iconfig_switches_on_four_formats_into_one_folder():
    configs = read_iconfig(ICONFIG).writers
    assert {config.name for config in configs} == set(FORMATS)
    assert {str(config.settings.directory) for config in configs} == {"data"}


def test_iconfig_has_every_shared_setting(iconfig):
    # A format's ending is its own: each block has it.
    assert set(iconfig["DATA_FILES"]) == (
        keys(WriterSettings) | keys(SpoolSettings) | keys(SessionSettings)
    ) - {"FILE_EXTENSION"}


@pytest.mark.parametrize("name", FORMATS)
def test_iconfig_has_every_setting_of_a_format(iconfig, name):
    own = keys(load_format(name).settings_class) - keys(WriterSettings)
    assert set(iconfig[f"{name.upper()}_DATA_FILES"]) == {"ENABLE", "FILE_EXTENSION", *own}


@pytest.mark.parametrize("config", read_iconfig(ICONFIG).writers, ids=lambda config: config.name)
def test_iconfig_has_the_defaults(config):
    ours = config.settings.model_dump(exclude={"directory"})
    assert ours == type(config.settings)().model_dump(exclude={"directory"})


@pytest.mark.parametrize("name", delivery_names())
def test_iconfig_and_the_reference_have_every_setting_of_a_delivery(iconfig, name):
    settings = load_delivery(name).settings_class
    block = iconfig[name.upper()]
    assert block.pop("ENABLE") is False
    assert set(block) == keys(settings)
    for key, info in settings.model_fields.items():
        assert info.is_required() or block[key.upper()] == info.default
        assert f"\n| `{key.upper()}` | " in REFERENCE.read_text()


def test_iconfig_explains_every_key():
    lines = [line.strip() for line in ICONFIG.read_text().splitlines() if line.strip()]
    for above, line in itertools.pairwise(lines):
        if not line.startswith(("#", "ENABLE:")):
            assert above.startswith("#"), f"no comment above {line}"


# --- scripts --------------------------------------------------------------------------------------


def test_one_writer(tmp_path):
    text = run(EXAMPLES / "one_writer.py", cwd=tmp_path)
    (path,) = tmp_path.glob("data/*.hdf")
    assert text == f"written: {path}\n"
    with h5py.File(path) as file:
        assert len(file["/entry/data/det"]) == 21


def test_always_on(tmp_path):
    text = run(EXAMPLES / "always_on.py", cwd=tmp_path)
    assert text.count(": success\n") == 2
    *_, line = [line.split() for line in text.splitlines() if line.startswith("jsonl ")]
    assert line[:5] == ["jsonl", "on", "2", "8", "0"]
    assert text.endswith("0 runs are incomplete\n")
    assert len(list(tmp_path.glob("log/*/*/S*.jsonl"))) == 2
    assert (tmp_path / "bluescribe.log").read_text() == ""


# --- IPython --------------------------------------------------------------------------------------

CONSOLE = """\
RE(bp.scan([det], motor, -1, 1, 5))
writers.status()
writers.spec?
exit
"""


def test_ipython_startup(tmp_path):
    profile = tmp_path / "profile_bluesky"
    startup = profile / "startup"
    startup.mkdir(parents=True)
    shutil.copy(EXAMPLES / "ipython_startup" / "00-bluesky.py", startup)
    shutil.copy(ICONFIG, startup)
    session = tmp_path / "session"
    session.mkdir()
    options = ["--simple-prompt", "--no-banner", f"--profile-dir={profile}"]
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path / "ipython"), "NO_COLOR": "1"}
    text = run("-m", "IPython", *options, cwd=session, input=CONSOLE, env=environment)
    assert "Every run is written: " in text
    for name in FORMATS:
        assert re.search(rf"{name} +on +1 +7 +0  /", text)
    assert "Append every run, as a scan, to the SPEC file of the session." in text
    (table,) = session.glob("data/*-primary.csv")
    assert list(pandas.read_csv(table)["motor"]) == [-1.0, -0.5, 0.0, 0.5, 1.0]


# --- the instrument package -----------------------------------------------------------------------

SESSION = """\
from instrument.startup import *

RE(find_peak(num=7))
print("SPEC file:", newSpecFile("steel sample"))
RE(take_darks())
print(writers.status())
"""


def test_instrument(tmp_path):
    paths = [str(EXAMPLES), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    text = run("-c", SESSION, cwd=tmp_path, env=environment)
    data = tmp_path / "data"
    (path,) = data.glob("[01]*_steel_sample.dat")
    assert f"SPEC file: {path}" in text
    assert SpecDataFile(str(path)).getScanNumbers() == ["2"]
    (session_file,) = data.glob("20*-*.dat")
    assert len(SpecDataFile(str(session_file)).getScan("1").data["diode"]) == 7
    (path,) = data.glob("*-S00001-*.hdf")
    with h5py.File(path) as file:
        metadata = file["/entry/instrument/bluesky/metadata"]
        assert metadata["purpose"][()] == b"peak"
        assert metadata["beamline_id"][()] == b"simulated"
    assert len(list(data.glob("*.jsonl"))) == 2
    assert not list(data.glob("*.csv"))
