"""Profiles of one's own in Dagster: their assets, checks and jobs, and a run of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from perf_pipeline.definitions import build_defs
from perf_pipeline.errors import ProfileError
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.dagster.own_profiles import VISITS, own_profile
from perf_pipeline_tests.support.dagster.runs import JUDGING
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.http_target import http_target
from perf_pipeline_tests.support.servers.point_receiver import ReadPoint, point_receiver

pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True, slots=True)
class OwnRun:
    """Hold a run of a profile's job."""

    result: dg.ExecuteInProcessResult
    tags: dict[str, str]
    command: CommandLine
    sent: list[ReadPoint]
    place: str


@pytest.fixture(scope="module")
def own_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRun]:
    """Run the job of a profile of one's own, which has nothing of the reference system."""
    folder = tmp_path_factory.mktemp("own")
    state, place = str(new_state(folder / "state")), str(folder / "place")
    with (
        http_target() as target,
        point_receiver() as receiver,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        overrides = {"out.prometheus": receiver.url, "history.remote": place}
        path = own_profile(folder / "shop.toml", target.port)
        result = (
            build_defs([path])
            .resolve_job_def("shop_visits")
            .execute_in_process(
                run_config={
                    "resources": {
                        "perf_run": {
                            "config": {"profile": str(path), "state": state, "overrides": overrides}
                        }
                    }
                },
                instance=instance,
                tags={"perf_pipeline/tag.env": "staging", "other": "x"},
            )
        )
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        sent, command = receiver.remote_writes, CommandLine(Path(state))
        yield OwnRun(result, dict(run.tags), command, sent, place)


def test_every_benchmark_of_a_profile_is_an_asset_with_its_words_and_thresholds(
    tmp_path: Path,
) -> None:
    graph = build_defs([own_profile(tmp_path / "shop.toml")]).resolve_asset_graph()

    names = [key.to_user_string() for key in graph.toposorted_asset_keys]
    assert sorted(names[: len(VISITS)]) == sorted(VISITS)
    assert names[len(VISITS) :] == list(JUDGING)
    search = graph.get(dg.AssetKey("search"))
    assert search.group_name == "shop"
    assert "People search." in (search.description or "")
    assert list(search.parent_keys) == []
    assert {key.name for key in search.check_keys} == {
        "http_req_duration__p95",
        "target_answered__rate",
    }


def test_a_job_holds_exactly_what_its_profile_enables(tmp_path: Path) -> None:
    definitions = build_defs([own_profile(tmp_path / "shop.toml"), "quick"])

    own = definitions.resolve_job_def("shop_visits")
    quick = definitions.resolve_job_def("quick")

    assert own.run_config == {
        "resources": {"perf_run": {"config": {"profile": str(tmp_path / "shop.toml")}}}
    }
    assert assets_of(own) == {"walk", "buy", *JUDGING}
    assert not {"walk", "buy", "search"} & assets_of(quick)
    assert {"seeded_users", "end_to_end"} <= assets_of(quick)


def assets_of(job: dg.JobDefinition) -> set[str]:
    """Give the names of a job's assets."""
    return {key.to_user_string() for key in job.asset_layer.executable_asset_keys}


@pytest.mark.parametrize("name", ["walk", "report", "seeded_users"])
def test_a_profile_with_the_name_of_an_asset_has_a_job_beside_it(tmp_path: Path, name: str) -> None:
    path = own_profile(tmp_path / "shop.toml")
    path.write_text(path.read_text().replace("shop-visits", name))

    definitions = build_defs([path])

    dg.Definitions.validate_loadable(definitions)
    assert [job.name for job in definitions.jobs or ()] == [f"{name}_job"]


def test_a_benchmark_with_the_name_of_another_asset_is_refused_in_a_sentence(
    tmp_path: Path,
) -> None:
    path = own_profile(tmp_path / "shop.toml")
    path.write_text(path.read_text().replace("benchmarks.walk", "benchmarks.report"))

    with pytest.raises(ProfileError, match="report has the name of another asset in Dagster"):
        build_defs([path])


def test_profiles_whose_jobs_would_share_a_name_are_refused_in_a_sentence(tmp_path: Path) -> None:
    paths = [own_profile(tmp_path / name) for name in ("a.toml", "b.toml")]
    paths[1].write_text(paths[1].read_text().replace("shop-visits", "shop_visits"))

    with pytest.raises(
        ProfileError, match="shop_visits; as a job it has the same name as shop-visits in"
    ):
        build_defs(paths)


def test_profiles_come_from_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_profile(tmp_path / "shop.toml")
    monkeypatch.setenv("PERF_PROFILES", str(tmp_path))

    definitions = build_defs()

    assert [job.name for job in definitions.jobs or ()] == ["shop_visits"]
    assert list(definitions.schedules or ()) == []


def test_a_profile_with_mistakes_is_told_where_the_graph_is_loaded(tmp_path: Path) -> None:
    path = own_profile(tmp_path / "shop.toml")
    path.write_text(path.read_text().replace("vus = 1", "vus = 0"))

    with pytest.raises(ProfileError, match=r"benchmarks\.walk\.scenarios\.visits\.vus"):
        build_defs([path])


def test_a_run_measures_in_the_order_of_the_profile_also_across_what_is_left_out(
    own_run: OwnRun,
) -> None:
    assert own_run.result.success
    order = [
        event.asset_key.to_user_string()
        for event in own_run.result.all_events
        if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key
    ]
    assert order == ["walk", "buy", *JUDGING]


def test_the_checks_of_one_s_own_benchmarks_tell_bound_and_observed_value(own_run: OwnRun) -> None:
    checks = {
        (evaluation.asset_key.to_user_string(), evaluation.check_name): evaluation
        for evaluation in own_run.result.get_asset_check_evaluations()
    }

    check = checks["buy", "http_req_duration__p95"]
    assert check.passed
    assert check.metadata["bound"].value == 9_000.0
    observed = check.metadata["observed"].value
    assert isinstance(observed, float)
    assert 0 < observed < 9_000
    assert checks["report", "gate"].passed


def test_asset_and_run_say_profile_target_and_verdict(own_run: OwnRun) -> None:
    [materialized] = own_run.result.asset_materializations_for_node("walk")
    shown = materialized.metadata

    assert shown["profile"].value == "shop-visits"
    assert shown["target"].value == "here"
    assert shown["verdict"].value == "PASS"
    assert own_run.tags["perf_pipeline/profile"] == "shop-visits"
    assert own_run.tags["perf_pipeline/target"] == "here"
    assert own_run.tags["perf_pipeline/verdict"] == "PASS"


def test_a_tag_that_a_run_is_launched_with_is_a_tag_of_the_stored_run(own_run: OwnRun) -> None:
    assert own_run.command.sql("select run_tags from runs") == [({"env": "staging"},)]
    [materialized] = own_run.result.asset_materializations_for_node("walk")
    assert materialized.metadata["tag.env"].value == "staging"


def test_a_run_is_to_do_the_benchmarks_of_its_own_profile(own_run: OwnRun) -> None:
    assert own_run.command.sql("select planned from runs") == [(["walk", "buy"],)]


def test_a_run_in_dagster_sends_its_figures_where_its_profile_says(own_run: OwnRun) -> None:
    counted = own_run.command.value("select count(*) from samples where outcome <> 'interrupted'")
    totals = {
        (point.labels["benchmark"], point.labels["scenario"], point.labels["name"]): point.value
        for point in own_run.sent
        if point.name == "perf_operations_total" and point.value == point.value
    }

    assert sum(totals.values()) == counted > 0
    assert {point.labels["testid"] for point in own_run.sent if "testid" in point.labels} == {
        own_run.result.run_id
    }
    assert "perf_run_figure" in {point.name for point in own_run.sent}


def test_a_run_in_dagster_is_pushed_where_its_profile_says(own_run: OwnRun, tmp_path: Path) -> None:
    team = CommandLine(tmp_path)
    pulled = team.here("pull", own_run.place)

    assert pulled.out == f"pulled 1 run from {own_run.place}; 0 were there already\n"
    assert team.sql("select run_id from runs") == own_run.command.sql("select run_id from runs")
    verdicts = "select benchmark, metric, status from verdicts order by all"
    assert team.sql(verdicts) == own_run.command.sql(verdicts) != []
