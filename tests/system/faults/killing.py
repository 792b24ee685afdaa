"""Kill instruments at random instants.

``python -m tests.system.faults.killing FOLDER KILLS SEED SIGNAL``

One process imports everything once and forks an instrument for each kill. For each it leaves a
folder with its files, and beside it what was emitted and when it was killed.
"""

from __future__ import annotations

import json
import os
import random
import select
import sys
import time
from pathlib import Path

from tests.system.faults import instrument

KINDS = ("scalar", "array", "two", "close")
ALONE = "alone"
"""In the name of the folder of a session without a journal: every third."""


def main(folder: Path, kills: int, seed: int, number_of_signal: int) -> None:
    chance = random.Random(seed)
    for number in range(kills):
        kind = KINDS[number % len(KINDS)]
        place = folder / f"{number:03d}-{kind}{f'-{ALONE}' if number % 3 == 2 else ''}"
        place.mkdir()
        lines, killed = kill_one(place, kind, chance, number_of_signal)
        record = {"killed": killed, "emitted": [json.loads(line) for line in lines]}
        (folder / f"{place.name}.json").write_text(json.dumps(record))


def state_of(place: Path) -> str:
    """Return where a session has its spool."""
    return str(place.parent / "states" / place.name)


def kill_one(
    place: Path, kind: str, chance: random.Random, number_of_signal: int
) -> tuple[list[str], float]:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123  # it has to be a descriptor
            os.dup2(nowhere.fileno(), 2)
        os.environ["XDG_STATE_HOME"] = state_of(place)  # or it would adopt what others left
        formats = tuple(f for f in instrument.FORMATS if f != "jsonl" or ALONE not in place.name)
        instrument.run(str(place), writer, kind, chance.randrange(10**6), formats)
        os._exit(0)
    os.close(writer)
    text = b""
    stops_wanted = chance.randrange(1, 4) if kind == "close" else 10**9
    deadline = time.monotonic() + chance.choice([0.3, 0.8, 1.6, 2.2]) * chance.uniform(0.5, 1)
    while time.monotonic() < deadline and text.count(b'["stop"') < stops_wanted:
        if select.select([reader], [], [], max(0, deadline - time.monotonic()))[0]:
            text += os.read(reader, 1 << 16)
    if kind == "close":
        time.sleep(chance.uniform(0, 0.04))
    killed = time.time()
    os.kill(child, number_of_signal)
    os.waitpid(child, 0)
    while chunk := os.read(reader, 1 << 16):
        text += chunk
    os.close(reader)
    return text.decode().split("\n")[:-1], killed


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
