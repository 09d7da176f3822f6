"""The whole graph against a real system, with one threshold that cannot hold."""

import itertools
import json
from pathlib import Path

import dagster as dg
import pytest

from perf_pipeline.benchmarks.registry import NAMES
from perf_pipeline.config.loading import load_profile
from perf_pipeline.definitions import build_defs
from perf_pipeline.store.history import open_history
from perf_pipeline.store.state import State
from perf_pipeline_tests.defs.fix_whole_run import IMPOSSIBLE, WholeRun
from perf_pipeline_tests.support.dagster.runs import (
    JUDGING,
    TINY,
    began,
    checks_by_status,
    ended,
    of_state,
    run_config,
    start_materialize,
)

pytestmark = pytest.mark.timeout(240)
FAILING = ("end_to_end", "http_req_duration__p95")


def metadata_of(run: WholeRun, asset: str) -> dict[str, dg.MetadataValue]:
    [event] = run.result.asset_materializations_for_node(asset)
    return dict(event.metadata)


def test_every_asset_is_materialised_and_only_the_gate_at_the_end_fails(
    whole_run: WholeRun,
) -> None:
    events = whole_run.result.get_asset_materialization_events()
    failed = [event.step_key for event in whole_run.result.all_events if event.is_step_failure]

    assert {event.asset_key.to_user_string() for event in events if event.asset_key} == {
        "seeded_users",
        *NAMES,
        *JUDGING,
    }
    assert failed == ["report"]
    assert not whole_run.result.success


def test_every_threshold_of_the_profile_is_a_check_of_its_benchmark(whole_run: WholeRun) -> None:
    thresholds = sum(
        len(benchmark.all_thresholds()) for benchmark in load_profile(TINY).benchmarks.values()
    )
    evaluations = whole_run.result.get_asset_check_evaluations()

    assert len(evaluations) == thresholds + 1  # the gate


def test_a_failing_threshold_fails_its_own_check_and_the_gate(whole_run: WholeRun) -> None:
    evaluations = whole_run.result.get_asset_check_evaluations()
    grouped = checks_by_status(whole_run.result)

    assert grouped["FAIL"] == {FAILING}
    assert grouped["gate"] == {("report", "gate")}
    for evaluation in evaluations:
        key = (evaluation.asset_key.to_user_string(), evaluation.check_name)
        assert evaluation.passed == (key in grouped["PASS"]), evaluation.description


def test_a_check_tells_bound_and_observed_value_as_numbers_and_in_words(
    whole_run: WholeRun,
) -> None:
    [check] = [
        evaluation
        for evaluation in whole_run.result.get_asset_check_evaluations()
        if (evaluation.asset_key.to_user_string(), evaluation.check_name) == FAILING
    ]
    observed = check.metadata["observed"].value

    assert check.metadata["bound"].value == 0.001
    assert isinstance(observed, float)
    assert observed > 0.001
    assert check.metadata["unit"].value == "ms"
    assert check.metadata["threshold"].value == "http_req_duration: p(95)<0.001"
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert check.description is not None
    assert check.description.startswith("FAIL: http_req_duration is ")
    assert check.description.endswith(" ms, wanted p(95)<0.001")


def test_the_gate_says_why_and_with_which_exit_code_the_command_line_would_have_ended(
    whole_run: WholeRun,
) -> None:
    [gate] = [
        evaluation
        for evaluation in whole_run.result.get_asset_check_evaluations()
        if evaluation.check_name == "gate"
    ]

    assert gate.blocking
    assert gate.metadata["exit code"].value == 99
    assert gate.description is not None
    assert "http_req_duration" in gate.description
    [failed] = [event for event in whole_run.result.all_events if event.is_step_failure]
    told = failed.step_failure_data.user_failure_data
    assert told is not None
    assert (told.description or "").endswith("FAIL (exit code 99)")
    assert gate.description.startswith(told.description or "-")


