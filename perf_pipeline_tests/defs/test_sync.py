"""Runs that the command line made appear in Dagster: once, at their time, with their checks."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from perf_pipeline.defs.stored_runs import RUN_TAG, events_of
from perf_pipeline.defs.sync import bring_in, runless
from perf_pipeline.judging.publish import publish, report_of
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.synthetic_history import API, Made, add_runs, api_runs
from perf_pipeline_tests.support.silent import hush


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def materialized(instance: dg.DagsterInstance, asset: str) -> list[tuple[str, float]]:
    """Give run and time of each materialisation of an asset, the oldest first."""
    found = instance.fetch_materializations(dg.AssetKey(asset), limit=100, ascending=True)
    return [
        (record.asset_materialization.tags[RUN_TAG], record.timestamp)
        for record in found.records
        if record.asset_materialization is not None and record.asset_materialization.tags
    ]


def evaluations(instance: dg.DagsterInstance, asset: str, check: str) -> list[bool]:
    """Give whether each evaluation of a check passed, the oldest first."""
    key = dg.AssetCheckKey(dg.AssetKey(asset), check)
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    events = [record.event for record in reversed(history) if record.event]
    return [
        event.dagster_event.asset_check_evaluation_data.passed
        for event in events
        if event.dagster_event
    ]


def test_stored_runs_appear_oldest_first_at_the_time_they_began(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    add_runs(tmp_path, api_runs(80.0, 90.0))

    count = bring_in(instance, State(tmp_path), (), say=hush)

    # The made-up runs begin at one and at two o'clock.
    first, second = (datetime(2026, 11, 1, hour, tzinfo=UTC).timestamp() for hour in (1, 2))
    assert count == 2
    assert materialized(instance, API) == [("r001", first), ("r002", second)]
    assert materialized(instance, "report") == [("r001", first), ("r002", second)]


def test_a_second_time_brings_in_only_what_is_new(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    state = State(tmp_path)
    add_runs(tmp_path, api_runs(80.0))
    bring_in(instance, state, (), say=hush)

    again = bring_in(instance, state, (), say=hush)
    add_runs(tmp_path, api_runs(81.0))
    after = bring_in(instance, state, (), say=hush)

    assert (again, after) == (0, 1)
    assert [run_id for run_id, _ in materialized(instance, API)] == ["r001", "r002"]
    assert len(evaluations(instance, API, "http_req_duration__p95")) == 2


def test_what_was_cut_off_in_the_middle_is_completed_and_not_repeated(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    add_runs(tmp_path, api_runs(80.0))
    began_s = datetime(2026, 11, 1, 1, tzinfo=UTC).timestamp()
    first = next(iter(events_of(report_of(State(tmp_path), "r001"), {})))
    for event in runless(first):
        instance.report_dagster_event(event, run_id="", timestamp=began_s)

    count = bring_in(instance, State(tmp_path), (), say=hush)

    assert count == 1
    assert len(materialized(instance, API)) == 1
    assert len(materialized(instance, "report")) == 1


def test_each_threshold_is_a_check_and_the_gate_tells_the_exit_code(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    threshold = parse_threshold("http_req_duration", "p(95)<1000")
    add_runs(tmp_path, api_runs(80.0, 4_000.0))
    with State(tmp_path).history() as history:
        for run_id, observed in (("r001", 80.0), ("r002", 4_000.0)):
            history.store_verdicts({RunKey(run_id, API): [threshold.judge(observed)]})

    bring_in(instance, State(tmp_path), (), say=hush)

    assert evaluations(instance, API, "http_req_duration__p95") == [True, False]
    latest = instance.get_latest_asset_check_evaluation_record(
        dg.AssetCheckKey(dg.AssetKey("report"), "gate")
    )
    assert latest is not None
    assert latest.event is not None
    assert latest.event.dagster_event is not None
    gate = latest.event.dagster_event.asset_check_evaluation_data
    assert not gate.passed
    assert gate.metadata["exit code"].value == 99


def test_a_run_that_dagster_made_is_not_brought_in_again(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    @dg.job
    def nothing() -> None: ...

    made = instance.create_run_for_job(nothing)
    add_runs(tmp_path, [Made({API: 80.0}, run_id=made.run_id, trigger="dagster")])

    assert bring_in(instance, State(tmp_path), (), say=hush) == 0
    assert materialized(instance, API) == []


def test_a_benchmark_shows_one_table_of_requests_one_plot_and_at_most_ten_numbers(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    add_runs(tmp_path, [Made({API: 80.0}, revision={"version": "v1.4.2"})])

    bring_in(instance, State(tmp_path), ["r001"], say=hush)

    event = instance.get_latest_materialization_event(dg.AssetKey(API))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    tables = [name for name, value in metadata.items() if isinstance(value, dg.TableMetadataValue)]
    numbers = [name for name, value in metadata.items() if isinstance(value, dg.FloatMetadataValue)]
    assert metadata["version"].value == "v1.4.2"
    assert tables == ["requests", "verdicts"]
    assert "http_req_duration med (ms)" in numbers
    assert len(numbers) <= 11  # ten that plot, and how long it was measured


def test_the_report_shows_every_form_that_was_written(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    add_runs(tmp_path, api_runs(80.0))
    publish(State(tmp_path), "r001")

    bring_in(instance, State(tmp_path), (), say=hush)

    event = instance.get_latest_materialization_event(dg.AssetKey("report"))
    assert event is not None
    assert event.asset_materialization is not None
    shown = event.asset_materialization.metadata
    files = {name: value for name, value in shown.items() if name.endswith(" file")}
    assert sorted(files) == ["html file", "json file", "junit file", "markdown file"]
