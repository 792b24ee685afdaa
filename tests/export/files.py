"""Whether two folders hold the same files: text byte for byte, HDF5 tree for tree."""

from __future__ import annotations

import re
from pathlib import Path

from bluescribe.testing.contract.values import same_value
from tests.readers.trees import read_tree

HDF5 = (".hdf", ".h5")

IS_ELSEWHERE = re.compile(rb'^#C (?:from row \d+: )?(".*" is in ".*"\n)', re.MULTILINE)
"""What a SPEC file says of external files. A file becomes known between two rows; before which rows
that is said depends on how many events came at once, live as well."""

CREATED = re.compile(rb'^  "created": .*$', re.MULTILINE)
"""What a CSV package says of the same."""


def read_text(folder):
    """Return the files that are no HDF5 files, by name."""
    paths = [p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")]
    return {
        str(p.relative_to(folder)): comparable(p.suffix, p.read_bytes())
        for p in paths
        if p.suffix not in HDF5
    }


def comparable(suffix, text):
    """Return a text without what depends on the moment of writing."""
    if suffix == ".dat":
        places = sorted(IS_ELSEWHERE.findall(text))
        return b"".join([IS_ELSEWHERE.sub(b"", text), *places])
    return CREATED.sub(b"", text)


def differences(live: Path, exported: Path):
    """Return the names of what is not the same."""
    wrong = []
    texts, found = read_text(live), read_text(exported)
    wrong += [name for name in {*texts, *found} if texts.get(name) != found.get(name)]
    trees, there = ({p.name: p for p in f.rglob("*") if p.suffix in HDF5} for f in (live, exported))
    wrong += sorted(trees.keys() ^ there.keys())
    for name in trees.keys() & there.keys():
        one, other = read_tree(trees[name]), read_tree(there[name])
        wrong += [
            f"{name}{key}: {one.get(key)!s:.100} is {other.get(key)!s:.100}"
            for key in {**one, **other}
            if not same_value(one.get(key), other.get(key))
        ]
    return wrong