@pytest.mark.parametrize("benchmark", NAMES)
def test_a_benchmark_shows_numbers_that_plot_and_tables_that_read(
    whole_run: WholeRun, benchmark: str
) -> None:
    metadata = metadata_of(whole_run, benchmark)
    plots = [name for name, value in metadata.items() if isinstance(value, dg.FloatMetadataValue)]
    verdicts, picture = metadata["verdicts"], metadata["over time"]
    # A machine too busy to measure has a line of its own in between.
    untroubled = [name for name in metadata if name != "why"]

    assert untroubled[:4] == ["run", "verdict", "profile", "target"]
    assert any(name.startswith("host_cpu_percent avg") for name in plots)
    assert len(plots) <= 11  # ten that plot, and how long it was measured
    assert isinstance(metadata["requests"], dg.TableMetadataValue)
    assert isinstance(picture, dg.MarkdownMetadataValue)
    assert "](data:image/svg+xml;base64," in (picture.md_str or "")
    assert isinstance(verdicts, dg.TableMetadataValue)
    assert [column.name for column in verdicts.schema.columns] == [
        "threshold",
        "observed",
        "status",
        "reason",
    ]


def test_what_was_measured_is_in_the_history_though_the_run_failed(whole_run: WholeRun) -> None:
    run_id = whole_run.result.run_id
    with open_history(State(whole_run.state).history_file) as history:
        outcomes = history.outcomes(run_id)
        verdicts = history.verdicts(run_id)

    assert [outcome.benchmark for outcome in outcomes] == list(NAMES)
    assert [verdict.threshold.source for _, verdict in verdicts if verdict.status == "FAIL"] == [
        "p(95)<0.001"
    ]


def test_all_forms_of_the_report_are_written_and_linked(whole_run: WholeRun) -> None:
    metadata = metadata_of(whole_run, "report")
    paths = {
        name: Path(str(value.value))
        for name, value in metadata.items()
        if isinstance(value, dg.PathMetadataValue)
    }

    assert {"html file", "markdown file", "json file", "junit file"} <= set(paths)
    for path in paths.values():
        assert list(path.parent.glob(path.name)), path  # one CSV for each benchmark
    metrics = json.loads(paths["json file"].read_text())["metrics"]
    assert any(name.startswith("http_req_duration") for name in metrics)
    assert isinstance(metadata["report"], dg.MarkdownMetadataValue)


def test_no_two_benchmarks_of_a_run_overlap(whole_run: WholeRun) -> None:
    with open_history(State(whole_run.state).history_file) as history:
        spans = history.outcomes(whole_run.result.run_id)

    for before, after in itertools.pairwise(spans):
        assert ended(before.began_at, before.wall_s) <= began(after.began_at)


def test_the_stack_is_stopped_after_the_blocking_gate(whole_run: WholeRun) -> None:
    assert of_state(whole_run.state) == []
    assert list((whole_run.state / "stacks").glob("run-*")) == []


def test_no_password_is_in_metadata_or_log(whole_run: WholeRun) -> None:
    logs = [entry.user_message for entry in whole_run.instance.all_logs(whole_run.result.run_id)]
    events = [repr(event) for event in whole_run.result.all_events]
    addresses = [text for text in [*logs, *events] if "postgresql://" in text]

    assert addresses
    assert all("postgresql://birthday:***@" in text for text in addresses)


def test_judging_alone_judges_the_newest_run_again_and_starts_nothing(
    whole_run: WholeRun,
) -> None:
    job = build_defs().resolve_job_def("quick")
    before = sorted(path.name for path in (whole_run.state / "spool").iterdir())

    result = job.execute_in_process(
        run_config=run_config(state=str(whole_run.state)),
        asset_selection=[dg.AssetKey(name) for name in JUDGING],
        instance=whole_run.instance,
        raise_on_error=False,
    )

    [judged] = result.asset_materializations_for_node("threshold_checks")
    assert judged.metadata["run"].value == whole_run.result.run_id
    assert judged.metadata["FAIL"].value == 0  # the profile without the impossible threshold
    assert sorted(path.name for path in (whole_run.state / "spool").iterdir()) == before
    assert list((whole_run.state / "stacks").glob("run-*")) == []


@pytest.mark.parametrize("overrides", [{}, IMPOSSIBLE], ids=["all hold", "one fails"])
def test_the_command_of_ci_ends_with_1_only_if_the_gate_fails(
    whole_run: WholeRun, overrides: dict[str, str]
) -> None:
    process = start_materialize(",".join(JUDGING), whole_run.state, overrides=overrides)
    _, told = process.communicate(timeout=60)

    # On a machine too busy to measure nothing can pass; then the gate says so and fails as well.
    fails = bool(overrides) or "INVALID" in checks_by_status(whole_run.result)
    assert process.returncode == (1 if fails else 0), told
    assert ("The run failed, because" in told or "neither passed nor failed" in told) == fails
    assert "http_req_duration{scenario:create}" in told  # the table of verdicts is in CI's log
