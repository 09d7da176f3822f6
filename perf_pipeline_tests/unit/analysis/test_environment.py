from perf_pipeline.analysis.baseline import Diff, DiffStatus, Series, noise
from perf_pipeline.analysis.environment import (
    changed_facts,
    environment_changed,
    suspects_moved,
    withheld,
)


def of(metric: str, status: DiffStatus, statistic: str = "p(95)") -> Diff:
    return Diff(Series(metric, {}, statistic), 1.0, noise([1.0] * 5), None, None, status)


TIERS = ("http_req_duration", "db_query_duration", "message_delivery_duration", "consume_rate")


def test_half_of_the_unrelated_metrics_worse_together_is_the_environment() -> None:
    diffs = [of(TIERS[0], DiffStatus.SUSPECT), of(TIERS[1], DiffStatus.REGRESSED)]
    diffs += [of(metric, DiffStatus.OK) for metric in TIERS[2:]]

    assert environment_changed(diffs)
    assert [diff.status for diff in withheld(diffs)] == [
        DiffStatus.ENVIRONMENT_CHANGED,
        DiffStatus.ENVIRONMENT_CHANGED,
        DiffStatus.OK,
        DiffStatus.OK,
    ]


def test_one_of_four_metrics_worse_is_a_regression() -> None:
    diffs = [of(TIERS[0], DiffStatus.REGRESSED)]
    diffs += [of(metric, DiffStatus.OK) for metric in TIERS[1:]]

    assert not environment_changed(diffs)
    assert withheld(diffs) == tuple(diffs)


def test_one_tier_alone_is_never_the_environment() -> None:
    slow = ("http_req_duration", "http_reqs", "user_creation_duration", "http_req_failed")
    diffs = [of(metric, DiffStatus.REGRESSED) for metric in slow]
    diffs += [of("db_query_duration", DiffStatus.OK)]

    assert not environment_changed(diffs)


def test_many_statistics_of_one_metric_count_once() -> None:
    diffs = [of(TIERS[0], DiffStatus.SUSPECT, s) for s in ("med", "p(90)", "p(95)", "max")]
    diffs += [of(metric, DiffStatus.OK) for metric in TIERS[1:]]

    assert not environment_changed(diffs)


def test_metrics_of_every_tier_have_no_say() -> None:
    diffs = [of(metric, DiffStatus.SUSPECT) for metric in ("iterations", "message_latency")]
    diffs += [of(metric, DiffStatus.OK) for metric in TIERS]

    assert not environment_changed(diffs)


def test_two_metrics_are_too_few_to_accuse_the_environment() -> None:
    assert not environment_changed([of(metric, DiffStatus.SUSPECT) for metric in TIERS[:2]])


def test_no_diffs_are_no_change_of_environment() -> None:
    assert not environment_changed([])
    assert withheld([]) == ()


P95, MED, QUERY = "http_req_duration p(95)", "http_req_duration med", "db_query_duration p(95)"


def test_suspects_that_are_others_at_every_run_are_the_environment() -> None:
    before = {("api_user_creation", P95), ("api_user_creation", MED)}
    now = {("database_benchmark", QUERY), ("end_to_end", P95)}

    assert suspects_moved(now, before)
    statuses = [DiffStatus.REGRESSED, DiffStatus.OK]
    gated = withheld([of(TIERS[0], status) for status in statuses], moved=True)
    assert [diff.status for diff in gated] == [DiffStatus.ENVIRONMENT_CHANGED, DiffStatus.OK]
    assert gated[0].reason.startswith("the run before had other suspects")


def test_a_suspect_that_comes_again_is_not_the_environment() -> None:
    before = {("api_user_creation", P95), ("api_user_creation", MED)}

    assert not suspects_moved({("api_user_creation", P95), ("end_to_end", P95)}, before)


def test_single_suspects_come_by_chance() -> None:
    assert not suspects_moved({("end_to_end", P95)}, {("end_to_end", MED), ("end_to_end", QUERY)})
    assert not suspects_moved({("end_to_end", P95), ("end_to_end", MED)}, frozenset())


def test_facts_that_differ_are_named_with_both_values() -> None:
    before = {"cpu": "Xeon", "postgres": "postgres 17.1", "redis": "redis 6.2"}
    after = {"cpu": "Xeon", "postgres": "postgres 18.4", "api.processes": "2"}

    assert changed_facts(before, after) == [
        "api.processes: absent -> 2",
        "postgres: postgres 17.1 -> postgres 18.4",
        "redis: redis 6.2 -> absent",
    ]
    assert changed_facts(before, before) == []
