"""Profiles that replay a log or follow a curve: what they become, and what is wrong in them."""

from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.executors.ramping_arrival_rate import RampingArrivalRate
from perf_pipeline.config.executors.replayed_arrivals import ReplayedArrivals
from perf_pipeline.config.loading import describe_profile, load_profile, validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.engine.job import LoadJob, ScenarioJob, load_job_from_json
from perf_pipeline.errors import ProfileError
from perf_pipeline.plan.arrivals import arrivals, count_arrivals, number_of
from perf_pipeline.plan.outline import outline

REPLAY = 'executor = "replayed-arrivals"\nlog = "access.log"\npreAllocatedVUs = 5'
CURVE = 'executor = "ramping-arrival-rate"\npreAllocatedVUs = 5'
# One request at 0 s, three at 1 s, one POST at 8 s and one at 9 s.
LINES = [(0, "GET"), (1, "GET"), (1.2, "GET"), (1.4, "GET"), (8, "POST"), (9, "GET")]


def written(folder: Path, plan: str, path: str = "/") -> str:
    """Write a profile with one step, and a log beside it."""
    log = "\n".join(
        f'{{"time": {at_s}, "method": "{m}", "path": "/n/{at_s}"}}' for at_s, m in LINES
    )
    (folder / "access.log").write_text(log, encoding="utf-8")
    file = folder / "p.toml"
    table = "benchmarks.shop.scenarios.replay"
    step = f'[[{table}.parameters.steps]]\nname = "home"\npath = "{path}"\n'
    text = f'name = "p"\n[{table}]\nexec = "http_steps"\n{plan}\n{step}'
    file.write_text(text, encoding="utf-8")
    return str(file)


def plan_of(profile: Profile) -> Any:
    return profile.benchmarks["shop"].scenarios["replay"].plan


def mistakes(folder: Path, plan: str, path: str = "/") -> list[str]:
    with pytest.raises(ProfileError) as caught:
        load_profile(written(folder, plan, path))
    start = "benchmarks.shop.scenarios.replay."
    return [problem.removeprefix(start) for problem in caught.value.problems]


def in_folder(plan: ReplayedArrivals, folder: Path) -> ReplayedArrivals:
    """Name the log in full, as the driver does for its workers."""
    return plan.model_copy(update={"log": str(folder / plan.log)})


def test_a_log_is_replayed_at_its_own_distances(tmp_path: Path) -> None:
    profile = load_profile(written(tmp_path, f"{REPLAY}\nspeed = 2"))

    plan = in_folder(plan_of(profile), tmp_path)

    starts = [start.at_us for start in arrivals(plan)]
    assert starts == [0, 500_000, 600_000, 700_000, 4_000_000, 4_500_000]
    assert count_arrivals(plan) == plan.most_starts == 6
    # 9 s for five distances: a mean of 1.8 s after the last one, at twice the speed.
    assert plan.length_us == 5_400_000
    assert plan.description == "6 requests of access.log in 5.4s at 2 times its speed, up to 5 VUs"
    (turn,) = outline(profile, ["shop"])
    assert (turn.starts, turn.requests, turn.length_us) == (6, 6, 5_400_000)
    # Parts of 0.9 s: four starts in the first, then nothing until 4 s.
    assert turn.rate[0][1] == pytest.approx(4 / 0.9)
    assert turn.rate[4][1] == 0


def test_a_start_knows_its_place_in_the_log(tmp_path: Path) -> None:
    plan = in_folder(plan_of(load_profile(written(tmp_path, REPLAY))), tmp_path)

    place_of = number_of(plan)

    assert place_of is not None
    assert [place_of(start.at_us) for start in arrivals(plan)] == [0, 1, 2, 3, 4, 5]


def test_a_log_whose_paths_are_asked_for_is_no_load_of_any_rate(tmp_path: Path) -> None:
    file = Path(written(tmp_path, f'{REPLAY}\nmethods = ["GET"]', "${replay.path}"))
    search = '[benchmarks.most]\ncapacity = { of = "shop" }\n'
    file.write_text(file.read_text("utf-8") + search, encoding="utf-8")

    with pytest.raises(ProfileError) as caught:
        load_profile(str(file))

    assert list(caught.value.problems) == [
        (
            "benchmarks.most.capacity.of: scenario replay of shop asks for the paths of a log, "
            "which has one for each of its own starts alone; give its steps paths of their own to "
            "be searched"
        )
    ]


