"""One sheet of what a program draws of all runs: python -m tests.viewers.sheet PROGRAM PICTURES.

PICTURES is a folder with a picture of each run. It needs no more than Pillow: each program has an
environment of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parents[2] / "docs/images/viewers"
MASTER = "master_file"
NAMES = (
    *("scan", "uneven_scan", "count"),
    *("monitors", "scan_of_single_numbers", "snaked_grid"),
    *("broken_off_grid", "grid_of_two_lines", "spiral"),
    *("scan_of_spectra", "count_of_spectra", "two_spectra"),
    *("grid_of_spectra", "scan_of_images", "linked_images"),
    *("joined_images", MASTER),
)
"""The runs in the order of the sheet."""
PROGRAMS = ("nexpy", "pymca", "h5web")
"""Those of which there is a sheet; of silx view there is a picture of each run."""
_COLUMNS = 3
_SIZE = 480, 400
"""Of a picture on it, at most."""
_TITLE = 18
_COLOURS = 96


def make_sheet(program: str, pictures: Path) -> None:
    """Lay the pictures that a program draws beside each other, each under the name of its run."""
    drawn = {name: Image.open(pictures / f"{name}.png").convert("RGB") for name in NAMES}
    for picture in drawn.values():
        picture.thumbnail(_SIZE, Image.Resampling.LANCZOS)
    width = _SIZE[0]
    height = max(picture.height for picture in drawn.values()) + _TITLE
    rows = -(-len(drawn) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * width, rows * height), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (name, picture) in enumerate(drawn.items()):
        left, top = number % _COLUMNS * width, number // _COLUMNS * height
        pen.text((left + 6, top + 2), name.replace("_", " "), fill="black", font_size=13)
        sheet.paste(picture, (left, top + _TITLE))
    save(sheet, FOLDER / f"{program}.png")


def save(picture: Image.Image, path: Path) -> None:
    """Save a picture with few colours: it is small then."""
    few = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


if __name__ == "__main__":
    make_sheet(sys.argv[1], Path(sys.argv[2]))
