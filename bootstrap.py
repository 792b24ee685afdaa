"""Run bluescribe from a fresh clone: make .venv, install into it, run one verb.

    python3 bootstrap.py demo
    python3 bootstrap.py test -k spec

Needs Python 3.11+ and nothing else; what follows the verb is handed on to the tool.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        f"bluescribe needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.\n"
        "Start bootstrap.py with a newer one, for example: python3.12 bootstrap.py demo"
    )

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
RELEASE = HERE / ".venv-release"
INSTALLED = "bluescribe-installed.txt"  # written last: an interrupted install starts again

Command = list[str]
Args = list[str]


@dataclass(frozen=True)
class Verb:
    """What is installed for a verb, into which environment beside this file, and what is run."""

    extras: set[str]
    commands: Callable[[Args], list[Command]]
    venv: Path = HERE / ".venv"


def main(argv: Args) -> int:
    """Prepare the environment that the verb needs, then run its commands; stop at the first bad."""
    if not argv or argv[0] not in VERBS:
        print(usage(), file=sys.stderr)
        return 0 if argv in (["-h"], ["--help"]) else 2
    verb = VERBS[argv[0]]
    make_venv(verb.venv)
    install(verb.venv, verb.extras)
    statuses = [run(verb.venv, command) for command in verb.commands(argv[1:])]
    return next((status for status in statuses if status), 0)


def usage() -> str:
    return f"usage: python3 bootstrap.py {{{','.join(VERBS)}}} [arguments for the tool]"


def make_venv(venv: Path) -> None:
    if works(program(venv, "python")):
        return
    missing = [name for name in ("venv", "ensurepip") if find_spec(name) is None]
    if missing:
        sys.exit(
            f"{sys.executable} lacks {' and '.join(missing)}, so it cannot make {venv.name}.\n"
            "Install it (Debian and Ubuntu: apt install python3-venv), then try again."
        )
    say(f"making {venv.name} with Python {sys.version.split()[0]}")
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)


def program(venv: Path, name: str) -> Path:
    return venv / ("Scripts" if os.name == "nt" else "bin") / (name + ".exe" * (os.name == "nt"))


def works(python: Path) -> bool:
    """Tell whether a venv is there and whole: it breaks when its base Python is removed."""
    if not python.exists():
        return False
    probe = [str(python), "-c", "import pip"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def install(venv: Path, wanted: set[str]) -> None:
    """Install the package, editable, with what earlier verbs asked for and this one asks for."""
    present = installed_extras(venv)
    if present is not None and wanted <= present:
        return
    extras = wanted | (present or set())
    target = f"bluescribe[{','.join(sorted(extras))}]"
    say(f"installing {target} into {venv.name} (minutes the first time)")
    python = str(program(venv, "python"))
    pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    editable = f"{HERE}[{','.join(sorted(extras))}]"
    if subprocess.run([*pip, "--editable", editable], check=False).returncode:
        sys.exit(f"pip could not install {target}: see its message above, then try again.")
    (venv / INSTALLED).write_text("\n".join([fingerprint(), *sorted(extras)]), encoding="utf-8")


def installed_extras(venv: Path) -> set[str] | None:
    """Return the extras in the venv; None when it is new or pyproject.toml has changed since."""
    if not (venv / INSTALLED).exists():
        return None
    stamp, *extras = (venv / INSTALLED).read_text(encoding="utf-8").splitlines()
    return set(extras) if stamp == fingerprint() else None


def fingerprint() -> str:
    return hashlib.sha256((HERE / "pyproject.toml").read_bytes()).hexdigest()


def run(venv: Path, command: Command) -> int:
    say(" ".join(command))
    name, *args = command
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # each process of hundreds would compile all
    started = [str(program(venv, name)), *args]
    try:
        return subprocess.run(started, cwd=HERE, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 130


def say(text: str) -> None:
    print(f"bootstrap: {text}", flush=True)


def module(*command: str) -> Command:
    return ["python", "-m", *command]


def demo(args: Args) -> list[Command]:
    return [["bluescribe", "demo", *args]]


def test(args: Args) -> list[Command]:
    # two more than there are cores: a part of the time is waiting, for servers and for disks; who
    # is done takes tests from others, or the longest would be one worker's at the end
    return [module("pytest", "-n", str(cores() + 2), "--dist", "worksteal", *args)]


def apart(folder: str) -> Callable[[Args], list[Command]]:
    """Return what plays tests that pyproject.toml keeps out of all other runs of pytest."""
    collecting = ("-o", "norecursedirs=.*", f"--confcutdir={folder}", folder)
    return lambda args: [module("pytest", "-n", str(cores()), *collecting, *args)]


def cores() -> int:
    """Count the cores that this process may use, which a container can limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def lint(args: Args) -> list[Command]:
    return [module("ruff", "check", *args), module("ruff", "format", "--check", *args)]


def types(args: Args) -> list[Command]:
    return [module("mypy", "--strict", *args)]


def imports(args: Args) -> list[Command]:
    return [["lint-imports", *args]]


def docs(args: Args) -> list[Command]:
    return [module("sphinx", "-W", "--keep-going", "-q", *args, "docs", "docs/_build/html")]


def bench(args: Args) -> list[Command]:
    return [["python", "benchmarks", *args]]  # benchmarks/__main__.py


def release(script: str) -> Callable[[Args], list[Command]]:
    """Return what runs a script of release/, which installs into environments of its own."""
    return lambda args: [["python", f"release/{script}.py", *args]]


def check(_args: Args) -> list[Command]:
    return [*lint([]), *types([]), *imports([]), *docs([])]


VERBS = {
    "demo": Verb({"demo"}, demo),
    "test": Verb({"test"}, test),
    "viewers": Verb({"viewers"}, apart("tests/viewers"), HERE / ".venv-viewers"),
    "bits": Verb({"bits"}, apart("tests/bits"), HERE / ".venv-bits"),
    "lint": Verb({"dev"}, lint),
    "types": Verb({"dev"}, types),
    "imports": Verb({"dev"}, imports),
    "docs": Verb({"dev"}, docs),
    "bench": Verb({"dev", "peers"}, bench),
    "check": Verb({"dev"}, check),
    "dist": Verb({"release"}, release("dist"), RELEASE),
    "extras": Verb({"release"}, release("extras"), RELEASE),
    "lowest": Verb({"release"}, release("lowest"), RELEASE),
    "notes": Verb({"release"}, release("notes"), RELEASE),
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
