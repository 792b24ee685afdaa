"""What is forked is like a new interpreter, to whoever starts it and to what runs in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests import warm

PROGRAMS = {
    "arguments": "import sys; print(sys.argv, sys.path[0], __name__, sys.flags.interactive)",
    "folder": "import os; print(os.getcwd())",
    "variables": "import os; print(os.environ['MINE'], 'HOME' in os.environ, os.getenv('TZ'))",
    "zone": "import time; print(time.tzname)",
    "mode of files": "import os; print(os.umask(0))",
    "input": "print(input()[::-1])",
    "streams": "import sys; print(sys.stdout.encoding, sys.stderr.errors, sys.stdin.isatty())",
    "an end with words": "import sys; sys.exit('words')",
    "an end with a number": "import sys; sys.exit(7)",
    "an error": "def f(): raise ValueError('wrong')\nf()",
    "a signal": "import os; os.kill(os.getpid(), 15)",
    "kill -9": "import os; os.kill(os.getpid(), 9)",
    "Ctrl-C": "import os; os.kill(os.getpid(), 2); import time; time.sleep(5)",
    "a last word": "import atexit; atexit.register(print, 'last'); print('first')",
    "a thread": "import threading; threading.Timer(0.1, print, ['late']).start(); print('first')",
    "children": "import os; p = os.fork(); p or os._exit(3); print(os.waitpid(p, 0)[1])",
    "its module": "import sys; x = 5; print(sys.modules['__main__'].x)",
}


def ended(start, *command, cwd):
    done = start(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, "MINE": "ä", "TZ": "Asia/Tokyo"},
        input="reversed\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr.splitlines()[-1:]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_meets_what_it_would_in_a_new_interpreter(name, tmp_path):
    command = ["-c", PROGRAMS[name], "one", "two"]
    new = ended(subprocess.run, *command, cwd=tmp_path)
    assert ended(warm.run, *command, cwd=tmp_path) == new


@pytest.mark.parametrize("how", ["script", "module"])
def test_files_are_run_as_a_new_interpreter_runs_them(how, tmp_path):
    (tmp_path / "beside.py").write_text("x = 3\n")
    (tmp_path / "mine.py").write_text(
        "import sys, beside\nprint(sys.argv[1:], sys.path[0], __name__, __file__, beside.x)\n"
    )
    command = [str(tmp_path / "mine.py")] if how == "script" else ["-m", "mine"]
    new = ended(subprocess.run, *command, "one", cwd=tmp_path)
    assert ended(warm.run, *command, "one", cwd=tmp_path) == new


def test_it_is_there_at_once_and_has_bluesky(tmp_path):
    done = warm.run(
        [sys.executable, "-c", "import sys; print('bluesky' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


@pytest.mark.parametrize("command", [["-I", "-c", "x"], ["-X", "dev", "-c", "x"], ["-W", "error"]])
def test_options_of_python_get_a_new_interpreter(command):
    command = [*command, "-c", "x"] if "-c" not in command else command
    program = "import sys; print('bluesky' in sys.modules)"
    command = [sys.executable, *(program if part == "x" else part for part in command)]
    done = warm.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_variable_that_is_heeded_on_import_gets_a_new_interpreter():
    done = warm.run(
        [sys.executable, "-c", "import sys; print('bluesky' in sys.modules)"],
        env={**os.environ, "HDF5_USE_FILE_LOCKING": "FALSE"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"


def test_signals_reach_it_and_its_end_is_known():
    program = "import time; print('up', flush=True); time.sleep(60)"
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        with warm.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            assert process.poll() is None
            process.send_signal(number)
            assert process.wait(10) == -number
            with pytest.raises(ProcessLookupError):
                os.kill(process.pid, 0)


def test_files_are_passed_by_their_numbers():
    read, write = os.pipe()
    program = f"import os; os.write({write}, b'through')"
    warm.run([sys.executable, "-c", program], pass_fds=[write], check=True)
    os.close(write)
    assert os.read(read, 10) == b"through"
    os.close(read)


def test_a_time_that_is_over_ends_it():
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        warm.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.5)
    assert time.monotonic() - began < 30
