"""`perf-pipeline ingest`: one bad run stops no other, and all is told at the end."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result

from perf_pipeline.cli.main import main
from perf_pipeline.store.history import open_history
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.synthetic_history import API, add_runs, api_runs

# No sentence of a report is broken over two lines.
WIDE = {"COLUMNS": "300"}
HUGE = 10**30
ODD = {"r001": "seed", "r002": "keepRawRuns", "r003": "window"}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Give a state folder with three runs in the spool, and no history yet."""
    return spooled(tmp_path)


def spooled(folder: Path) -> Path:
    """Make three runs that are in the spool, and in no history yet."""
    add_runs(folder, api_runs(80.0, 81.0, 82.0))
    State(folder).history_file.unlink()
    return folder


class Ingested(NamedTuple):
    """Hold a state folder whose runs a command has stored, and what it said."""

    state: Path
    said: Result


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    state = spooled(tmp_path_factory.mktemp("ingested") / "state")
    return Ingested(state, ingest(state))


@pytest.fixture(scope="module")
def of_odd_numbers(tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """Store three runs, each with another number that no history holds."""
    state = spooled(tmp_path_factory.mktemp("odd") / "state")
    for run_id, odd in ODD.items():
        path = State(state).spool / run_id / "run.json"
        profile = json.loads(json.loads(path.read_text(encoding="utf-8"))["profile_json"])
        where = profile["baseline"] if odd == "window" else profile
        where[odd] = HUGE
        members = {"seed": HUGE} if odd == "seed" else {}
        change_run(state, run_id, profile_json=json.dumps(profile), **members)
    return Ingested(state, ingest(state))


def ingest(state: Path, *arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["--state", str(state), "ingest", *arguments], env=WIDE)


def stored(state: Path) -> list[str]:
    """Name the runs whose benchmark is in the history."""
    with open_history(State(state).history_file) as history:
        runs = history.connection.execute("select run_id from benchmarks order by run_id")
        return [run_id for (run_id,) in runs.fetchall()]


def change_run(state: Path, run_id: str, **members: object) -> None:
    """Change members of a run's run.json, as an older version would have written them."""
    path = State(state).spool / run_id / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, **members}), encoding="utf-8")


def test_all_runs_are_stored_and_the_code_is_0(ingested: Ingested) -> None:
    state, said = ingested

    assert said.exit_code == 0, said.output
    assert stored(state) == ["r001", "r002", "r003"]
    # synthetic runs are as an older version wrote them
    assert "there is no manifest, so nothing proves that these are all" in said.output


def test_the_latest_run_is_no_re_run_although_that_was_written_last(state: Path) -> None:
    spool = State(state).spool
    (spool / "r003").rename(spool / "r002-c1")
    path = spool / "r002-c1" / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    rerun = {**record, "run_id": "r002-c1", "trigger": "confirm"}
    path.write_text(json.dumps(rerun), encoding="utf-8")

    said = ingest(state, "latest")

    assert said.exit_code == 0, said.output
    assert stored(state) == ["r002"]


def test_a_run_that_cannot_be_read_stops_no_other_and_is_told_at_the_end(state: Path) -> None:
    (State(state).spool / "r001" / "run.json").write_text("{", encoding="utf-8")
    (State(state).spool / "r002" / API / "samples-1-0.csv").write_text("when,what\n1,2\n")

    said = ingest(state)

    assert said.exit_code == 97
    assert stored(state) == ["r003"]
    end = said.output[said.output.index("could not be stored") :]
    assert "r001" in end
    assert "run.json cannot be read" in end
    assert "has the columns 'when,what'" in end
    assert "Traceback" not in said.output


def test_a_folder_whose_run_record_is_gone_is_told(state: Path) -> None:
    (State(state).spool / "r001" / "run.json").unlink()

    said = ingest(state)

    assert said.exit_code == 97
    assert stored(state) == ["r002", "r003"]
    assert "r001 has no run.json, so nobody knows which profile it was measured with" in said.output


def test_a_damaged_benchmark_keeps_the_rows_that_the_history_has(
    ingested: Ingested, tmp_path: Path
) -> None:
    state = shutil.copytree(ingested.state, tmp_path / "state")
    (State(state).spool / "r002" / API / "outcome.json").unlink()

    said = ingest(state)

    assert said.exit_code == 97
    assert "r002 api_user_creation: its spool is damaged: it has no outcome.json" in said.output
    assert "the history keeps the better rows that it already has" in said.output
    with open_history(State(state).history_file) as history:
        (outcome,) = history.outcomes("r002")
    assert (outcome.status, outcome.valid) == ("complete", True)


@pytest.mark.parametrize(("run_id", "odd"), ODD.items())
def test_a_number_that_an_older_version_let_through_costs_no_run(
    run_id: str, odd: str, of_odd_numbers: Ingested
) -> None:
    state, said = of_odd_numbers

    assert said.exit_code == 0, said.output
    assert stored(state) == ["r001", "r002", "r003"]
    report = CliRunner().invoke(main, ["--state", str(state), "report", run_id], env=WIDE)
    assert report.exit_code in {0, 97}, report.output  # it has no samples
    assert "unexpected" not in report.output
    assert ("is stored as 9223372036854775807" in report.output) == (odd == "seed")


def test_a_run_that_is_not_in_the_spool_is_refused(state: Path) -> None:
    said = ingest(state, "r999")

    assert said.exit_code == 104
    assert "there is no run r999" in said.output
