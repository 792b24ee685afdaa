"""Where files are for the collections, and what transfers are called."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from bluescribe.delivery.globus import GlobusSettings
from bluescribe.delivery.globus.placing import label_of, place
from tests.system.delivery.globus.sessions import DESTINATION, SOURCE

VALUES = st.text(min_size=0, max_size=200) | st.sampled_from(["..", "/etc", "~", "a/../../b", "\0"])


def settings_for(**keys):
    known = {"source_endpoint": SOURCE, "destination_endpoint": DESTINATION, "local_root": "/data"}
    return GlobusSettings.validated("test", {**known, **keys})


@given(proposal=VALUES, user=VALUES)
def test_no_metadata_leads_out_of_the_destination(proposal, user):
    settings = settings_for(destination_path="/beamline/{proposal}/x{user}")
    files = [Path("/data/2026/a.h5"), Path("/data/b.h5")]
    start = {"uid": "u", "proposal": proposal, "user": user}
    found, outside = place(settings, files, start)
    assert not outside
    assert [source for source, _ in found] == ["/data/2026/a.h5", "/data/b.h5"]
    for (_, destination), depth in zip(found, (6, 5), strict=True):
        path = PurePosixPath(destination)
        assert path.is_relative_to("/beamline")
        assert ".." not in path.parts
        assert len(path.parts) == depth
        assert destination.isprintable() or "\x7f" not in destination
        destination.encode()


@given(sample=VALUES, number=st.none() | VALUES | st.integers())
def test_a_label_is_one_that_globus_takes(sample, number):
    start = {"uid": "0123456789", "sample": sample, "scan_id": number}
    label = label_of(settings_for(destination_path="/x", label="{sample}: {scan_id} {uid}"), start)
    assert 0 < len(label) <= 128
    assert label == label.strip()
    assert not set(label) & set("\r\n")
    label.encode()


def test_files_are_found_below_a_root_that_is_a_link(tmp_path):
    (tmp_path / "disk" / "run").mkdir(parents=True)
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    settings = settings_for(destination_path="/~/x").model_copy(
        update={"local_root": tmp_path / "data"}
    )
    files = [tmp_path / "disk" / "run" / "a.csv", tmp_path / "disk2" / "b.csv"]
    found, outside = place(settings, files, {})
    assert found == [(f"{tmp_path}/data/run/a.csv", "/~/x/run/a.csv")]
    assert outside == files[1:]