def test_a_stored_profile_is_read_without_its_log_and_has_the_same_plan(tmp_path: Path) -> None:
    profile = load_profile(written(tmp_path, REPLAY))
    (tmp_path / "access.log").unlink()

    stored = validate_profile(profile.model_dump(mode="json", by_alias=True), "of a run")

    assert plan_of(stored) == plan_of(profile)
    assert stored.load_hash("shop") == profile.load_hash("shop")


def test_another_log_of_the_same_name_is_another_load(tmp_path: Path) -> None:
    file = written(tmp_path, REPLAY)
    first = load_profile(file)
    with (tmp_path / "access.log").open("a", encoding="utf-8") as log:
        log.write('\n{"time": 9.5}')

    assert load_profile(file).load_hash("shop") != first.load_hash("shop")
    with pytest.raises(ProfileError, match="changed since the profile was read"):
        [*arrivals(in_folder(plan_of(first), tmp_path))]


def test_the_plan_crosses_the_pipe_to_a_worker(tmp_path: Path) -> None:
    plan = in_folder(plan_of(load_profile(written(tmp_path, REPLAY))), tmp_path)
    job = LoadJob("r", "shop", "1", tmp_path, 1, 1, (ScenarioJob("replay", plan, "m:C", {}),))

    assert load_job_from_json(job.to_json()) == job


def test_a_graph_is_shown_although_the_log_is_absent(tmp_path: Path) -> None:
    file = written(tmp_path, REPLAY)
    (tmp_path / "access.log").unlink()

    assert plan_of(describe_profile(file)).recorded is None
    with pytest.raises(ProfileError, match=r"log: access.log can't be read: No such file"):
        load_profile(file)


def test_a_post_of_the_log_is_never_sent_as_a_get(tmp_path: Path) -> None:
    assert mistakes(tmp_path, REPLAY, "${replay.path}") == [
        (
            "parameters.steps[0].path: would send as GET what access.log has with other methods "
            '(1 of 6 requests); write methods = ["GET"] into the scenario to leave them out'
        )
    ]
    only_gets = f'{REPLAY}\nmethods = ["GET"]'
    assert plan_of(load_profile(written(tmp_path, only_gets, "${replay.path}"))).most_starts == 5


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (f"{REPLAY}\nspeed = 0", "speed is 0; it must be more than 0 and at most 3,600"),
        (f"{REPLAY}\nspeed = 3601", "speed is 3601; it must be"),
        (f'{REPLAY}\ntimeUnit = "2s"', "timeUnit has no meaning here; the log says when"),
        (f'{REPLAY}\nmethods = ["GETT"]', "methods"),
        (f"{REPLAY}\nsped = 2", "sped"),
        (f'{REPLAY}\nmethods = ["PUT"]', "access.log has 0 requests with the method PUT"),
    ],
)
def test_a_wrong_replay_is_refused(tmp_path: Path, plan: str, sentence: str) -> None:
    assert any(sentence in mistake for mistake in mistakes(tmp_path, plan)), mistakes(
        tmp_path, plan
    )


def test_a_request_of_a_log_needs_a_log(tmp_path: Path) -> None:
    plan = 'executor = "constant-vus"\nvus = 1\nduration = "1s"'

    assert mistakes(tmp_path, plan, "${replay.path}") == [
        (
            "parameters: ${replay.path} needs a log to replay; it is known with the executor "
            "replayed-arrivals only"
        )
    ]


