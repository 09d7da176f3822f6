"""A damaged spool, or history, never gives a better verdict and never replaces good rows.

PERF_DAMAGE_CASES sets how many random damages are tried of each kind (20; by hand 1000), and
PERF_TEST_SEED which ones.
"""

import os
import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.judging.judge import judge_benchmark
from perf_pipeline.metrics.catalog import TARGET_ANSWERED
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline.metrics.spool_seal import MANIFEST_FILE
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.store.history import History, memory_history, open_history
from perf_pipeline.store.ingest import KEYED_TABLES
from perf_pipeline.store.records import BenchmarkOutcome, RunKey, RunRecord
from perf_pipeline.store.spool_manifest import check_spool, write_manifest
from perf_pipeline.store.spool_records import write_outcome, write_run_record
from perf_pipeline_tests.support.commands.forked import ran
from perf_pipeline_tests.support.histories.damaging import damage, flip, repeat, truncate, zero
from perf_pipeline_tests.support.histories.spool import complete, counts

CASES: Final = int(os.environ.get("PERF_DAMAGE_CASES", "20"))
FIRST: Final = int(os.environ.get("PERF_TEST_SEED", "0")) * CASES
BENCHMARK: Final = "api_user_creation"
KEY: Final = RunKey("r1", BENCHMARK)
WORKERS: Final = 2
SAMPLES: Final = 150
_BETTER: Final = frozenset({Status.PASS, Status.WARN})


@pytest.fixture(scope="module")
def profile() -> Profile:
    """Give quick with thresholds of which the first fails and the others pass."""
    thresholds = {
        "http_req_failed": ["rate<0.05"],  # it is 30 of 300
        "http_req_duration": ["p(95)<1000", "max<1000"],
        "iterations": ["count>=300"],
    }
    return load_profile(
        "quick",
        {
            f"benchmarks.{BENCHMARK}.thresholds": thresholds,
            f"benchmarks.{BENCHMARK}.scenarios": _SCENARIOS,
        },
    )


_SCENARIOS: Final = {
    "create": {
        "exec": "create_user",
        "executor": "constant-arrival-rate",
        "rate": 50,
        "duration": "5s",
        "preAllocatedVUs": 20,
    }
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, profile: Profile) -> Path:
    """Give the spool of a run as workers and driver leave it."""
    run = tmp_path_factory.mktemp("spool") / KEY.run_id
    folder = run / BENCHMARK
    folder.mkdir(parents=True)
    record = RunRecord(
        KEY.run_id,
        profile.name,
        profile.as_json,
        profile.config_hash,
        7,
        "http://127.0.0.1:8000",
        "cli",
        "0.1.0",
        "2026-11-01T12:00:00+00:00",
        {"cpu": "two cores"},
    )
    write_run_record(run, record)
    for worker in range(WORKERS):
        _record(folder, worker)
    (folder / "readings-host.csv").write_text(
        "at_us,source,name,value\n" + "".join(f"{n},host,host_cpu_percent,{n}\n" for n in range(9))
    )
    (folder / "figures.csv").write_text("name,value,scenario,operation\nsuccess,1.0,,\n")
    write_outcome(folder, _outcome())
    write_manifest(folder)
    return run


def _outcome() -> BenchmarkOutcome:
    return replace(
        complete(counts(iterations=WORKERS * SAMPLES), benchmark=BENCHMARK),
        checks={"create_user": ("status is 201",)},
    )


def _record(folder: Path, worker: int) -> None:
    """Record 150 operations of 10 ms, of which every tenth failed."""
    recorder = SpoolRecorder(folder, "1", worker, ("create",), print)
    rng = random.Random(1)
    for n in range(SAMPLES):
        at_us = 1_000_000 + n * 60_000
        iteration = Iteration("create", "http", worker + 1, n, at_us, Phase.MEASURED, rng)
        outcome = Outcome.FAILED if n % 10 == 0 else Outcome.OK
        error, status = ("status", 503) if n % 10 == 0 else ("", 201)
        recorder.sample(
            iteration,
            "create_user",
            at_us,
            at_us + 10_000,
            outcome,
            status=status,
            error=error,
            checks_passed=1,
        )
        recorder.iteration(iteration, at_us, at_us + 10_000, outcome)
    recorder.close()


