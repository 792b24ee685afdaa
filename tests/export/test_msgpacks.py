"""Packs of msgpack files: what is in them is read, and nothing is run."""

from __future__ import annotations

import json
import os
import pickle

import numpy as np
import pytest
import yaml

import bluescribe

msgpack = pytest.importorskip("msgpack")
msgpack_numpy = pytest.importorskip("msgpack_numpy")

CATALOG = {"driver": "bluesky-msgpack-catalog", "args": {"paths": ["documents/*.msgpack"]}}


class Evil:
    """Runs code where it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def as_pack(folder, *documents):
    (folder / "documents").mkdir(parents=True)
    (folder / "catalog.yml").write_text(yaml.safe_dump({"sources": {"packed_catalog": CATALOG}}))
    packed = [msgpack.packb(d, default=msgpack_numpy.encode) for d in documents]
    (folder / "documents" / "a.msgpack").write_bytes(b"".join(packed))
    return folder


def start_in(done):
    (path,) = done.files
    return json.loads(path.read_text().splitlines()[0])[1]


def test_what_suitcase_packs_comes_as_it_was(tmp_path):
    md = {
        "numbers": np.arange(6.0).reshape(2, 3),
        "records": np.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f8")]),
        "ragged": np.array([[1, 2], [3]], dtype=object),
        "number": np.float32(1.5),
    }
    box = as_pack(tmp_path / "box", ["start", {"uid": "u1", "time": 1.0, **md}])
    start = start_in(bluescribe.export(box, tmp_path / "out", ["jsonl"]))
    assert start["numbers"] == md["numbers"].tolist()
    assert start["ragged"] == [[1, 2], [3]]
    assert start["number"] == 1.5
    assert "1" in str(start["records"])


def test_a_pickle_in_a_pack_is_not_run(tmp_path, caplog):
    mark = tmp_path / "mark"
    hidden = {b"nd": True, b"kind": b"O", b"type": "O", b"shape": (1,)}
    hidden[b"data"] = pickle.dumps(Evil(mark))
    md = {"evil": hidden, "array": np.array([Evil(mark)], dtype=object), "scan_id": 5}
    box = as_pack(tmp_path / "box", ["start", {"uid": "u1", "time": 1.0, **md}])
    done = bluescribe.export(box, tmp_path / "out", ["jsonl"])
    assert not done.failures
    assert not mark.exists()
    assert start_in(done)["scan_id"] == 5
    (told,) = [r.getMessage() for r in caplog.records]
    assert str(box / "documents" / "a.msgpack") in told
    assert "posix.mkdir" in told
    assert "ask for the run as JSON Lines" in told


@pytest.mark.parametrize("damage", [b"\xc1", b"\x92\xa1", b"\x01", b"\xff" * 50])
def test_what_is_no_document_is_told_with_its_file(tmp_path, damage):
    box = as_pack(tmp_path / "box", ["start", {"uid": "u1", "time": 1.0}])
    with (box / "documents" / "a.msgpack").open("ab") as file:
        file.write(damage)
    done = bluescribe.export(box, tmp_path / "out", ["jsonl"])
    if damage != b"\x92\xa1":  # torn, as a crash leaves it
        (failure,) = done.failures
        assert f"{box / 'documents' / 'a.msgpack'}, document 2" in failure


def test_a_name_calls_no_method_of_ours(tmp_path, caplog):
    journal = tmp_path / "a.jsonl"
    documents = [["start", {"uid": "u1", "time": 1.0}]]
    documents += [[name, {}] for name in ("close", "_new_file", "cwd", "control", "receive")]
    documents.append(["stop", {"uid": "s", "run_start": "u1", "time": 2.0}])
    journal.write_text("".join(json.dumps(d) + "\n" for d in documents))
    done = bluescribe.export(journal, tmp_path / "out", ["csv"])
    assert not done.failures
    told = [r.getMessage() for r in caplog.records]
    assert len(told) == 5
    assert all("there is no document called" in line for line in told)
