"""What is torn, damaged, older or newer in a team's place never gets into a history by half."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from perf_pipeline.sharing.manifest import BundlePart, Manifest
from perf_pipeline.store.bundles.content import contents_of
from perf_pipeline.store.migrate import apply_until, migrations
from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine
from perf_pipeline_tests.support.histories.judged_runs import add_judged, add_sampled
from perf_pipeline_tests.support.histories.synthetic_history import api_runs
from perf_pipeline_tests.support.servers.s3_server import S3Server, s3_server

_NEWEST: Final = migrations()[-1][0]
# An older version knew neither tags of runs nor what machine they were made on.
_OLDER: Final = 10
_OLD_RUN: Final = """
insert into runs (run_id, profile, profile_json, config_hash, seed, target, triggered_by,
    code_version, began_at, environment_id, notices, planned, problems, made_as, revision)
values ('old', 'quick', '{}', 'c', 1, 'http', 'cli', '0.0.9', '2026-10-01', 'e', [], ['api'], [],
    7, map {'version': 'v1'})
"""
_OLD_BENCHMARK: Final = """
insert into benchmarks values ('old', 'api', 'complete', '2026-10-01', 2, 1, true, [],
    map {'lag': 0.5}, 'l', [], 0, true, '2026-10-01', [])
"""


@pytest.fixture(scope="module")
def anna(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Give a history with three judged runs."""
    folder = tmp_path_factory.mktemp("anna")
    add_sampled(folder)
    add_judged(folder, api_runs(80.0, 81.0))
    return CommandLine(folder)


