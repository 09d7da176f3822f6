"""The wheel alone, in an environment of its own and an empty folder, does all that a checkout does.

What is only in the checkout is missing here: a file that the wheel forgets, and a package that
only the tools bring.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import without_target
from perf_pipeline_tests.support.places import ROOT
from perf_pipeline_tests.support.servers.described_shop import Shop, running_described_shop

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
    return folder


@pytest.fixture(scope="module")
def installed(tools: Path) -> Installed:
    (tools / "empty").mkdir()
    return Installed(tools / "all" / "perf-pipeline" / "bin", tools / "empty")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with running_described_shop() as running:
        yield running


def test_the_wheel_makes_a_project_runs_it_and_shows_it_in_dagster(
    installed: Installed, shop: Shop
) -> None:
    made = installed("perf-pipeline", "init", "shop", "--url", shop.base_url)
    ran = installed("perf-pipeline", "run", "shop/shop.toml", *_SHORT)
    shown = installed("dagster", "definitions", "validate", within="shop")

    assert made.returncode == 0, made.stderr
    assert ran.returncode in _JUDGED, ran.stderr
    assert "Do 2 visits a second go through?" in ran.stdout
    assert shop.asked["GET /api/products/4711 200"] > 0
    assert [path.name for path in installed.folder.glob(".perf/history.duckdb")]
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "Validation successful for code location shop_speed" in shown.stdout + shown.stderr


def test_as_a_tool_of_uv_it_makes_a_project_and_runs_it(
    tools: Path, shop: Shop, tmp_path: Path
) -> None:
    assert [path.name for path in (tools / "bin").iterdir()] == ["perf-pipeline"]
    tool = Installed(tools / "bin", tmp_path)

    made = tool("perf-pipeline", "init", "shop", "--url", shop.base_url)
    ran = tool("perf-pipeline", "run", "shop/shop.toml", *_SHORT)

    assert made.returncode == 0, made.stderr
    assert ran.returncode in _JUDGED, ran.stderr
    assert "Do 2 visits a second go through?" in ran.stdout


def test_the_wheel_with_its_stack_starts_and_loads_a_server_of_its_own(
    installed: Installed,
) -> None:
    shorter = (*_LIGHT, "--set", f"{_CACHE}.duration=1s", "--set", f"{_CACHE}.warmUp=0s")

    ran = installed("perf-pipeline", "run", "--only", "cache_benchmark", *shorter)

    assert ran.returncode in _JUDGED, ran.stderr
    assert "cache_hit_ratio" in ran.stdout
