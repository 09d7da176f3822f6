"""When a load is given up: only when failures go on, and nothing has gone well meanwhile."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.target import TargetConfig, resolve_target
from perf_pipeline.engine.planned import PlannedNow
from perf_pipeline.engine.progress import Progress, ScenarioProgress
from perf_pipeline.loading.broker_watch import BrokerWatch
from perf_pipeline.loading.live import LiveJudge
from perf_pipeline.loading.progress import LoadWatch
from perf_pipeline.loading.progress_line import line_of
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.store.records import RunKey
from perf_pipeline_tests.support.histories.spool import KEY, Spool, sample
from perf_pipeline_tests.support.loads.sessions import session_with
from perf_pipeline_tests.support.silent import Silent

REMEDY = (
    "after 5s without an answer; for a target that comes back by itself, as after a failover, set "
    "goneAfter of [targets.local] above the time that it takes"
)
NOBODY = LiveJudge(Path("nowhere"), RunKey("", ""), [])


def watch(
    judge: LiveJudge = NOBODY,
    brokers: BrokerWatch | None = None,
    narrator: Silent | None = None,
    target: TargetConfig = TargetConfig(),  # noqa: B008 - frozen
) -> LoadWatch:
    made = session_with(load_profile("quick"), resolve_target("local", target, {}))
    session = replace(made, narrator=narrator or made.narrator)
    return LoadWatch(session, "api_user_creation", judge, 0, brokers)


def progress(elapsed_s: float, ok: int, failed: int) -> Progress:
    return told(elapsed_s, ok, failed, {"refused": failed})


def fed(counts: Iterable[tuple[float, int, int]]) -> LoadWatch:
    """Give a watch that has seen (elapsed seconds, ok, failed) one after another."""
    one = watch()
    for elapsed_s, ok, failed in counts:
        one.on_progress(progress(elapsed_s, ok, failed))
    return one


def test_a_broker_that_leads_elsewhere_ends_the_load() -> None:
    brokers = BrokerWatch(None, ())
    one = watch(brokers=brokers)

    one.on_progress(progress(1.0, 10, 0))
    before = one.stop.is_set()
    brokers.problem = "the brokers b:1 advertise 10.9.8.7:9092"
    one.on_progress(progress(2.0, 20, 0))

    assert not before
    assert one.stop.is_set()
    assert one.problem == ("the brokers b:1 advertise 10.9.8.7:9092, so the load was ended")


def test_five_seconds_in_which_nobody_answers_end_the_load() -> None:
    """The first failure is seen at 3 s; at 8 s it has been going on for 5 s."""
    seen = [(1.0, 10, 0), (2.0, 20, 0), *((float(s), 20, 10 * (s - 2)) for s in range(3, 8))]

    assert fed(seen).problem is None
    ended = fed([*seen, (8.0, 20, 60)])

    assert ended.stop.is_set()
    assert ended.problem is not None
    assert "from 3 s to 8 s every operation of api_user_creation failed" in ended.problem


@pytest.mark.parametrize(
    ("ways", "cause"),
    [
        ({"refused": 60}, f"failed: refused, the target is gone, so the load was ended {REMEDY}"),
        (
            {"timeout": 40, "reset": 20},
            "failed: timeout (67 %), reset (33 %), the target is gone, so the load was ended "
            + REMEDY,
        ),
        ({"57P03": 60}, f"failed: 57P03, the target is gone, so the load was ended {REMEDY}"),
        # Nobody was asked: this machine has no more ports.
        ({"generator": 60}, "failed: generator, so the load was ended"),
    ],
)
def test_a_load_that_is_given_up_says_how_operations_failed(
    ways: dict[str, int], cause: str
) -> None:
    """What failed before the last success is not among them."""
    one = watch()
    early = {"truncated": 7}
    one.on_progress(told(2.0, 20, 7, early))
    one.on_progress(told(3.0, 20, 17, early | {next(iter(ways)): 1}))
    one.on_progress(told(8.0, 20, 67, early | ways))

    assert one.problem == f"from 3 s to 8 s every operation of api_user_creation {cause}"


@pytest.mark.parametrize(
    ("ways", "cause"),
    [
        ({"status 403": 60}, "failed: status 403; the target answers"),
        (
            {"status 500": 45, "status 503": 15},
            "failed: status 500 (75 %), status 503 (25 %); the target answers",
        ),
        ({"refused": 30, "status 503": 30}, "failed: refused (50 %), status 503 (50 %); the"),
        ({"25006": 60}, "failed: 25006; the target answers"),
        (
            {"unknown_topic_or_part": 60},
            "failed: unknown_topic_or_part, the topic was deleted; the target answers",
        ),
        (
            {"unknown_topic_or_part": 45, "msg_timed_out": 15},
            "failed: unknown_topic_or_part (75 %), msg_timed_out (25 %); the target answers",
        ),
    ],
)
def test_a_target_that_answers_ends_no_load_however_it_answers(
    ways: dict[str, int], cause: str
) -> None:
    """That is for thresholds; a person is told once."""
    narrator = Heard()
    one = watch(narrator=narrator)
    one.on_progress(told(2.0, 20, 0, {}))
    one.on_progress(told(3.0, 20, 1, {next(iter(ways)): 1}))
    for times in (1, 2):
        at_s = 8.0 * times
        one.on_progress(told(at_s, 20, 60, {way: count * times for way, count in ways.items()}))

    assert not one.stop.is_set()
    assert len(narrator.said) == 1
    assert narrator.said[0].startswith(
        f"from 3 s to 8 s every operation of api_user_creation {cause}"
    )


def test_an_answer_between_failures_of_silence_is_a_sign_of_life() -> None:
    """Refused from 2 s on, one answer at 6 s, refused again: 5 s of silence are over at 12 s."""
    one = watch()
    one.on_progress(told(2.0, 0, 9, {"refused": 9}))
    one.on_progress(told(6.0, 0, 19, {"refused": 18, "status 503": 1}))
    one.on_progress(told(7.0, 0, 29, {"refused": 28, "status 503": 1}))
    one.on_progress(told(11.9, 0, 39, {"refused": 38, "status 503": 1}))
    before = one.problem
    one.on_progress(told(12.0, 0, 49, {"refused": 48, "status 503": 1}))

    assert before is None
    assert one.problem is not None
    assert "from 7 s to 12 s" in one.problem


class Heard(Silent):
    """Remember what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


