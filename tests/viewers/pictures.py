"""Pictures of what silx view draws of a day at a beamline: python -m tests.viewers.pictures."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from bluescribe import NexusWriter
from tests.viewers.beamline import RUNS
from tests.viewers.viewer import SilxViewer

FOLDER = Path(__file__).resolve().parents[2] / "docs/images/viewers"
NAMES = (*RUNS, "master_file")
_COLOURS = 96


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    viewer = SilxViewer()
    with TemporaryDirectory() as folder:
        for name in RUNS:
            take(viewer, name, Path(folder, name))
        take(viewer, "master_file", Path(folder, "master_file"))
    viewer.close()


def take(viewer: SilxViewer, name: str, folder: Path) -> None:
    """Play a run, write its file, and save what is drawn of it."""
    (folder / "raw").mkdir(parents=True)
    runs = [name] if name in RUNS else ["scan", "snaked_grid"]
    with NexusWriter(folder, file_name="{uid}", master_file="master_file.hdf") as writer:
        for document in (document for run in runs for document in RUNS[run](folder / "raw")):
            writer(*document)
    written = writer.status().last_file if name in RUNS else folder / "master_file.hdf"
    assert written is not None
    picture = FOLDER / f"{name}.png"
    viewer.open(written, picture)
    with Image.open(picture) as drawn:
        drawn.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(
            picture, optimize=True
        )


if __name__ == "__main__":
    main()
