"""Which tier it was, on hand-made stages: the healthy ones are those of the reference system."""

from dataclasses import replace

import pytest

from perf_pipeline.analysis.attribution import Attribution, StageTimes, attribute
from perf_pipeline.analysis.attribution_rules import REMEDIES, STAGES, Tier
from perf_pipeline.analysis.bottleneck import bottlenecks
from perf_pipeline.analysis.finding import Finding, FindingStatus
from perf_pipeline.metrics.summary import Summary

# (typical, tail) in ms, as measured on two cores
HEALTHY = {
    "start": (0.3, 0.5),
    "api": (0.8, 0.9),
    "database": (1.2, 1.4),
    "outbox": (0.9, 1.5),
    "queue": (3.7, 6.4),
    "worker": (5.1, 7.3),
}
Times = tuple[float, float]


def stages(changed: dict[str, Times] | None = None, *, has_before: bool = True) -> list[StageTimes]:
    """Give healthy stages but the changed ones, with the healthy ones as the earlier run."""
    now = {**HEALTHY, **(changed or {})}
    found = [StageTimes(name, typical, tail, tail) for name, (typical, tail) in now.items()]
    if not has_before:
        return found
    return [
        replace(
            stage,
            typical_before_ms=HEALTHY[stage.stage][0],
            tail_before_ms=HEALTHY[stage.stage][1],
        )
        for stage in found
    ]


def verdict(
    changed: dict[str, Times] | None = None,
    *,
    findings: tuple[Finding, ...] = (),
    saturation: float | None = 0.0,
    has_before: bool = True,
) -> Attribution:
    found = attribute(
        stages(changed, has_before=has_before),
        findings,
        saturation_ratio=saturation,
        runs=int(has_before),
    )
    assert found is not None
    return found


def finding(metric: str, value: float, source: str) -> tuple[Finding, ...]:
    summary = Summary(metric, {"source": source}, 10, None, *([value] * 9))
    return tuple(
        bottleneck
        for bottleneck in bottlenecks([summary])
        if bottleneck.status is FindingStatus.FOUND
    )


BUSY = finding("host_cpu_percent", 99.0, "host")
LOCKS = finding("db_locks_waiting", 20.0, "postgres")


@pytest.mark.parametrize("has_before", [True, False])
def test_a_healthy_stack_is_healthy_also_on_a_busy_machine(*, has_before: bool) -> None:
    found = verdict(has_before=has_before, findings=BUSY)

    assert (found.tier, found.name, found.advice) == (None, "healthy", "")


# The changed figures are those of the stacks that were made slow on purpose.
@pytest.mark.parametrize(
    ("tier", "saturation", "changed"),
    [
        pytest.param(Tier.DATABASE, 0.0, {"database": (51.4, 51.7)}, id="pg_sleep in a trigger"),
        pytest.param(
            Tier.DATABASE,
            0.29,
            {"database": (1.4, 1_273.0), "outbox": (1.1, 8.5), "queue": (3.3, 13.7)},
            id="a lock for 1.5 s",
        ),
        pytest.param(Tier.API, 0.04, {"api": (55.0, 276.0)}, id="the API stalls"),
        pytest.param(
            Tier.QUEUE,
            0.01,
            {"outbox": (33.0, 123.0), "queue": (3.2, 155.0), "worker": (5.5, 6.2)},
            id="the broker stalls",
        ),
        pytest.param(
            Tier.WORKER,
            0.01,
            {"queue": (35.8, 149.0), "worker": (6.2, 157.0)},
            id="the worker stalls",
        ),
        pytest.param(
            Tier.WORKER,
            0.05,
            {"queue": (44.0, 50.0), "worker": (4.8, 97.0)},
            id="the worker is throttled in small steps",
        ),
        pytest.param(
            Tier.WORKER,
            0.96,
            {"queue": (900.0, 1_600.0), "worker": (100.0, 100.0)},
            id="the worker is too slow: most of the waiting is in the queue",
        ),
        pytest.param(
            Tier.WORKER,
            0.01,
            {"queue": (47.0, 280.0)},
            id="the worker stalls with nothing in hand",
        ),
        pytest.param(
            Tier.WORKER, None, {"queue": (400.0, 700.0)}, id="nobody knows about the hands"
        ),
        pytest.param(
            Tier.QUEUE,
            0.01,
            {"outbox": (17.0, 20.0), "queue": (2.3, 130.0)},
            id="the broker stalls: the outbox alone would not be slow",
        ),
        pytest.param(Tier.HOST, 0.0, {"start": (5.0, 400.0)}, id="calls start too late"),
    ],
)
@pytest.mark.parametrize("findings", [(), BUSY], ids=["quiet machine", "busy machine"])
def test_the_slow_tier_is_named(
    tier: Tier,
    saturation: float | None,
    changed: dict[str, Times],
    findings: tuple[Finding, ...],
) -> None:
    found = verdict(changed, saturation=saturation, findings=findings)

    assert found.tier is tier
    assert found.advice


def test_a_slow_tier_beside_other_work_is_named_and_measured_again_first() -> None:
    (host,) = BUSY
    others = replace(host, remark="something else keeps it busy")

    found = verdict({"database": (200.0, 800.0)}, findings=(others,))

    assert found.tier is Tier.DATABASE
    assert found.sentence.endswith("so measure again without it first")
    assert "measure again" not in verdict({"database": (200.0, 800.0)}, findings=BUSY).sentence