def told(elapsed_s: float, ok: int, failed: int, ways: dict[str, int]) -> Progress:
    one = ScenarioProgress("create_users", 4, ok + failed, 0, ok, failed, 12.3, ways)
    return Progress(elapsed_s, (one,))


def test_a_target_that_hangs_is_given_up_although_its_failures_come_in_bursts() -> None:
    """All VUs wait for the same time-out of 10 s, so failures are seen at 12 s and 22 s only."""
    seen = [(2.0, 20, 0), *((float(s), 20, 0 if s < 12 else 4) for s in range(3, 22))]

    assert fed(seen).problem is None
    assert fed([*seen, (22.0, 20, 8)]).problem is not None


def test_a_target_that_takes_30_seconds_to_come_back_is_waited_for_where_the_profile_says_so() -> (
    None
):
    """A failover from 2 s to 32 s; what nobody answers for 40 s is gone then, as well."""
    patient = TargetConfig.model_validate({"goneAfter": "40s"})
    narrator = Heard()
    load = watch(target=patient, narrator=narrator)
    for s in range(2, 32):
        load.on_progress(progress(float(s), 20, 10 * (s - 1)))
    load.on_progress(progress(32.0, 30, 300))
    after_failover = load.problem
    for s in range(33, 74):
        load.on_progress(progress(float(s), 30, 10 * s))

    assert after_failover is None
    assert narrator.said[0].startswith(
        "from 3 s to 8 s every operation of api_user_creation failed: refused; the load goes on, "
        "because goneAfter of [targets.local] is 40s ("
    )
    assert load.problem is not None
    assert "from 33 s to 73 s every operation" in load.problem
    assert "the load was ended after 40s without an answer" in load.problem


@pytest.mark.parametrize("ways", [{"generator": 60}, {"refused": 30, "not_allowed": 30}])
def test_a_target_that_nobody_asked_is_not_said_to_answer(ways: dict[str, int]) -> None:
    """This machine has no more ports, or a name leads to another one, which was not asked."""
    narrator = Heard()
    patient = TargetConfig.model_validate({"goneAfter": "40s"})
    watching = watch(target=patient, narrator=narrator)
    watching.on_progress(told(2.0, 20, 0, {}))
    watching.on_progress(told(3.0, 20, 1, {next(iter(ways)): 1}))
    watching.on_progress(told(8.0, 20, 60, ways))

    (sentence,) = narrator.said
    assert "answers" not in sentence
    assert "; the load goes on, because goneAfter of [targets.local] is 40s (" in sentence


