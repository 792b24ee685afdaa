"""Whoever may make names in a data folder cannot have other files of its writer overwritten."""

from __future__ import annotations

import pytest

from bluescribe.testing.shapes.engine import recording
from tests.contracts import CONTRACTS
from tests.core.scanning import PATIENCE
from tests.system.test_moving import check, points, session

PRECIOUS = "precious"


def predictable(path):
    """Return names that a writer might use for what it writes anew beside a file."""
    for ending in (".part", ".tmp", ".lock", ".recovering", ".damaged", "~"):
        yield path.with_name(f".{path.name}{ending}")
        yield path.with_name(f"{path.name}{ending}")
        yield path.with_name(f"{path.stem}{ending}")


@pytest.fixture
def victim(tmp_path):
    victim = tmp_path / "victim.txt"
    victim.write_text(PRECIOUS)
    yield victim
    assert victim.read_text() == PRECIOUS


def test_links_that_are_planted_beside_the_files_of_a_run(tmp_path, victim):
    folder = tmp_path / "data"
    with session(folder) as (engine, writers, documents):

        def plant():
            assert writers.flush(PATIENCE)
            for path in list(folder.iterdir()):
                late = folder / f"{path.name.split('.')[0]}-late.csv"  # a file that is made later
                for name in {*predictable(path), late}:
                    if not name.is_symlink():
                        name.symlink_to(victim)

        engine(points(2, plant))
        for path in list(folder.iterdir()):
            if path.is_symlink():
                path.unlink()
        check(folder, writers, documents)


def test_a_file_that_a_link_took_the_place_of_is_told(tmp_path, victim):
    """The folder is everybody's: a file that is opened again may be a link by now."""
    folder = tmp_path / "data"
    with session(folder, RETRY_SECONDS=0.2) as (engine, writers, _):

        def replace():
            assert writers.flush(PATIENCE)
            for path in list(folder.iterdir()):
                path.unlink()
                path.symlink_to(victim)

        engine(points(2, replace))
        for name, status in writers.status().items():
            # TIFF's list, all that it has here, is written anew in the place of the link
            assert len(status.late) == (name != "tiff"), status


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_file_of_the_users_that_is_called_like_a_part_stays(name, tmp_path):
    endings = (".json", ".csv", ".datapackage.json", ".hdf", ".h5", ".dat", ".tiff.json", ".jsonl")
    mine = [tmp_path / f"{dot}run{ending}.part" for ending in endings for dot in ("", ".")]
    for path in mine:
        path.write_text(PRECIOUS)
    contract = CONTRACTS[name]()
    with (
        recording() as (engine, documents),
        contract.make(tmp_path, **contract.named("run")) as writer,
    ):
        engine.subscribe(writer.receiver)
        engine(points(None, None))
    contract.check_runs(contract.read_back(tmp_path), documents)
    assert all(path.read_text() == PRECIOUS for path in mine)