def test_a_days_curve_becomes_stages_that_close_the_day(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("at,per_s\n00:00,1\n06:00,0.5\n12:30,3\n", encoding="utf-8")
    plan = f'{CURVE}\ncurve = {{ csv = "day.csv", speed = 3600, scale = 0.01 }}'

    ramp = plan_of(load_profile(written(tmp_path, plan)))

    assert isinstance(ramp, RampingArrivalRate)
    assert [stage.duration_us for stage in ramp.stages] == [6_000_000, 6_500_000, 11_500_000]
    # By the trapezoid rule (1 + .5)/2*6 h + (.5 + 3)/2*6.5 h + (3 + 1)/2*11.5 h = 38.875 /s h,
    # times 3,600 s in an hour, times 0.01.
    assert count_arrivals(ramp) == pytest.approx(38.875 * 3600 * 0.01, abs=1)


@pytest.mark.parametrize("speed", [1, 60, 3600])
def test_a_day_of_24_points_has_as_many_starts_at_any_speed(tmp_path: Path, speed: int) -> None:
    # 0 at midnight, 0.01 /s more each hour until noon, and less again: in the hour from h o'clock
    # (h + h + 1) / 2 * 0.01 * 3,600 = 36 h + 18 starts, and as many in its mirror of the afternoon.
    points = "".join(f"{hour:02}:00,{min(hour, 24 - hour) / 100}\n" for hour in range(24))
    (tmp_path / "day.csv").write_text(f"at,per_s\n{points}", encoding="utf-8")
    plan = f'{CURVE}\ncurve = {{ csv = "day.csv", speed = {speed} }}'

    ramp = plan_of(load_profile(written(tmp_path, plan)))

    assert isinstance(ramp, RampingArrivalRate)
    assert ramp.length_us == 86_400_000_000 / speed
    by_hand = 2 * sum(36 * hour + 18 for hour in range(12))
    assert by_hand == 5_184
    assert count_arrivals(ramp) == by_hand


def test_a_curve_in_seconds_ends_with_its_last_point(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("per_s,at\n10,0\n20,4\n", encoding="utf-8")
    plan = f'{CURVE}\ncurve.csv = "day.csv"'

    ramp = plan_of(load_profile(written(tmp_path, plan)))

    assert ramp.length_us == 4_000_000
    assert count_arrivals(ramp) == 60


@pytest.mark.parametrize(
    ("curve", "text", "sentence"),
    [
        ('csv = "none.csv"', "", "curve: none.csv can't be read"),
        ('csv = "day.csv"', "at,rate\n0,1\n", "curve: day.csv has no column 'per_s'"),
        ('csv = "day.csv"', "at,per_s\n0,1\n", "curve: day.csv has one point; a curve needs two"),
        ('csv = "day.csv"', "at,per_s\n0,1\n0,2\n", "line 3 has the time '0', which is not after"),
        ('csv = "day.csv"', "at,per_s\nnoon,1\n", "line 2 has the time 'noon'; write one like"),
        ('csv = "day.csv"', "at,per_s\n0,1\n9,-1\n", "line 3 has the rate '-1'; write starts per"),
        ('csv = "day.csv"', "at,per_s\n0,1\n9,nan\n", "line 3 has the rate 'nan'"),
        ('csv = "day.csv", sped = 2', "at,per_s\n0,1\n9,2\n", "sped"),
        ('csv = "day.csv", speed = 0', "at,per_s\n0,1\n9,2\n", "speed"),
    ],
)
def test_a_wrong_curve_is_refused(tmp_path: Path, curve: str, text: str, sentence: str) -> None:
    if text:
        (tmp_path / "day.csv").write_text(text, encoding="utf-8")

    (mistake,) = mistakes(tmp_path, f"{CURVE}\ncurve = {{ {curve} }}")

    assert sentence in mistake


def test_a_curve_stands_in_place_of_stages(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("at,per_s\n0,1\n9,2\n", encoding="utf-8")
    beside = f'{CURVE}\ncurve.csv = "day.csv"\nstartRate = 1'
    closed = 'executor = "constant-vus"\nvus = 1\nduration = "1s"\ncurve.csv = "day.csv"'

    assert mistakes(tmp_path, beside) == [
        "curve: a curve stands for startRate, stages, timeUnit; leave out startRate"
    ]
    assert mistakes(tmp_path, closed) == ["curve: a curve is for the executor ramping-arrival-rate"]
