"""The recipe of CONTRIBUTING, followed word by word in a copy of the package.

What is asserted is what nobody wrote: the place in the order, the asset and its checks, the
metrics' SQL, the verdicts, and the figures that lead it in the report.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import perf_pipeline
from perf_pipeline_tests.support.servers.fine_server import fine_server

PACKAGE: Final = Path(perf_pipeline.__file__).parent
CONTRIBUTING: Final = PACKAGE.parent / "CONTRIBUTING.md"

pytestmark = pytest.mark.timeout(180)

RECORD: Final = '''
"""Documents are looked up in a search index."""

from typing import Final

from perf_pipeline.benchmarks.database_benchmark import DATABASE_BENCHMARK
from perf_pipeline.benchmarks.record import Benchmark, Leading, Part

SEARCH_BENCHMARK: Final = Benchmark(
    name="search_benchmark",
    group="search",
    kinds=frozenset({"opensearch"}),
    summary="Look documents up in a search index.",
    description="Each look-up names one word.",
    after=DATABASE_BENCHMARK.name,
    needs=frozenset({Part.API}),
    leading=Leading("search_duration", "searches", "errors"),
)
'''
WORKLOAD: Final = '''
"""Look one word up."""

import asyncio

from perf_pipeline.metrics.sample import Outcome


class Find:
    """Wait for a moment, as an index would."""

    protocol = "search"
    checks = {}

    async def open(self, context):
        """Remember the context."""
        self._context = context

    async def iterate(self, iteration):
        """Record one look-up."""
        started_us = self._context.clock.now_us()
        await asyncio.sleep(0.02)
        iteration.has_waited = True
        ended_us = self._context.clock.now_us()
        self._context.recorder.sample(iteration, "find", started_us, ended_us, Outcome.OK)

    async def close(self):
        """Close nothing."""
'''
PARAMETERS: Final = '''class SearchParameters(Frozen):
    """Say what is looked up."""

    word: str = "birthday"


'''
ROW: Final = """"find_documents": IterationKind(
            parameters=SearchParameters, workload="search.find:Find", part=Part.API
        ),
        """
METRICS: Final = """Metric(
        "searches", _C, "searches", "higher", _SAMPLE, "look-ups", Samples("count", "search")
    ),
    Metric(
        "search_duration", _T, "ms", "lower", _SAMPLE, "of one", Samples("service_ms", "search")
    ),
    """
FULL: Final = """
[benchmarks.search_benchmark.scenarios.find]
exec = "find_documents"
executor = "constant-vus"
vus = 2
duration = "10s"
parameters = { word = "cake" }
[benchmarks.search_benchmark.thresholds]
searches = ["count>0"]
search_duration = ["p(95)<10000"]
"""
QUICK: Final = """
[benchmarks.search_benchmark.scenarios.find]
duration = "1s"
"""
FILES: Final = {
    "benchmarks/search_benchmark.py": RECORD,
    "workloads/search/__init__.py": '"""Search."""\n',
    "workloads/search/find.py": WORKLOAD,
}
LINES: Final = {
    "benchmarks/registry.py": [
        (
            "from perf_pipeline.benchmarks.record import",
            "from perf_pipeline.benchmarks.search_benchmark import SEARCH_BENCHMARK\n",
        ),
        ("        DATABASE_BENCHMARK,\n", "        SEARCH_BENCHMARK,\n"),
    ],
    "config/parameters.py": [
        ("@dataclass(frozen=True, slots=True, kw_only=True)\nclass IterationKind", PARAMETERS),
        ("HTTP_STEPS: IterationKind(", ROW),
    ],
    "metrics/catalog.py": [('Metric("db_queries"', METRICS)],
    "profiles/full.toml": [("[benchmarks.end_to_end.scenarios.create_users]", FULL)],
    "profiles/quick.toml": [("[benchmarks.end_to_end.scenarios.create_users]", QUICK)],
}


def put_before(path: Path, place: str, text: str) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count(place) == 1, (path.name, place)
    path.write_text(source.replace(place, f"{text}{place}"), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a copy of the package to which the recipe was applied."""
    folder = tmp_path_factory.mktemp("contributor")
    package = folder / "perf_pipeline"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text(text, encoding="utf-8")
    for name, places in LINES.items():
        for place, text in places:
            put_before(package / name, place, text)
    return folder


@pytest.fixture(scope="module")
def health() -> Iterator[str]:
    with fine_server() as base_url:
        yield base_url


def run(copy: Path, *argv: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run Python on the copy."""
    return subprocess.run(
        [sys.executable, "-P", *argv],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_recipe_names_the_files_that_are_changed_and_no_other() -> None:
    page = CONTRIBUTING.read_text(encoding="utf-8")
    steps = re.findall(
        r"^[1-9]\. .*$", page.partition("### A benchmark of something new")[2], re.MULTILINE
    )
    named = {
        path.removeprefix("perf_pipeline/")
        for step in steps[:4]
        for path in re.findall(r"`([a-z_/]+\.(?:py|toml))`", step)
    }

    assert [step[0] for step in steps[:5]] == ["1", "2", "3", "4", "1"]  # then comes another recipe
    assert {
        "registry.py" if path.endswith("registry.py") else path for path in (*FILES, *LINES)
    } == {
        *named,
        "workloads/search/__init__.py",
    }


def test_a_new_benchmark_has_its_place_its_asset_and_its_checks(copy: Path) -> None:
    told = run(
        copy,
        "-c",
        "import json\n"
        "from perf_pipeline.benchmarks.registry import NAMES\n"
        "from perf_pipeline.definitions import build_defs\n"
        "graph = build_defs().resolve_asset_graph()\n"
        "key = next(k for k in graph.get_all_asset_keys() if k.path == ['search_benchmark'])\n"
        "node = graph.get(key)\n"
        "print(json.dumps([NAMES, node.group_name, sorted(node.kinds), node.description,\n"
        "    [k.path[0] for k in node.parent_keys], [k.path[0] for k in node.child_keys],\n"
        "    sorted(k.name for k in node.check_keys)]))\n",
    )
    assert told.returncode == 0, told.stderr
    names, group, kinds, description, before, behind, checks = json.loads(told.stdout)

    place = names.index("search_benchmark")
    assert "database_benchmark" in names[:place]
    assert (before, behind) == ([], ["threshold_checks"])  # arrows are needs, and not the order
    assert (group, kinds) == ("search", ["opensearch", "python"])
    assert description == "Look documents up in a search index.\n\nEach look-up names one word."
    assert checks == ["search_duration__p95", "searches__count", "target_answered__rate"]


def test_a_new_benchmark_is_loaded_stored_judged_and_reported(
    copy: Path, health: str, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    ended = run(
        copy,
        *("-m", "perf_pipeline", "--state", str(state), "run", "--only", "search_benchmark"),
        PERF_BASE_URL=health,
    )

    assert ended.returncode in {0, 97}, ended.stderr + ended.stdout
    [folder] = (state / "reports").iterdir()
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert json.dumps(summary).count("search_duration") > 0
    rows = [line.split() for line in ended.stdout.splitlines()]
    verdicts = {
        row[0]: row[-1] for row in rows if row and row[0] in {"searches", "search_duration"}
    }
    assert len(verdicts) == 2
    # A machine with much else to do may hold the load up, and then nothing passes.
    assert set(verdicts.values()) == ({"PASS"} if ended.returncode == 0 else {"INVALID"})
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    told = [line for line in markdown.splitlines() if line.startswith("| search_benchmark")]
    assert any("searches/s" in line for line in told)
