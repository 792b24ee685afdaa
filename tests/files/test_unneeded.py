"""What nobody needs is removed; a refusal is tried again, and told of once a folder."""

from __future__ import annotations

import threading
import time

from bluescribe.files import Place
from bluescribe.files.unneeded import remove_unneeded
from tests.core.scanning import told


def stuck(folder, name):
    """Return a place whose removal the system refuses: something else has the name."""
    (folder / name).mkdir()
    return Place.at(folder / name)


def test_a_file_that_is_gone_is_not_told_of(tmp_path, caplog):
    (tmp_path / "a.part").touch()
    for _ in range(2):
        remove_unneeded(Place.at(tmp_path / "a.part"))
    assert [*tmp_path.iterdir()] == []
    assert told(caplog) == []


def test_what_stays_is_told_of_once_a_folder(tmp_path, caplog):
    for name in ("a.part", "b.part"):
        remove_unneeded(stuck(tmp_path, name))
    (message,) = told(caplog)
    assert message.startswith(f"{tmp_path / 'a.part'} cannot be removed")
    assert message.endswith(
        f"Remedy: look whether the folder can be written, then: bluescribe recover {tmp_path}"
    )


def test_a_refusal_that_passes_is_not_told_of(tmp_path, caplog):
    place = stuck(tmp_path, "a.part")

    def pass_by() -> None:
        time.sleep(0.02)
        (tmp_path / place.name).rmdir()
        (tmp_path / place.name).touch()

    passing = threading.Thread(target=pass_by)
    passing.start()
    remove_unneeded(place)
    passing.join()
    assert [*tmp_path.iterdir()] == []
    assert told(caplog) == []