@pytest.fixture
def copy(tmp_path: Path, whole: Path) -> Path:
    """Give a copy of the spool that a test may damage."""
    return Path(shutil.copytree(whole, tmp_path / KEY.run_id))


@pytest.fixture(scope="module")
def opened() -> Iterator[History]:
    """Open one history for all tests: the tables of a new one take as long as most of them."""
    with memory_history() as found:
        found.connection.execute("set threads = 1")  # as for a small file
        yield found


@pytest.fixture
def history(opened: History) -> History:
    """Give that history, empty."""
    _forget(opened)
    return opened


def judged(history: History, profile: Profile) -> list[Verdict]:
    """Judge what the history has of the benchmark."""
    (outcome,) = history.outcomes(KEY.run_id)
    return judge_benchmark(history, KEY.run_id, profile, outcome)


def statuses(verdicts: list[Verdict]) -> list[Status]:
    """Give what the verdicts on the profile's own thresholds say."""
    return [verdict.status for verdict in verdicts if verdict.threshold.metric != TARGET_ANSWERED]


def test_a_whole_spool_is_proven_and_judged(history: History, copy: Path, profile: Profile) -> None:
    ingested = history.ingest(copy, BENCHMARK)

    assert (ingested.samples, ingested.damage, ingested.is_proven) == (300, (), True)
    assert statuses(judged(history, profile)) == [Status.FAIL, *[Status.PASS] * 3]


@pytest.mark.parametrize(
    ("name", "left_bytes", "sentence"),
    [
        # 1,024 bytes of head and 41 of 150 rows of 128 bytes: 27 %
        ("samples-1-0.npy", 1_024 + 41 * 128, "samples-1-0.npy holds 41 of 150 rows"),
        # rows of 2 * 4 + 4 * 8 bytes, the last of them torn
        ("iterations-1-1.npy", 1_024 + 7 * 40 + 3, "iterations-1-1.npy holds 7 of 150 rows"),
        ("readings-host.csv", 54, "readings-host.csv holds 1 of 9 lines"),
        ("outcome.json", 100, "outcome.json holds 100 of"),
    ],
)
def test_a_cut_file_is_invalid_with_its_numbers(
    name: str, left_bytes: int, sentence: str, history: History, copy: Path, profile: Profile
) -> None:
    os.truncate(copy / BENCHMARK / name, left_bytes)

    ingested = history.ingest(copy, BENCHMARK)
    verdicts = judged(history, profile)

    assert any(told.startswith(sentence) for told in ingested.damage), ingested.damage
    assert statuses(verdicts) == [Status.INVALID] * 4
    assert sentence in verdicts[0].reason


@pytest.mark.parametrize(
    "name", ["samples-1-0.npy", "kinds-samples-1-1.csv", "figures.csv", "outcome.json"]
)
def test_a_missing_file_is_invalid_by_name(
    name: str, history: History, copy: Path, profile: Profile
) -> None:
    (copy / BENCHMARK / name).unlink()

    history.ingest(copy, BENCHMARK)
    verdicts = judged(history, profile)

    assert statuses(verdicts) == [Status.INVALID] * 4
    assert name in verdicts[0].reason
    assert "is missing" in verdicts[0].reason


