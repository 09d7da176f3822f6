from perf_pipeline.analysis.baseline import Diff, DiffStatus, Series, noise
from perf_pipeline.analysis.environment import environment_changed, withheld


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
