"""Build wheel and sdist, look into them, install each where nothing is, and try it there.

python3 bootstrap.py dist            # all of it
python3 bootstrap.py dist --no-trial # only build and look
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from contents import check_same_description, check_sdist, check_wheel
from environments import TOP, Environment, step, temporary_folder

DIST = TOP / "dist"
OUTSIDE = TOP / "release" / "outside"
CONTRACT = ("test_contract.py", "contracts.py", "contract_of_dx.py", "extent.py", "readers")
"""What the tests of our own formats need, from tests/."""


def main(argv: list[str]) -> int:
    """Build, check and try; an exception of the first step that fails ends it."""
    with step("build"):
        wheel, sdist = build()
    with step("what is in them"):
        for tool in (["twine", "check", "--strict"], ["check_wheel_contents"]):
            run_tool(*tool, str(wheel), *([str(sdist)] if tool[0] == "twine" else []))
        check_wheel(wheel)
        check_sdist(sdist)
        check_same_description(wheel, sdist)
    if "--no-trial" not in argv:
        with temporary_folder() as folder:
            try_as_a_user(folder / "wheel", wheel)
            try_as_a_user(folder / "sdist", sdist)
            run_contract(folder / "contract", wheel)
    return 0


def build() -> tuple[Path, Path]:
    """Build the sdist, and the wheel from it, into a folder that has nothing else."""
    shutil.rmtree(DIST, ignore_errors=True)
    run_tool("build", "--outdir", str(DIST), str(TOP))
    (wheel,) = DIST.glob("*.whl")
    (sdist,) = DIST.glob("*.tar.gz")
    return wheel, sdist


def run_tool(name: str, *arguments: str) -> None:
    """Run a tool of this environment."""
    subprocess.run([sys.executable, "-m", name, *arguments], check=True, cwd=TOP)


def try_as_a_user(folder: Path, archive: Path) -> None:
    """Install by one line, run the demo by one, and paste what README has into IPython."""
    with step(f"{archive.name}: an empty environment"):
        environment = Environment(folder, by_pip=True)
    with step(f"{archive.name}: pip install '{archive.name}[demo]'"):
        environment.install(f"{archive}[demo]")
    with step(f"{archive.name}: bluescribe demo"):
        environment.run("bluescribe", "--version")
        environment.run("bluescribe", "demo")
    with step(f"{archive.name}: the lines of README in IPython"):
        environment.install("ipython")
        pasted = TOP / "release" / "pasted.py"
        environment.run("python", str(pasted), str(TOP / "README.md"), seconds=180)


def run_contract(folder: Path, wheel: Path) -> None:
    """Run the contract suite for a format of others, in one file, and for our own."""
    with step("contract: a format of others, in one file, with what bluescribe[testing] brings"):
        environment = Environment(folder)
        environment.install(f"{wheel}[testing]")
        others = folder.parent / "others"
        shutil.copytree(OUTSIDE, others)
        shutil.copy(TOP / "tests" / "lines_format.py", others)
        environment.install(str(others))
        environment.run("bluescribe", "demo")
        environment.run("bluescribe", "export", "bluescribe-demo", "--last", "1", "--to", "lines")
        pytest(environment, others / "test_lines.py")
    with step("contract: our own formats, with their users' readers"):
        environment.install(f"{wheel}[test]")
        ours = folder.parent / "ours" / "tests"
        ours.mkdir(parents=True)
        for name in CONTRACT:
            copy = shutil.copytree if (TOP / "tests" / name).is_dir() else shutil.copy
            copy(TOP / "tests" / name, ours / name)
        pytest(environment, ours / "test_contract.py", "--rootdir", str(ours.parent), "-n", "2")


def pytest(environment: Environment, path: Path, *options: str) -> None:
    """Run tests, which may find what stands beside them and what is installed, and nothing else."""
    begin = "import os, sys, pytest; os.environ['BLUESCRIBE_PROCESS'] = 'false'; "
    home = path.parent.parent if path.parent.name == "tests" else path.parent
    code = f"{begin}sys.path.insert(0, {str(home)!r}); sys.exit(pytest.main(sys.argv[1:]))"
    options = (
        "-q",
        "-c",
        "/dev/null",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        *options,
    )
    environment.run("python", "-c", code, *options, str(path))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
