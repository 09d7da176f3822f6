"""What is torn, damaged, older or newer in a team's place never gets into a history by half."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from perf_pipeline.sharing.manifest import BundlePart, Manifest
from perf_pipeline.store.bundles.content import contents_of
from perf_pipeline.store.migrate import apply_until, migrations
from perf_pipeline_tests.support.commands.command_line import CommandLine
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


@pytest.mark.parametrize(
    ("harm", "file", "told"),
    [
        (_flip, "parts/r002/summaries.*", "its part parts/r002/summaries."),
        (_cut, "parts/r002/runs.*", "its part parts/r002/runs."),
        (Path.unlink, "parts/r002/verdicts.*", "its part parts/r002/verdicts."),
        (_flip, "runs/*.r002.*", "its manifest runs/"),
        (_cut, "runs/*.r002.*", "its manifest runs/"),
    ],
    ids=["a flipped bit", "a cut part", "a missing part", "a flipped manifest", "a cut manifest"],
)
def test_a_damaged_run_is_refused_by_its_part_and_the_others_are_taken(
    place: Path, tmp_path: Path, harm: Callable[[Path], None], file: str, told: str
) -> None:
    ben = CommandLine(tmp_path / "ben")
    [harmed] = place.glob(file)
    harm(harmed)
    pulled = ben.here("pull", str(place))

    assert pulled.code == 97
    assert f"run r002 was not pulled: {told}" in pulled.err
    assert pulled.out.startswith("pulled 2 runs from ")
    assert ben.sql("select run_id from runs order by 1") == [("r003",), ("r1",)]
    assert ben.value("select count(*) from summaries where run_id = 'r002'") == 0


def _rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a manifest says, and seal it again as its writer would."""
    said = json.loads(path.read_text())
    del said["sha256"]
    change(said)
    parts = tuple(BundlePart(**part) for part in said.pop("parts"))
    path.write_bytes(Manifest(**said, parts=parts).to_json())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda said: said.update(schema_version=_NEWEST + 1),
            f"it was written by a newer perf_pipeline: it has schema {_NEWEST + 1}",
        ),
        (
            lambda said: said["parts"][0].update(rows=2),
            "its table runs has 1 rows, of which 0 are of another run, and its manifest says 2",
        ),
        (
            lambda said: said.update(parts=said["parts"][1:]),
            "it has no rows of the table runs",
        ),
        (
            lambda said: said.update(content=said["content"][:16] + 48 * "0"),
            "what was measured is not what its manifest says",
        ),
        (
            lambda said: said["parts"][0].update(table="wonders"),
            "it has no rows of the table runs",
        ),
        (
            lambda said: said["parts"][0].update(table="../runs"),
            "its manifest names a table '../runs', which none is",
        ),
    ],
    ids=["newer", "fewer rows", "no run", "other content", "another table", "outside"],
)
def test_a_bundle_that_is_not_what_it_says_is_refused_and_the_others_are_taken(
    place: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    ben = CommandLine(tmp_path / "ben")
    [path] = place.glob("runs/*.r002.*")
    _rewritten(path, change)
    pulled = ben.here("pull", str(place))

    assert pulled.code == 97
    assert f"run r002 was not pulled: {told}" in pulled.err
    assert ben.sql("select run_id from runs order by 1") == [("r003",), ("r1",)]


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