@pytest.fixture(scope="module")
def pushed(anna: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Push her runs to a folder, to be copied."""
    place = tmp_path_factory.mktemp("pushed") / "place"
    assert anna.here("push", str(place)).code == 0
    return place


@pytest.fixture
def place(pushed: Path, tmp_path: Path) -> Path:
    """Give a folder with her runs."""
    return Path(shutil.copytree(pushed, tmp_path / "place"))


def _flip(path: Path) -> None:
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.write_bytes(text)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _rewritten(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Change what a manifest says, and seal it again as its writer would."""

    def rewrite(path: Path) -> None:
        said = json.loads(path.read_text())
        del said["sha256"]
        change(said)
        parts = tuple(BundlePart(**part) for part in said.pop("parts"))
        path.write_bytes(Manifest(**said, parts=parts).to_json())

    return rewrite


_MANIFEST: Final = "runs/*.{run}.*"
# By what was done to a run: how, to which of its files, and what is told of it.
HARMS: Final[dict[str, tuple[Callable[[Path], None], str, str]]] = {
    "a flipped bit": (_flip, "parts/{run}/summaries.*", "its part parts/{run}/summaries."),
    "a cut part": (_cut, "parts/{run}/runs.*", "its part parts/{run}/runs."),
    "a missing part": (Path.unlink, "parts/{run}/verdicts.*", "its part parts/{run}/verdicts."),
    "a flipped manifest": (_flip, _MANIFEST, "its manifest runs/"),
    "a cut manifest": (_cut, _MANIFEST, "its manifest runs/"),
    "newer": (
        _rewritten(lambda said: said.update(schema_version=_NEWEST + 1)),
        _MANIFEST,
        f"it was written by a newer perf_pipeline: it has schema {_NEWEST + 1}",
    ),
    "fewer rows": (
        _rewritten(lambda said: said["parts"][0].update(rows=2)),
        _MANIFEST,
        "its table runs has 1 rows, of which 0 are of another run, and its manifest says 2",
    ),
    "no run": (
        _rewritten(lambda said: said.update(parts=said["parts"][1:])),
        _MANIFEST,
        "it has no rows of the table runs",
    ),
    "other content": (
        _rewritten(lambda said: said.update(content=said["content"][:16] + 48 * "0")),
        _MANIFEST,
        "what was measured differs from its manifest",
    ),
    "another table": (
        _rewritten(lambda said: said["parts"][0].update(table="wonders")),
        _MANIFEST,
        "it has no rows of the table runs",
    ),
    "outside": (
        _rewritten(lambda said: said["parts"][0].update(table="../runs")),
        _MANIFEST,
        "its manifest names a table '../runs', which is unknown",
    ),
}


@dataclass(frozen=True, slots=True)
class Harmed:
    """Hold what a pull said of a place in which a run was harmed in each way."""

    run_ids: dict[str, str]
    pulled: Answer
    ben: CommandLine


@pytest.fixture(scope="module")
def harmed(tmp_path_factory: pytest.TempPathFactory) -> Harmed:
    """Harm all runs of a place but the first and the last, and pull."""
    folder = tmp_path_factory.mktemp("harmed")
    cara, ben, place = CommandLine(folder / "cara"), CommandLine(folder / "ben"), folder / "place"
    ids = add_judged(cara.state, api_runs(*(80.0 + number for number in range(len(HARMS) + 2))))
    assert cara.here("push", str(place)).code == 0
    run_ids = dict(zip(HARMS, ids[1:-1], strict=True))
    for name, (harm, file, _) in HARMS.items():
        [path] = place.glob(file.format(run=run_ids[name]))
        harm(path)
    return Harmed(run_ids, ben.here("pull", str(place)), ben)


def test_the_others_are_taken_where_runs_are_damaged(harmed: Harmed) -> None:
    taken = harmed.ben.sql("select run_id from runs order by 1")

    assert harmed.pulled.code == 97
    assert harmed.pulled.out.startswith("pulled 2 runs from ")
    assert taken == [("r001",), (f"r{len(HARMS) + 2:03}",)]


@pytest.mark.parametrize("name", HARMS)
def test_a_run_that_is_damaged_or_not_what_it_says_is_refused_by_its_part(
    harmed: Harmed, name: str
) -> None:
    run_id, (_, _, told) = harmed.run_ids[name], HARMS[name]

    refused = f"run {run_id} was not pulled: {told.format(run=run_id)}"
    assert refused in harmed.pulled.err
    assert harmed.ben.value(f"select count(*) from summaries where run_id = '{run_id}'") == 0


def test_a_run_of_an_older_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    place, ben = tmp_path / "place", CommandLine(tmp_path / "ben")
    with closing(duckdb.connect(":memory:")) as former:
        apply_until(former, _OLDER)
        former.execute("insert into environments values ('e', map {'cpu': 'one core'})")
        former.execute(_OLD_RUN)
        former.execute(_OLD_BENCHMARK)
        content = contents_of(former, ["old"])["old"]
        (place / "parts").mkdir(parents=True)
        parts = []
        for table in ("runs", "environments", "benchmarks"):
            path = place / "parts" / f"{table}.parquet"
            former.execute(f"copy {table} to '{path}' (format parquet)")
            text = path.read_bytes()
            parts.append(BundlePart(table, path.name, sha256(text).hexdigest(), len(text), 1))
    manifest = Manifest(
        *("old", "2026-10-01T00:00:00+00:00", "quick", "c", "http", "cli", "0.0.9"),
        *(_OLDER, content, {"cpu": "one core"}, {"version": "v1"}, {}, {}, parts),
    )
    (place / "runs").mkdir()
    (place / manifest.name.path).write_bytes(manifest.to_json())
    pulled = ben.here("pull", str(place))

    assert pulled.code == 0, pulled.err
    assert ben.sql("select run_id, revision['version'], run_tags, machine from runs") == [
        ("old", "v1", None, None)
    ]
    assert ben.value("select health['lag'] from benchmarks") == 0.5
    # It is what was pushed, and stays so.
    assert "1 were there already" in ben.here("pull", str(place)).out


def test_what_no_history_of_ours_wrote_is_left_out(place: Path, tmp_path: Path) -> None:
    ben = CommandLine(tmp_path / "ben")
    (place / "runs" / "notes.txt").write_text("hello")
    (place / "runs" / "a.b.json").write_text("{}")
    (place / "decisions").mkdir(exist_ok=True)
    (place / "decisions" / f"decision.r002.{64 * '0'}.json").write_text("{}")
    pulled = ben.here("pull", str(place))

    assert pulled.code == 97
    assert pulled.out.startswith("pulled 3 runs from ")
    assert f"decision decision.r002.{64 * '0'} was not pulled: it is damaged" in pulled.err


@pytest.fixture
def bucket(tmp_path: Path) -> Any:
    """Serve a bucket of S3."""
    with s3_server(tmp_path / "s3") as server:
        yield server


def test_a_push_that_is_killed_leaves_nothing_to_be_seen(
    anna: CommandLine, bucket: S3Server, tmp_path: Path
) -> None:
    at_s3 = replace(anna, environment=bucket.environment)
    ben = CommandLine(tmp_path / "ben", environment=bucket.environment)
    bucket.hangs_at = "/runs/"
    push = at_s3.begin("push", bucket.url)
    assert bucket.is_hanging.wait(60)
    push.kill()
    bucket.is_over.set()
    torn = ben.here("pull", bucket.url)
    uploaded = [*(bucket.folder / "speed" / "parts").rglob("*.parquet")]
    bucket.hangs_at = ""
    pushed, pulled = at_s3.here("push", bucket.url), ben.here("pull", bucket.url)

    assert uploaded
    assert torn.out == f"pulled 0 runs from {bucket.url}; 0 were there already\n"
    assert pushed.out == f"pushed 3 runs to {bucket.url}; 0 were there already\n"
    assert pulled.out == f"pulled 3 runs from {bucket.url}; 0 were there already\n"


def test_two_machines_that_push_at_once_both_succeed(
    bucket: S3Server, anna: CommandLine, place: Path, tmp_path: Path
) -> None:
    cara = CommandLine(tmp_path / "cara", environment=bucket.environment)
    ben = CommandLine(tmp_path / "ben", environment=bucket.environment)
    add_judged(cara.state, api_runs(90.0))
    cara.here("pull", str(place))  # both have r1, r002 and r003 now
    at_s3 = replace(anna, environment=bucket.environment)
    pushes = [at_s3.begin("push", bucket.url), cara.begin("push", bucket.url)]
    answers = [push.answer() for push in pushes]
    pulled = ben.here("pull", bucket.url)

    assert [answer.code for answer in answers] == [0, 0], answers
    assert pulled.out == f"pulled 4 runs from {bucket.url}; 0 were there already\n"
    assert ben.sql("select run_id from runs order by 1") == [
        *((run_id,) for run_id in ("r001", "r002", "r003", "r1"))
    ]


def test_a_bucket_that_is_not_there_is_one_sentence(anna: CommandLine, bucket: S3Server) -> None:
    pushed = replace(anna, environment=bucket.environment).here("push", "s3://nobodys-bucket/a")

    assert pushed.code == 97
    assert (
        "perf-pipeline: s3://nobodys-bucket/a can't be written: The specified bucket does not "
        "exist.\n" in pushed.err
    )