@pytest.mark.parametrize(
    "name",
    [
        "samples-1-0.csv",
        "iterations-1-0.csv",
        "readings-host.csv",
        "ledger-1-0.csv",
        "costs-postgres.csv",
        "figures.csv",
        "checks.csv",
        "reported.csv",
        "faults.csv",
        "capacity.csv",
        "growth.csv",
        "scaling.csv",
    ],
)
def test_a_changed_file_of_any_kind_is_damage(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("at_us\n1\n", encoding="utf-8")
    write_manifest(tmp_path)
    (tmp_path / name).write_text("at_us\n2\n", encoding="utf-8")

    check = check_spool(tmp_path, run_is_sealed=True)

    assert [told.partition(" (")[0] for told in check.damage] == [
        f"{name} was changed after it was written"
    ]
    assert check.left_out == {name}


def test_a_missing_manifest_is_invalid_and_not_an_older_version(
    history: History, copy: Path, profile: Profile
) -> None:
    (copy / BENCHMARK / MANIFEST_FILE).unlink()

    history.ingest(copy, BENCHMARK)

    assert statuses(judged(history, profile)) == [Status.INVALID] * 4


def test_a_changed_bit_is_told_with_both_checksums(history: History, copy: Path) -> None:
    path = copy / BENCHMARK / "samples-1-0.npy"
    data = bytearray(path.read_bytes())
    data[1_024 + 60] ^= 1
    path.write_bytes(data)

    (sentence,) = history.ingest(copy, BENCHMARK).damage

    assert sentence.startswith("samples-1-0.npy was changed after it was written (its checksum is ")
    assert history.connection.execute("select count(*) from samples").fetchone() == (150,)


def test_a_damaged_run_record_stores_nothing(history: History, copy: Path) -> None:
    path = copy / "run.json"
    path.write_text(path.read_text(encoding="utf-8").replace("rate<0.05", "rate<0.95"))

    with pytest.raises(PerfPipelineError, match=r"run\.json cannot be read: its checksum is"):
        history.ingest(copy, BENCHMARK)
    assert history.runs() == []


def test_a_damaged_spool_never_replaces_good_rows(
    history: History, copy: Path, profile: Profile
) -> None:
    history.ingest(copy, BENCHMARK)
    os.truncate(copy / BENCHMARK / "samples-1-0.npy", 2_000)

    ingested = history.ingest(copy, BENCHMARK)

    assert (ingested.was_kept, ingested.samples) == (True, 300)
    assert ingested.damage == ("samples-1-0.npy holds 7 of 150 rows",)
    assert statuses(judged(history, profile)) == [Status.FAIL, *[Status.PASS] * 3]


def test_a_whole_spool_replaces_a_damaged_one(
    history: History, copy: Path, whole: Path, profile: Profile
) -> None:
    (copy / BENCHMARK / "samples-1-0.npy").unlink()
    history.ingest(copy, BENCHMARK)

    assert history.ingest(whole, BENCHMARK).damage == ()
    assert statuses(judged(history, profile))[0] == Status.FAIL


def test_a_run_that_was_killed_is_stored_as_cut_off_without_a_manifest(
    history: History, copy: Path, profile: Profile
) -> None:
    for name in (MANIFEST_FILE, "outcome.json", "seal-1-0.json"):
        (copy / BENCHMARK / name).unlink()
    os.truncate(copy / BENCHMARK / "samples-1-0.npy", 1_024 + 128 * 10 + 5)

    ingested = history.ingest(copy, BENCHMARK)

    # 150 rows of the worker that closed its files, 10 of the other
    assert (ingested.samples, ingested.torn_lines, ingested.is_proven) == (160, 1, False)
    assert statuses(judged(history, profile)) == [Status.INVALID] * 4


def test_a_spool_that_loses_more_and_more_keeps_the_most_that_was_stored(
    history: History, copy: Path
) -> None:
    path = copy / BENCHMARK / "samples-1-0.npy"
    os.truncate(path, 1_024 + 128 * 100)
    assert history.ingest(copy, BENCHMARK).samples == 250  # 100, and 150 of the other worker
    os.truncate(path, 1_024 + 128 * 10)

    ingested = history.ingest(copy, BENCHMARK)

    assert (ingested.was_kept, ingested.samples) == (True, 250)
    assert ingested.damage[-1] == "160 of 250 stored samples are left in it"


def test_a_spool_of_an_older_version_is_read_as_it_was(
    history: History, copy: Path, profile: Profile
) -> None:
    _make_older(copy)

    ingested = history.ingest(copy, BENCHMARK)

    assert (ingested.samples, ingested.damage, ingested.is_proven) == (300, (), False)
    assert statuses(judged(history, profile)) == [Status.FAIL, *[Status.PASS] * 3]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("samples-1-0.npy", "samples-1-0.npy holds 41 of 150 rows"),
        ("iterations-1-0.npy", "scenario create has 281 of 300 iterations"),
    ],
)
def test_a_spool_of_an_older_version_that_lost_rows_is_invalid(
    name: str, sentence: str, history: History, copy: Path, profile: Profile
) -> None:
    # its head tells of 150 rows, and its outcome of 300 iterations
    _make_older(copy)
    os.truncate(copy / BENCHMARK / name, 1_024 + 41 * 128)  # or 131 rows of 40 bytes

    damage_told = history.ingest(copy, BENCHMARK).damage

    assert sentence in damage_told
    assert statuses(judged(history, profile)) == [Status.INVALID] * 4


