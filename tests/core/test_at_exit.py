"""A program ends with our threads and writers before what they need is taken away."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

TAKING = """
    import atexit, time
    atexit.register(print, "taken away")
    time.sleep(0.5)
    needed = print
"""
"""In the place of h5py, which may be about to be imported as the program ends."""

BEGINS = """
    import sys, threading, time
    from bluescribe.at_exit import at_the_end, begin_thread
    from bluescribe.later import Later
    sys.path.insert(0, "libraries")
    owner = set()
    def write(*_):
        print("written")
"""


def end(tmp_path, code):
    """Return what a program prints that begins like that, and goes on like this."""
    (tmp_path / "libraries").mkdir()
    (tmp_path / "libraries" / "h5py.py").write_text(dedent(TAKING))
    program = [sys.executable, "-c", dedent(BEGINS) + dedent(code)]
    # not a warm one, which has imported h5py
    ended = subprocess.run(program, cwd=tmp_path, timeout=60, check=True, stdout=subprocess.PIPE)
    return ended.stdout.decode().splitlines()


@pytest.mark.parametrize("pause", [0.2, 0.8])
def test_what_is_imported_meanwhile_is_taken_away_behind(tmp_path, pause):
    code = """
        at_the_end(threading.main_thread(), write)
        threading.Thread(target=Later("h5py", "needed").load, daemon=True).start()
        time.sleep({})
    """
    assert end(tmp_path, code.format(pause)) == ["written", "taken away"]


def test_a_thread_that_the_program_waits_for_may_import_as_it_ends(tmp_path):
    code = """
        def goes_on():
            threading.main_thread().join()
            time.sleep(0.3)
            Later("h5py", "needed")("imported")
        at_the_end(threading.main_thread(), write)
        threading.Thread(target=goes_on).start()
    """
    assert end(tmp_path, code) == ["imported", "written", "taken away"]


def test_what_was_there_before_a_writer_is_taken_away_behind(tmp_path):
    code = """
        import h5py
        at_the_end(threading.main_thread(), write)
    """
    assert end(tmp_path, code) == ["written", "taken away"]


def test_what_a_user_has_done_at_the_end_is_done_before(tmp_path):
    """It may end a run."""
    code = """
        import atexit
        at_the_end(threading.main_thread(), write)
        atexit.register(print, "the run ends")
        Later("colorsys", "rgb_to_hls")(0, 0, 0)
    """
    assert end(tmp_path, code) == ["the run ends", "written"]


def test_a_thread_of_the_background_is_stopped_and_waited_for(tmp_path):
    code = """
        def work(stop, word):
            print("begins")
            stop.wait()
            time.sleep(0.3)
            print(word)
        begin_thread("works", work, "ends")
        time.sleep(0.1)
    """
    assert end(tmp_path, code) == ["begins", "ends"]


def test_what_is_begun_by_what_ends_is_ended_too_and_a_fault_ends_nothing(tmp_path):
    code = """
        def fail(*_):
            raise ValueError
        def begin(*_):
            at_the_end(threading.main_thread(), write)
        at_the_end(threading.main_thread(), begin)
        at_the_end(threading.main_thread(), fail)
    """
    assert end(tmp_path, code) == ["written"]
