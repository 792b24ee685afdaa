"""Settings of all tests."""

import gc
import os
import secrets
import shutil
import signal
import tempfile
import weakref
from collections.abc import Generator, Iterator
from contextlib import suppress
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import bluescribe
from tests import warm
from tests.extent import is_left_out
from tests.turns import in_turns

STATE = "XDG_STATE_HOME"
PROCESS = "BLUESCRIBE_PROCESS"
"""Files are written by threads of the tests' own processes, where nothing else is said: a process
for each of ten thousand writers would take half a second each."""

# The same examples at each run in CI: what fails there fails again at home, by CI=true pytest ...
# Elsewhere new ones.
settings.register_profile("ci", derandomize=True, database=None)
# How long examples take to make says how busy the machine is, not how good they are.
settings.register_profile("default", suppress_health_check=[HealthCheck.too_slow])
if os.environ.get("CI"):
    settings.load_profile("ci")
    # Hypothesis also draws constants from the modules that are there: all of them are, whichever
    # tests a worker ran before. With the oldest versions, not all extras are installed.
    for module in walk_packages(bluescribe.__path__, "bluescribe."):
        with suppress(ModuleNotFoundError):
            import_module(module.name)


def pytest_configure(config: pytest.Config) -> None:
    """Start what tests' processes are forked from; workers have it from the main process."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # begun in a shell by &
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        os.environ[STATE] = state = tempfile.mkdtemp(prefix="bluescribe-state-")
        weakref.finalize(warm, shutil.rmtree, state, ignore_errors=True)  # after writers' own ends
    os.environ.setdefault(PROCESS, "false")
    warm.start()


def pytest_unconfigure() -> None:
    warm.stop()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Keep the collector from looking, again and again, at a million objects that all stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Have workers send what they can: half a surrogate pair would end the whole run."""
    return _sendable((yield))


def _sendable(told: Any) -> Any:
    if isinstance(told, str):
        return told.encode(errors="backslashreplace").decode()
    if isinstance(told, dict):
        return {_sendable(key): _sendable(value) for key, value in told.items()}
    if isinstance(told, tuple):
        return (*map(_sendable, told),)
    return [*map(_sendable, told)] if isinstance(told, list) else told


@pytest.fixture(autouse=True)
def _spools_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no session of a test find what those of other tests left in their spools."""
    monkeypatch.setenv(STATE, f"{os.environ[STATE]}/{secrets.token_hex(8)}")


@pytest.fixture(autouse=True)
def _ctrl_c_as_ever() -> Iterator[None]:
    """Take back what a library does to Ctrl-C when it is imported, as dask_jobqueue does."""
    before = signal.getsignal(signal.SIGINT)
    yield
    if before is not None and signal.getsignal(signal.SIGINT) is not before:
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files that HDF5 writes written by processes of their own, as users have them."""
    monkeypatch.setenv(PROCESS, "true")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only CI plays, and begin with what waits."""
    left_out = [item for item in items if is_left_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not is_left_out(item)]
    if hasattr(config, "workerinput"):
        items[:] = in_turns(items, config.workerinput["workercount"])