@pytest.mark.parametrize(
    "seen",
    [
        [(float(s), s, 100 * s) for s in range(1, 30)],
        [(1.0, 9, 0), (2.0, 9, 1), *((float(s), 9, 1) for s in range(3, 30))],
        [(float(s), 0, 0) for s in range(1, 30)],
    ],
    ids=["some go well", "one failure, then silence", "nothing at all"],
)
def test_a_load_goes_on_while(seen: list[tuple[float, int, int]]) -> None:
    assert not fed(seen).stop.is_set()


def test_a_success_begins_the_count_anew() -> None:
    seen = [(1.0, 1, 0), (2.0, 1, 5), (6.0, 1, 9), (6.5, 2, 9), (7.0, 2, 10), (11.9, 2, 20)]

    assert fed(seen).problem is None
    assert fed([*seen, (12.0, 2, 21)]).problem is not None


def test_a_threshold_is_looked_at_by_the_loads_time_whenever_its_reports_are_heard(
    tmp_path: Path,
) -> None:
    """All reports are heard within a moment here: the machine's clock has no say in it."""
    run = Spool(samples=[sample(9.0)]).write(tmp_path)
    fails = parse_threshold("http_req_duration", "max<6", abort_on_fail=True)
    one = watch(LiveJudge(run, KEY, [fails]))

    for elapsed_s in (1.04, 1.99):
        one.on_progress(progress(elapsed_s, 9, 0))
        assert one.crossed is None
    one.on_progress(progress(2.03, 9, 0))

    assert one.stop.is_set()
    assert one.crossed is not None
    assert "http_req_duration max<6 failed after" in one.crossed


PACED = ScenarioProgress(
    "buy", 12, 2_990, 0, 2_988, 2, 997.6, {}, 3.14, 0.42, PlannedNow(1_000.0, None, 0.0, 48.2)
)


@pytest.mark.parametrize(
    ("scenario", "line"),
    [
        (PACED, "buy 998 of 1,000/s, 12 VUs busy, p95 3.1 ms, 2 failed, lag 0.4 ms, 48 s left"),
        (
            replace(PACED, planned=PlannedNow(None, 5_980, 0.0, 600.0), recent_p95_ms=None),
            "buy 998/s, 2,990 of 5,980 iterations, 12 VUs busy, 2 failed, lag 0.4 ms, 3 s left",
        ),
        (
            replace(
                PACED,
                iterations=0,
                recent_per_s=0.0,
                recent_p95_ms=None,
                planned=PlannedNow(None, 60, 0.0, 600.0),
            ),
            "buy 0/s, 0 of 60 iterations, 12 VUs busy, 2 failed, lag 0.4 ms, at most 600 s left",
        ),
        (
            replace(PACED, dropped_iterations=7, recent_p95_ms=None, recent_lag_ms=1_234.5),
            "buy 998 of 1,000/s, 12 VUs busy, 2 failed, 7 dropped, lag 1,234 ms, 48 s left",
        ),
        (
            replace(PACED, planned=PlannedNow(1_000.0, None, 29.7, 90.0)),
            "buy begins in 30 s",
        ),
        (
            replace(PACED, active_vus=1, planned=PlannedNow(0.0, None, 0.0, 0.0)),
            "buy 998 of 0/s, 1 VU busy, p95 3.1 ms, 2 failed, lag 0.4 ms, ending",
        ),
        (
            replace(PACED, active_vus=0, planned=PlannedNow(0.0, None, 0.0, 0.0)),
            "buy done, 2,988 ok, 2 failed",
        ),
    ],
    ids=["by rate", "by number", "no pace yet", "dropped", "later", "graceful stop", "over"],
)
def test_the_line_holds_what_happens_against_the_plan(
    scenario: ScenarioProgress, line: str
) -> None:
    assert line_of(Progress(3.0, (scenario,))) == f"3 s, {line}"


def test_several_scenarios_stand_on_one_line_with_the_time_left_of_each() -> None:
    later = replace(PACED, name="look", planned=PlannedNow(None, None, 0.0, 10.0))

    line = line_of(Progress(3.0, (PACED, later)))

    assert "48 s left; look 998/s, 12 VUs" in line
    assert line.endswith("10 s left")
