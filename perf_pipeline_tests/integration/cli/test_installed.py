"""The wheel alone, in an environment of its own and an empty folder, does all that a checkout does.

What is only in the checkout is missing here: a file that the wheel forgets, and a package that
only the tools bring.
"""

import filecmp
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import without_target
from perf_pipeline_tests.support.places import ROOT
from perf_pipeline_tests.support.servers.described_shop import running_described_shop

# Building and installing take seconds on an idle machine, and a minute beside others.
pytestmark = pytest.mark.timeout(300)

_TOOLS = Path(sys.executable).parent
_JUDGED = {0, 97, 99}  # on a busy machine a load may be slow, or held up
_LIGHT = ("--set", "workers=1", "--set", "calibration=false")
_SHORT = (*_LIGHT, "--set", "benchmarks.reads.scenarios.readers.duration=1s")
_CACHE = "benchmarks.cache_benchmark.scenarios.read_through"


@dataclass(frozen=True, slots=True)
class Installed:
    """Hold an environment with nothing but the wheel and what it asks for.

    Attributes:
        programs: its folder of programs.
        folder: where they are started; empty at first.
    """

    programs: Path
    folder: Path

    def __call__(self, *words: str, within: str = ".") -> "subprocess.CompletedProcess[str]":
        """Start one of its programs, and wait for its end.

        Python keeps what it compiles, as it does for people: each process would compile all again.
        """
        given = {**without_target(), "SHOP_TOKEN": "t-0815-4711", "COLUMNS": "200"}
        given.pop("PYTHONDONTWRITEBYTECODE", None)
        return subprocess.run(
            [str(self.programs / words[0]), *words[1:]],
            cwd=self.folder / within,
            env=given,
            capture_output=True,
            text=True,
            check=False,
        )


def uv(*words: str, **given: str) -> None:
    """Start uv, with more in its environment, and wait for its end."""
    done = subprocess.run(
        [str(_TOOLS / "uv"), "-q", *words],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def tools(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install it as a tool of uv, for all tests: each environment would compile all packages."""
    folder = tmp_path_factory.mktemp("tools")
    places = {"UV_TOOL_DIR": str(folder / "all"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    uv("tool", "install", "--python", sys.executable, f"{wheel}[stack]", **places)
    [packages] = (folder / "all" / "perf-pipeline").glob("lib/python*/site-packages")
    take_what_is_compiled(packages)
    return folder


def take_what_is_compiled(packages: Path) -> None:
    """Give packages what this environment has compiled of theirs, which saves seconds of CPU.

    Python takes it where it was compiled from the very file, by its time and size, and else never.
    A copy, as in a folder in memory, is as old as its copying: a file with the same content gets
    the time of the one here. Nothing is made that the wheel did not bring.
    """
    for here, within in ((Path(sysconfig.get_path("purelib")), "**"), (ROOT, "perf_pipeline/**")):
        for compiled in here.glob(f"{within}/__pycache__"):
            package = packages / compiled.relative_to(here).parent
            if not package.is_dir() or package == packages:
                continue
            for source in compiled.parent.glob("*.py"):
                theirs = package / source.name
                if theirs.is_file() and filecmp.cmp(source, theirs, shallow=False):
                    shutil.copystat(source, theirs)
            shutil.copytree(compiled, package / compiled.name, dirs_exist_ok=True)


@dataclass(frozen=True, slots=True)
class Made:
    """Hold a project that was made and run by the program that uv puts on the path.

    Attributes:
        installed: the environment of that program, with the folder of the project.
        shown: the programs on the path.
        made: how it was made.
        ran: how it was run.
        asked: whether the run read a product of the shop.
    """

    installed: Installed
    shown: tuple[str, ...]
    made: "subprocess.CompletedProcess[str]"
    ran: "subprocess.CompletedProcess[str]"
    asked: bool


@pytest.fixture(scope="module")
def project(tools: Path) -> Made:
    folder = tools / "empty"
    folder.mkdir()
    tool = Installed(tools / "bin", folder)
    shown = tuple(path.name for path in (tools / "bin").iterdir())
    with running_described_shop() as shop:
        made = tool("perf-pipeline", "init", "shop", "--url", shop.base_url)
        ran = tool("perf-pipeline", "run", "shop/shop.toml", *_SHORT)
        asked = shop.asked["GET /api/products/4711 200"] > 0
    own = Installed(tools / "all" / "perf-pipeline" / "bin", folder)
    return Made(own, shown, made, ran, asked)


def test_as_a_tool_of_uv_it_makes_a_project_and_runs_it(project: Made) -> None:
    assert project.shown == ("perf-pipeline",)
    assert project.made.returncode == 0, project.made.stderr
    assert project.ran.returncode in _JUDGED, project.ran.stderr
    assert "Do 2 visits a second go through?" in project.ran.stdout
    assert project.asked
    assert [path.name for path in project.installed.folder.glob(".perf/history.duckdb")]


def test_a_project_that_the_wheel_made_is_shown_in_dagster(project: Made) -> None:
    shown = project.installed("dagster", "definitions", "validate", within="shop")

    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "Validation successful for code location shop_speed" in shown.stdout + shown.stderr


def test_the_wheel_with_its_stack_starts_and_loads_a_server_of_its_own(project: Made) -> None:
    shorter = (*_LIGHT, "--set", f"{_CACHE}.duration=1s", "--set", f"{_CACHE}.warmUp=0s")

    ran = project.installed("perf-pipeline", "run", "--only", "cache_benchmark", *shorter)

    assert ran.returncode in _JUDGED, ran.stderr
    assert "cache_hit_ratio" in ran.stdout