def _make_older(run: Path) -> None:
    """Leave what version 0.1 would have left: no seal, no manifest, no checksum in JSON."""
    folder = run / BENCHMARK
    for path in (folder / MANIFEST_FILE, *folder.glob("seal-*.json")):
        path.unlink()
    for path in (run / "run.json", folder / "outcome.json"):
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([*lines[:-3], lines[-3].rstrip(","), "}"]), encoding="utf-8")


@pytest.mark.timeout(30 + CASES)
def test_no_random_damage_to_a_spool_gives_a_better_verdict(
    tmp_path: Path, whole: Path, profile: Profile, history: History
) -> None:
    history.ingest(whole, BENCHMARK)
    right = judged(history, profile)
    wrong = []
    for seed in range(FIRST, FIRST + CASES):
        rng = random.Random(seed)
        run = Path(shutil.copytree(whole, tmp_path / str(seed)))
        what = damage(rng, run)
        _forget(history)
        if seed % 3 == 0:
            history.ingest(whole, BENCHMARK)
        verdicts = _stored(history, run, profile)
        better = _better(verdicts, right)
        if not better and seed % 3 == 0 and verdicts and _said(verdicts) != _said(right):
            better = "the good rows were replaced"
        if better:
            wrong.append(f"seed {seed}, {what}: {better}")
        shutil.rmtree(run)
    assert wrong == []


@pytest.mark.timeout(30 + CASES)
def test_no_random_damage_to_the_history_gives_a_better_verdict(
    tmp_path: Path, whole: Path, profile: Profile
) -> None:
    good, wrong = tmp_path / "good.duckdb", []
    with open_history(good) as history:
        history.ingest(whole, BENCHMARK)
        history.summarise(KEY)
        right = judged(history, profile)
    _leave_a_write_ahead_log(good)
    for seed in range(FIRST, FIRST + CASES):
        rng = random.Random(seed)
        path, wal = tmp_path / "history.duckdb", tmp_path / "history.duckdb.wal"
        shutil.copyfile(good, path)
        shutil.copyfile(good.with_name(f"{good.name}.wal"), wal)
        what = rng.choice((flip, flip, truncate, zero, repeat))(rng, rng.choice((path, wal)))
        if better := _asked(path, profile, right):
            wrong.append(f"seed {seed}, {what}: {better}")
    assert wrong == []


def _leave_a_write_ahead_log(path: Path) -> None:
    """Judge the run again in a process that is killed before it can write its log into the file."""
    program = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from perf_pipeline.judging.ingest import profile_of\n"
        "from perf_pipeline.judging.judge import judge_benchmark\n"
        "from perf_pipeline.store.history import open_history\n"
        "with open_history(Path(sys.argv[1])) as history:\n"
        "    history.connection.execute('pragma disable_checkpoint_on_shutdown')\n"
        "    for outcome in history.outcomes('r1'):\n"
        "        judge_benchmark(history, 'r1', profile_of(history, 'r1'), outcome)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran([sys.executable, "-c", program, str(path)])
    assert path.with_name(f"{path.name}.wal").stat().st_size > 0


def _asked(path: Path, profile: Profile, right: list[Verdict]) -> str:
    """Read a history's stored verdicts and judge anew; a sentence in their place is fine."""
    try:
        with open_history(path) as history:
            stored = [verdict for _, verdict in history.verdicts(KEY.run_id)]
            return _better(stored, right) or _better(judged(history, profile), right)
    except PerfPipelineError:
        return ""


def _forget(history: History) -> None:
    for table in (*KEYED_TABLES, "digests", "runs"):
        history.connection.execute(f"delete from {table}")
    history.asked.forget()


def _said(verdicts: list[Verdict]) -> list[tuple[Status, float | None]]:
    return [(verdict.status, verdict.observed) for verdict in verdicts]


def _stored(history: History, run: Path, profile: Profile) -> list[Verdict]:
    """Store and judge a spool; no verdicts where it is refused with a sentence."""
    try:
        history.ingest(run, BENCHMARK)
    except PerfPipelineError:
        return []
    return judged(history, profile)


def _better(verdicts: list[Verdict], right: list[Verdict]) -> str:
    for verdict, good in zip(verdicts, right, strict=False):
        if verdict.status in _BETTER and (
            good.status not in _BETTER or verdict.observed != good.observed
        ):
            return f"{verdict.threshold.source} is {verdict.status} with {verdict.observed}"
    return ""
