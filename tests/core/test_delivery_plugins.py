"""A delivery is found as a format is: ours by its folder, one of others by its entry point."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bluesky import RunEngine

from bluescribe import subscribe_writers
from bluescribe.config.config import read_iconfig
from bluescribe.delivery import delivery_names, load_delivery
from bluescribe.errors import ConfigError, UnknownDeliveryError
from tests import copies_delivery
from tests.core.baskets import wait
from tests.core.scanning import scan
from tests.installed import install

GROUP = "bluescribe.deliveries"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on the path of Python, with the file in it."""
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(copies_delivery.__file__, folder)
    yield folder
    sys.modules.pop("copies_delivery", None)


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch, site: Path) -> None:
    install(monkeypatch, site, GROUP, copies="copies_delivery:CopiesDelivery")


@pytest.mark.usefixtures("_installed")
def test_its_block_switches_it_on_with_a_key_of_its_own(engine: RunEngine, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "iconfig.yml").write_text(
        f"DATA_FILES:\n  FILE_NAME: run\n  DIRECTORY: {tmp_path / 'data'}\n"
        "CSV_DATA_FILES:\n  ENABLE: true\n"
        f"COPIES:\n  ENABLE: true\n  OUTBOX: {tmp_path / 'outbox'}\n"
        f"  TARGET: {tmp_path / 'target'}\n"
    )
    with subscribe_writers(engine, tmp_path / "iconfig.yml") as writers:
        engine(scan(3))
        wait(lambda: writers.copies.status().delivered == 1)
        assert "copies: 1 run delivered" in str(writers.status())
    names = sorted(path.name for path in (tmp_path / "data").iterdir())
    assert sorted(path.name for path in (tmp_path / "target").iterdir()) == names


@pytest.mark.usefixtures("_installed")
def test_a_mistake_in_its_block_is_told_with_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"COPIES\.TARGE: unknown key; did you mean TARGET\?"):
        read_iconfig({"COPIES": {"ENABLE": True, "TARGE": str(tmp_path)}})


@pytest.mark.usefixtures("_installed")
def test_it_stands_behind_ours() -> None:
    assert delivery_names() == ["globus", "tiled", "copies"]
    assert load_delivery("copies").__module__ == "copies_delivery"


def test_each_of_ours_says_which_it_is() -> None:
    for name in ("globus", "tiled"):
        assert load_delivery(name).name == name


def test_an_unknown_one_is_refused_with_what_there_is() -> None:
    with pytest.raises(UnknownDeliveryError, match=r"'tild'; did you mean 'tiled'\? Installed are"):
        load_delivery("tild")


def test_a_folder_without_a_delivery_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("bluescribe.delivery.tiled.DELIVERY")
    with pytest.raises(UnknownDeliveryError, match="its DELIVERY is no subclass of Delivery"):
        load_delivery("tiled")


NONE = {
    "copies_delivery:NO_DELIVERY": "is no subclass of Delivery: found <object object",
    "copies_delivery:Missing": "cannot be imported: AttributeError: module 'copies_delivery' has",
    "copies_delivry:X": "cannot be imported: ModuleNotFoundError: No module named 'copies_delivry'",
    "copies_delivery:Nameless": "has name = 'copies': it has to be 'mine'",
}


@pytest.mark.parametrize("named", NONE)
def test_what_is_no_delivery_is_told_where_it_is_wanted(
    named: str, monkeypatch: pytest.MonkeyPatch, site: Path
) -> None:
    install(monkeypatch, site, GROUP, mine=named)
    words = (
        f"the delivery 'mine' is not there: {named}, which the package others 1.2 names in the "
        f"entry-point group {GROUP}, {NONE[named]}"
    )
    with pytest.raises(UnknownDeliveryError) as caught:
        load_delivery("mine")
    assert str(caught.value).startswith(words)
    assert str(caught.value).endswith("Mend that package or remove it")
    block = {"CSV_DATA_FILES": {"ENABLE": True}, "MINE": {"ENABLE": True}}
    with pytest.raises(ConfigError) as told:
        read_iconfig(block)
    assert str(told.value).count(words) == 1
    block["MINE"]["ENABLE"] = False
    assert [config.name for config in read_iconfig(block).writers] == ["csv"]


def test_one_that_cannot_deliver_is_told(monkeypatch: pytest.MonkeyPatch, site: Path) -> None:
    install(monkeypatch, site, GROUP, unfinished="copies_delivery:Unfinished")
    with pytest.raises(UnknownDeliveryError, match="lacks deliver"):
        load_delivery("unfinished")
