"""Pictures of what silx view draws of a day at a beamline: python -m tests.viewers.pictures."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from tests.viewers.files import write
from tests.viewers.sheet import FOLDER, NAMES, save
from tests.viewers.viewer import SilxViewer


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    viewer = SilxViewer()
    with TemporaryDirectory() as folder:
        for name in NAMES:
            take(viewer, write(name, Path(folder, name)), FOLDER / f"{name}.png")
    viewer.close()


def take(viewer: SilxViewer, file: Path, picture: Path) -> None:
    """Save what is drawn of a file."""
    viewer.open(file, picture)
    with Image.open(picture) as drawn:
        save(drawn, picture)


if __name__ == "__main__":
    main()