def test_three_slow_tiers_at_once_on_a_busy_machine_are_the_machine() -> None:
    slow = {"api": (60.0, 300.0), "database": (70.0, 350.0), "worker": (90.0, 600.0)}

    assert verdict(slow, findings=BUSY).tier is Tier.HOST
    assert verdict(slow).tier is Tier.WORKER


def test_without_earlier_runs_the_bounds_decide() -> None:
    """The database's bounds: 50 ms typically, 250 ms in the slowest tenth."""
    just_below = verdict({"database": (50.0, 250.0)}, has_before=False)
    above = verdict({"database": (50.1, 60.0)}, has_before=False)
    tail_above = verdict({"database": (1.0, 250.1)}, has_before=False)

    assert [just_below.tier, above.tier, tail_above.tier] == [None, Tier.DATABASE, Tier.DATABASE]


def test_what_was_always_slow_is_still_named_when_nothing_grew() -> None:
    always = [
        replace(stage, typical_before_ms=stage.typical_ms, tail_before_ms=stage.tail_ms)
        for stage in stages({"database": (80.0, 90.0)})
    ]

    found = attribute(always, runs=9)

    assert found is not None
    assert found.tier is Tier.DATABASE


def test_what_grew_goes_before_what_was_always_slow() -> None:
    one_by_one = {
        stage.stage: stage for stage in stages({"worker": (300.0, 900.0), "api": (50.0, 60.0)})
    }
    worker = one_by_one["worker"]
    one_by_one["worker"] = replace(worker, typical_before_ms=290.0, tail_before_ms=880.0)

    found = attribute(list(one_by_one.values()), runs=3)

    assert found is not None
    assert found.tier is Tier.API


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"database": (21.0, 21.0)}, "19.8 ms more is less than 20"),
        ({"worker": (6.0, 107.0)}, "99.7 ms more in the tail is less than 100"),
        ({"start": (3.0, 5.0)}, "ten times as slow, and nobody notices 3 ms"),
    ],
)
def test_small_growth_is_healthy_whatever_the_ratio(changed: dict[str, Times], why: str) -> None:
    assert verdict(changed).tier is None, why


def test_growth_that_is_not_at_least_double_is_healthy() -> None:
    slow_before = [
        replace(stage, typical_before_ms=100.0, tail_before_ms=200.0)
        for stage in stages({"worker": (190.0, 390.0)})
    ]

    found = attribute([stage for stage in slow_before if stage.stage == "worker"], runs=1)

    assert found is not None
    assert found.tier is None


def test_a_foreign_system_that_tells_nothing_is_judged_by_what_is_known() -> None:
    told = [StageTimes("api", 20, 25, 30), StageTimes("system", 300, 500, 900)]

    found = attribute(told)

    assert found is not None
    assert found.tier is Tier.SYSTEM
    assert "Server-Timing" in found.advice
    assert attribute([]) is None


def test_the_sentence_has_the_figures_before_and_after_and_the_share_of_the_tail() -> None:
    """Tail: 0.5 + 0.9 + 51.7 + 1.5 + 6.4 + 7.3 = 68.3 ms, of which 51.7 is 76 %."""
    found = verdict({"database": (51.4, 51.7)})

    assert found.sentence == (
        "the database holds the latency; in the API's database a typical message spent 51 ms, the "
        "slowest tenth 52 ms, 76 % of it (1.2 ms and 1.4 ms in 1 earlier run)"
    )


def test_the_sentence_says_why_it_is_the_worker_when_messages_wait_in_the_queue() -> None:
    found = verdict({"queue": (900.0, 1_600.0)}, saturation=0.96)

    assert found.sentence.startswith("the worker holds the latency; waiting for a worker a typical")
    assert found.sentence.endswith(
        "all slots of the workers were busy in 96 % of that waiting time"
    )


@pytest.mark.parametrize(
    ("saturation", "changed", "word"),
    [
        (0.0, {"outbox": (30.0, 120.0), "queue": (3.2, 150.0)}, "brokers' CPU"),
        (0.1, {"queue": (400.0, 700.0)}, "rebalances"),
        (0.96, {"queue": (400.0, 700.0)}, "15-20 workers"),
    ],
    ids=["slow broker", "slow fetching", "too few hands"],
)
def test_the_advice_follows_the_cause_behind_the_queue(
    saturation: float, changed: dict[str, Times], word: str
) -> None:
    assert word in verdict(changed, saturation=saturation).advice


def test_a_bottleneck_of_the_tier_is_its_evidence_and_gives_the_advice() -> None:
    found = verdict({"database": (1.4, 1_273.0)}, findings=(*BUSY, *LOCKS))

    assert [entry.rule for entry in found.evidence] == ["lock waits"]
    assert "pg_locks" in found.advice
    assert verdict({"database": (1.4, 1_273.0)}).advice == REMEDIES[Tier.DATABASE]


def test_stages_come_in_the_order_of_the_way_and_an_unknown_one_is_refused() -> None:
    found = attribute(list(reversed(stages())))

    assert found is not None
    assert [stage.stage for stage in found.stages] == [stage.name for stage in STAGES][:-1]
    with pytest.raises(KeyError, match="parcel"):
        attribute([StageTimes("parcel", 1, 1, 1)])
