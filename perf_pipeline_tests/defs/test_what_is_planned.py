"""What a Dagster run is to do: what was selected, without what the profile leaves out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from perf_pipeline.benchmarks.registry import NAMES
from perf_pipeline.definitions import build_defs, defs
from perf_pipeline.defs.selection import asked_for, require_whole, stands_for
from perf_pipeline.errors import ProfileError
from perf_pipeline.judging.judge import recover_run
from perf_pipeline.store.history import open_history
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.dagster.own_profiles import own_profile
from perf_pipeline_tests.support.dagster.runs import JUDGING, run_config
from perf_pipeline_tests.support.histories.half_runs import A, B, HalfRun
from perf_pipeline_tests.support.servers.created_users import api_alone

pytestmark = pytest.mark.timeout(180)
CACHE = "cache_benchmark"
OFF = {f"benchmarks.{B}.enabled": "false"}


@dataclass(frozen=True, slots=True)
class PartialRun:
    """Hold a run that left benchmarks out, with its state folder."""

    state: Path
    result: dg.ExecuteInProcessResult

    def checks_of(self, benchmark: str) -> list[dg.AssetCheckEvaluation]:
        """Give what the checks of one benchmark said."""
        return [
            evaluation
            for evaluation in self.result.get_asset_check_evaluations()
            if evaluation.asset_key.path == [benchmark]
        ]


def materialize(state: Path, *names: str, **config: object) -> dg.ExecuteInProcessResult:
    """Materialise a few assets with the tiny profile."""
    job = defs.resolve_job_def("quick")
    return job.execute_in_process(
        run_config=run_config(state=str(state), **config),
        asset_selection=[dg.AssetKey(name) for name in names],
        raise_on_error=False,
    )


@pytest.fixture(scope="module")
def partial_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartialRun]:
    """Measure one benchmark of three on an API alone: one is switched off, one has no Redis."""
    state = tmp_path_factory.mktemp("partial")
    off = {f"benchmarks.{name}.enabled": "false" for name in NAMES if name not in {A, CACHE}}
    with api_alone() as environ, pytest.MonkeyPatch.context() as patch:
        for name, address in environ.items():
            patch.setenv(name, address)
        yield PartialRun(state, materialize(state, A, B, CACHE, *JUDGING, overrides=off))


def test_a_benchmark_that_is_switched_off_gets_no_load_and_is_not_missed(
    partial_run: PartialRun,
) -> None:
    state, result = partial_run.state, partial_run.result
    [left_out] = result.asset_materializations_for_node(B)
    assert left_out.metadata["status"].value == "left out"
    assert str(left_out.metadata["why"].value).startswith(
        f"{B} is switched off in profile tiny, so no load was sent"
    )
    checks = partial_run.checks_of(B)
    assert checks
    assert not any(check.passed for check in checks)
    assert {check.severity for check in checks} == {dg.AssetCheckSeverity.WARN}
    with open_history(State(state).history_file) as history:
        assert history.run(result.run_id).planned == (A,)
        assert [outcome.benchmark for outcome in history.outcomes(result.run_id)] == [A]
    [judged] = result.asset_materializations_for_node("threshold_checks")
    assert judged.metadata["run"].value == result.run_id
    assert judged.metadata["NO_DATA"].value == 0
    assert not (State(state).spool / result.run_id / B).exists()


def test_a_benchmark_whose_part_is_absent_gets_no_load_and_is_not_missed(
    partial_run: PartialRun,
) -> None:
    state, result = partial_run.state, partial_run.result
    [left_out] = result.asset_materializations_for_node(CACHE)
    assert left_out.metadata["status"].value == "left out"
    assert str(left_out.metadata["why"].value).startswith(
        f"{CACHE} is left out, because target local has no Redis; set PERF_REDIS_URL"
    )
    checks = partial_run.checks_of(CACHE)
    assert len(checks) == 4
    assert {(check.passed, check.severity) for check in checks} == {
        (False, dg.AssetCheckSeverity.WARN)
    }
    with open_history(State(state).history_file) as history:
        assert history.run(result.run_id).planned == (A,)
    [judged] = result.asset_materializations_for_node("threshold_checks")
    assert judged.metadata["NO_DATA"].value == 0


def test_a_run_in_which_all_is_switched_off_fails_and_judges_no_older_run(tmp_path: Path) -> None:
    HalfRun(tmp_path).begin().measure(A).measure(B)
    recover_run(State(tmp_path), "r1")

    result = materialize_refused(tmp_path)

    assert "end_to_end is switched off in profile tiny" in result
    assert [path.name for path in State(tmp_path).spool.iterdir()] == ["r1"]


def materialize_refused(state: Path) -> str:
    """Give what is said when the only selected benchmark is switched off."""
    with pytest.raises(dg.DagsterResourceFunctionError) as caught:
        defs.resolve_job_def("quick").execute_in_process(
            run_config=run_config(state=str(state), overrides=OFF),
            asset_selection=[dg.AssetKey(name) for name in (B, *JUDGING)],
        )
    return str(caught.value.__cause__)


def test_judging_alone_counts_what_the_run_was_to_do_and_did_not(tmp_path: Path) -> None:
    HalfRun(tmp_path).begin().measure(A)
    recover_run(State(tmp_path), "r1")

    result = materialize(tmp_path, *JUDGING, profile="")

    [judged] = result.asset_materializations_for_node("threshold_checks")
    assert judged.metadata["run"].value == "r1"
    assert judged.metadata["NO_DATA"].value == 3  # two promises, and that the target answered
    [gate] = [
        evaluation
        for evaluation in result.get_asset_check_evaluations()
        if evaluation.check_name == "gate"
    ]
    assert not gate.passed
    assert gate.metadata["exit code"].value == 97
    assert f"NOT_RUN {B}" in str(gate.description)


def test_checks_alone_are_of_the_last_run_that_has_the_benchmark(tmp_path: Path) -> None:
    for run_id, benchmark in (("r1", B), ("r2", A)):
        HalfRun(tmp_path, run_id, (benchmark,)).begin().measure(benchmark)
        recover_run(State(tmp_path), run_id)
    selection = dg.AssetSelection.checks_for_assets(B)
    job = dg.define_asset_job("checks", selection, executor_def=dg.in_process_executor)
    definitions = dg.Definitions.merge(defs, dg.Definitions(jobs=[job]))

    result = definitions.resolve_job_def("checks").execute_in_process(
        run_config=run_config(state=str(tmp_path))
    )

    names = {
        evaluation.check_name
        for evaluation in result.get_asset_check_evaluations()
        if evaluation.passed
    }
    assert names >= {"http_req_failed__rate", "http_req_duration__p95"}


def test_a_run_that_re_executes_another_is_to_do_what_that_one_was_to_do() -> None:
    job = defs.resolve_job_def("quick")
    with dg.DagsterInstance.ephemeral() as instance:
        first = instance.create_run_for_job(job, asset_selection=keys(A, B, "report"))
        failed = again(instance, job, first, B, "report")
        judging = again(instance, job, first, "report")

        assert asked_for(first, instance, [A, B]) == [A, B]
        assert asked_for(failed, instance, [A, B]) == [A, B]
        assert asked_for(judging, instance, [A, B]) == []
        assert stands_for(judging, instance) == [judging.run_id, first.run_id]


@pytest.mark.parametrize("change", [("false", "true"), ("buy", "sell")], ids=["on", "new"])
def test_a_profile_that_enables_more_than_the_graph_holds_is_not_run_by_halves(
    tmp_path: Path, change: tuple[str, str]
) -> None:
    profile = own_profile(tmp_path / "shop.toml")
    job = build_defs([profile]).resolve_job_def("shop_visits")
    profile.write_text(profile.read_text().replace(*change))

    with pytest.raises(dg.DagsterResourceFunctionError) as caught:
        job.execute_in_process(
            run_config={"resources": {"perf_run": {"config": {"profile": str(profile)}}}}
        )

    told = str(caught.value.__cause__)
    if change[1] == "true":
        assert "benchmarks.search is enabled, and is not in job shop_visits" in told
    else:
        assert "benchmarks.sell is enabled, and is not in the graph" in told


def test_who_selects_assets_leaves_the_others_out() -> None:
    job = defs.resolve_job_def("quick")
    with dg.DagsterInstance.ephemeral() as instance:
        chosen = instance.create_run_for_job(job, asset_selection=keys(A), tags=dict(job.run_tags))

        assert require_whole(chosen, [A], [A, B], [A, B]) == ""
        told = require_whole(chosen, [A], [A, "sell"], [A, B])
        assert told.startswith("not measured, because the loaded code location has no such asset")
        # All assets at once are no choice: A and B are all, and the profile has sell as well.
        with pytest.raises(ProfileError, match="benchmarks.sell is enabled"):
            require_whole(chosen, [A, B], [A, "sell"], [A, B])


def test_an_override_that_a_job_does_not_hold_is_refused_with_what_helps() -> None:
    job = defs.resolve_job_def("quick")
    with dg.DagsterInstance.ephemeral() as instance:
        whole = instance.create_run_for_job(job, tags=dict(job.run_tags))

        with pytest.raises(ProfileError, match=f"benchmarks.{B} is .* not in job quick") as caught:
            require_whole(whole, [A], [A, B], [A, B], [f"benchmarks.{B}.enabled"])

    assert caught.value.hint.startswith("`overrides` of the run's config enables it")


def keys(*names: str) -> frozenset[dg.AssetKey]:
    """Give asset keys as Dagster wants them."""
    return frozenset(map(dg.AssetKey, names))


def again(
    instance: dg.DagsterInstance, job: dg.JobDefinition, first: dg.DagsterRun, *names: str
) -> dg.DagsterRun:
    """Make the run that executes some assets of another run again."""
    return instance.create_run_for_job(
        job,
        asset_selection=keys(*names),
        parent_run_id=first.run_id,
        root_run_id=first.run_id,
    )
