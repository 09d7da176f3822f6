"""Targets that hang, die and garble at random moments of a short load: never a PASS.

`PERF_TEST_MOMENTS` says how many moments (3), `PERF_TEST_SEED` which ones, `PERF_TEST_LOAD_S` how
long a load is. Only a threshold on
durations that all of them keep is written: the rest is what every benchmark is judged by.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.failing_target import FAILING, HEALTHY, failing_target

MOMENTS: Final = int(os.environ.get("PERF_TEST_MOMENTS", "3"))
SEED: Final = int(os.environ.get("PERF_TEST_SEED", "1"))
LOAD_S: Final = float(os.environ.get("PERF_TEST_LOAD_S", "1.5"))
# Without a graceful stop no operation can show a hang of the last 0.1 s (decision 0009); a start
# of the arrival rate comes every 0.02 s, and a busy machine is late.
SURELY_SEEN_S: Final = 0.25
_HEAD: Final = """
name = "failing"
workers = 1
calibration = false
target = "here"
[targets.here]
baseUrl = "http://127.0.0.1:{port}"
"""
_BENCHMARK: Final = """
[benchmarks.{name}]
interval = "10s"
[benchmarks.{name}.scenarios.s]
exec = "http_steps"
{plan}
duration = "{load_s}s"
gracefulStop = "{grace}"
parameters = {{ timeout = "60s", steps = [{{ name = "get", path = "{path}", {pause} }}] }}
[benchmarks.{name}.thresholds]
http_req_duration = ["p(95)<100000"]
"""
# Loops that ask without a pause take a whole processor, and see no more of what fails: each asks a
# dozen times in what is surely seen.
_PAUSE: Final = 'thinkTime = "20ms"'
# What is cut off is to be under way just then.
_NO_PAUSE: Final = 'thinkTime = "0s"'
_PLANS: Final = (
    'executor = "constant-vus"\nvus = 3',
    'executor = "constant-arrival-rate"\nrate = 50\npreAllocatedVUs = 20\nmaxVUs = 200',
)


@dataclass(frozen=True, slots=True)
class Moment:
    """Say how and when a target fails, and of what load."""

    name: str
    kind: str
    after_s: float
    plan: str
    grace: str
    pause: str

    @property
    def benchmark(self) -> str:
        """Write the benchmark."""
        path = f"/{self.kind}/{self.after_s:.3f}/{self.name}"
        return _BENCHMARK.format(
            name=self.name,
            plan=self.plan,
            load_s=LOAD_S,
            grace=self.grace,
            path=path,
            pause=self.pause,
        )


def _moments() -> list[Moment]:
    draw = random.Random(SEED)
    kinds = sorted(FAILING)
    found = []
    for number in range(MOMENTS):
        grace = draw.choice(("0s", "500ms"))
        last_s = LOAD_S - (SURELY_SEEN_S if grace == "0s" else 0.05)
        kind, plan = kinds[number % len(kinds)], draw.choice(_PLANS)
        found.append(Moment(f"{kind}_{number}", kind, draw.uniform(0, last_s), plan, grace, _PAUSE))
    return found


FAILS: Final = _moments()
WELL: Final = [Moment(kind, kind, 0.0, _PLANS[0], "0s", _NO_PAUSE) for kind in sorted(HEALTHY)]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(new_state(tmp_path_factory.mktemp("failing") / "state"))


@pytest.fixture(scope="module")
def answer(command: CommandLine) -> Iterator[Answer]:
    """Run all of them, one after another."""
    profile = command.state / "failing.toml"
    with failing_target() as port:
        text = "".join(moment.benchmark for moment in (*FAILS, *WELL))
        profile.write_text(_HEAD.format(port=port) + text, encoding="utf-8")
        yield command("run", "--profile", str(profile), timeout_s=120 + 10 * len(FAILS))


def _statuses(command: CommandLine, answer: Answer, benchmark: str) -> dict[str, str]:
    rows = command.sql(
        f"select metric, status from verdicts where run_id = '{answer.run_id}' "
        f"and benchmark = '{benchmark}'"
    )
    return {str(metric): str(status) for metric, status in rows}


@pytest.mark.timeout(180 + 10 * MOMENTS)
@pytest.mark.parametrize(
    "moment", FAILS, ids=lambda moment: f"{moment.name} {moment.after_s:.2f} s"
)
def test_a_target_that_fails_at_any_moment_of_a_load_never_passes(
    moment: Moment, answer: Answer, command: CommandLine
) -> None:
    statuses = _statuses(command, answer, moment.name)

    assert answer.code in {97, 99}, answer.out
    assert statuses["target_answered"] in {"FAIL", "INVALID"}, (moment, answer.out)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("moment", WELL, ids=lambda moment: moment.name)
def test_a_healthy_target_that_is_cut_off_fails_nothing(
    moment: Moment, answer: Answer, command: CommandLine
) -> None:
    statuses = _statuses(command, answer, moment.name)

    assert set(statuses) == {"http_req_duration", "target_answered"}
    assert set(statuses.values()) <= {"PASS", "INVALID"}, answer.out
    failed = command.value(
        f"select count(*) from samples where run_id = '{answer.run_id}' "
        f"and benchmark = '{moment.name}' and error <> ''"
    )
    assert failed == 0
