"""`perf-pipeline ingest`: one bad run stops no other, and all is told at the end."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from perf_pipeline.cli.main import main
from perf_pipeline.store.history import open_history
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.synthetic_history import API, add_runs, api_runs

# No sentence of a report is broken over two lines.
WIDE = {"COLUMNS": "300"}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Give a state folder with three runs in the spool, and no history yet."""
    add_runs(tmp_path, api_runs(80.0, 81.0, 82.0))
    State(tmp_path).history_file.unlink()
    return tmp_path


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


def test_all_runs_are_stored_and_the_code_is_0(state: Path) -> None:
    said = ingest(state)

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


def test_a_damaged_benchmark_keeps_the_rows_that_the_history_has(state: Path) -> None:
    ingest(state)
    (State(state).spool / "r002" / API / "outcome.json").unlink()

    said = ingest(state)

    assert said.exit_code == 97
    assert "r002 api_user_creation: its spool is damaged: it has no outcome.json" in said.output
    assert "the history keeps the better rows that it already has" in said.output
    with open_history(State(state).history_file) as history:
        (outcome,) = history.outcomes("r002")
    assert (outcome.status, outcome.valid) == ("complete", True)


@pytest.mark.parametrize("odd", ["seed", "keepRawRuns", "window"])
def test_a_number_that_an_older_version_let_through_costs_no_run(odd: str, state: Path) -> None:
    huge = 10**30
    path = State(state).spool / "r001" / "run.json"
    profile = json.loads(json.loads(path.read_text(encoding="utf-8"))["profile_json"])
    where = profile["baseline"] if odd == "window" else profile
    where[odd] = huge
    members = {"seed": huge} if odd == "seed" else {}
    change_run(state, "r001", profile_json=json.dumps(profile), **members)

    said = ingest(state)

    assert said.exit_code == 0, said.output
    assert stored(state) == ["r001", "r002", "r003"]
    report = CliRunner().invoke(main, ["--state", str(state), "report", "r001"], env=WIDE)
    assert report.exit_code in {0, 97}, report.output  # it has no samples
    assert "unexpected" not in report.output
    assert ("is stored as 9223372036854775807" in report.output) == (odd == "seed")


def test_a_run_that_is_not_in_the_spool_is_refused(state: Path) -> None:
    said = ingest(state, "r999")

    assert said.exit_code == 104
    assert "there is no run r999" in said.output
