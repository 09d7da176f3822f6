"""Scripts of k6 in a profile's words, each as a benchmark or as scenarios of one.

Add here: another script of k6_runs.json. Keep out: what became of it (test_k6_runs.py).
"""

from collections.abc import Mapping, Sequence
from typing import Final

HEAD: Final = """
name = "k6"
workers = {workers}
calibration = false
target = "here"
[targets.here]
baseUrl = "http://127.0.0.1:{port}"
"""


def steps_of(path: str = "/ok", sleep: str = "0s", expect: str = "{}") -> str:
    step = f'name = "get", path = "{path}", thinkTime = "{sleep}", expect = {expect}'
    return f'exec = "http_steps"\nparameters = {{ steps = [{{ {step} }}] }}\n'


def with_shortcut(name: str, shortcut: str, thresholds: str = "", steps: str = "") -> str:
    body = steps or steps_of(sleep="50ms")
    return f"[benchmarks.{name}]\n{body}{shortcut}\n[benchmarks.{name}.thresholds]\n{thresholds}\n"


def with_scenarios(
    name: str, scenarios: Mapping[str, tuple[str, str]], thresholds: str = ""
) -> str:
    tables = "".join(
        f"[benchmarks.{name}.scenarios.{scenario}]\n{steps}{plan}\n"
        for scenario, (plan, steps) in scenarios.items()
    )
    return f"{tables}[benchmarks.{name}.thresholds]\n{thresholds}\n"


_ARRIVALS: Final = """
executor = "constant-arrival-rate"
rate = 20
duration = "3s"
preAllocatedVUs = 1
maxVUs = 1
"""
_TWENTY_A_SECOND: Final = (_ARRIVALS, steps_of(sleep="500ms"))
_RAMP_DOWN: Final = """
executor = "ramping-vus"
startVUs = 4
gracefulRampDown = "{down}"
gracefulStop = "{stop}"
stages = [{{ duration = "1s", target = 4 }}, {{ duration = "0s", target = 0 }}{more}]
"""
_UP_AND_DOWN: Final = """
executor = "ramping-arrival-rate"
startRate = 0
preAllocatedVUs = 10
stages = [
    { duration = "2s", target = 10 },
    { duration = "2s", target = 10 },
    { duration = "2s", target = 0 },
]
"""
_TOO_MANY: Final = """
executor = "shared-iterations"
vus = 2
iterations = 20
maxDuration = "2s"
gracefulStop = "0s"
"""
SECOND: Final = 'executor = "constant-vus"\nvus = 1\nduration = "1s"\n'
# Scripts whose thresholds are about nothing of the others, or that have none: the scenarios of one
# benchmark, since a benchmark of its own costs each a second of CPU.
TOGETHER_PASSING: Final = {
    "rv_graceful_rampdown0": [
        (
            _RAMP_DOWN.format(down="0s", stop="5s", more=', { duration = "4s", target = 0 }'),
            steps_of(sleep="3s"),
        )
    ],
    "rv_gstop_cuts_rampdown": [
        (_RAMP_DOWN.format(down="10s", stop="1s", more=""), steps_of(sleep="3s"))
    ],
    "shared": [
        ('executor = "shared-iterations"\nvus = 5\niterations = 20', steps_of(sleep="100ms"))
    ],
    "rar_updown": [(_UP_AND_DOWN, steps_of())],
    "start_time": [
        (SECOND, steps_of(sleep="100ms")),
        (f'{SECOND}startTime = "2s"', steps_of(sleep="100ms")),
    ],
}


def _together(
    name: str, scripts: Mapping[str, Sequence[tuple[str, str]]], thresholds: str = ""
) -> str:
    """Give a benchmark in which each script has its scenarios, named by it and a number."""
    scenarios = {
        f"{script}-{number}": scenario
        for script, of_it in scripts.items()
        for number, scenario in enumerate(of_it)
    }
    return with_scenarios(name, scenarios, thresholds)


TAG_MATCH: Final = with_scenarios(
    "tag_match",
    {
        "a": ('executor = "per-vu-iterations"\niterations = 5', steps_of()),
        "b": (
            'executor = "per-vu-iterations"\niterations = 5',
            steps_of("/status/500").replace('name = "get"', 'name = "get 500"'),
        ),
    },
    'http_req_failed = ["rate==0.5"]\n"http_req_failed{scenario:a}" = ["rate==0"]\n'
    '"http_req_failed{scenario:b}" = ["rate==1"]\n"http_reqs{scenario:a}" = ["count==5"]\n'
    '"http_reqs{scenario:b,status:500}" = ["count==5"]\n'
    # k6: expected_response:false
    '"http_reqs{outcome:failed}" = ["count==5"]\n'
    # Half of them are to fail: k6 asks nobody whether that is right.
    'target_answered = ["rate==0.5"]',
)
PASSING: Final = ("tag_match", *TOGETHER_PASSING)
PASSING_BENCHMARKS: Final = (TAG_MATCH, _together("passing", TOGETHER_PASSING))
# k6 passes them, and says of the dropped starts only how many there were.
DROPPING: Final = {
    "dropped_no_threshold": with_scenarios("dropped_no_threshold", {"a": _TWENTY_A_SECOND}),
    "shared_maxduration": with_scenarios(
        "shared_maxduration",
        {
            "s": (
                _TOO_MANY,
                steps_of(sleep="500ms"),
            )
        },
    ),
}
_LOOPS: Final = 'executor = "constant-vus"\nvus = {vus}\nduration = "{duration}"\n'
_TWO_LOOPS: Final = _LOOPS.format(vus=2, duration="2s")
_NEVER_TRUE: Final = steps_of(sleep="50ms", expect='{ json = { "$.never" = "exists" } }').replace(
    'name = "get"', 'name = "get none"'
)
# Each with what tells its threshold from those of the others: only one of them has checks, only one
# drops starts, and of the two whose requests take too long only one may end the load.
FAILING: Final = {
    "threshold_fail": "metric = 'http_req_duration' and not abort_on_fail",
    "abort_delay_beyond": "metric = 'http_req_duration' and abort_on_fail",
    "checks_threshold": "metric = 'checks'",
    "dropped_some": "metric = 'dropped_iterations'",
}
FAILING_BENCHMARK: Final = _together(
    "failing",
    {
        "threshold_fail": [(_TWO_LOOPS, steps_of(sleep="50ms"))],
        "abort_delay_beyond": [(_LOOPS.format(vus=1, duration="3s"), steps_of(sleep="50ms"))],
        "checks_threshold": [(_TWO_LOOPS, _NEVER_TRUE)],
        "dropped_some": [_TWENTY_A_SECOND],
    },
    'http_req_duration = ["p(95)<0.0001", '
    '{ threshold = "p(95)<0.0001", abortOnFail = true, delayAbortEval = "60s" }]\n'
    'checks = ["rate>0.99"]\ndropped_iterations = ["count<5"]',
)


def _aborted(name: str, delay: str = "") -> str:
    entry = f'{{ threshold = "p(95)<0.0001", abortOnFail = true{delay} }}'
    return with_shortcut(name, 'vus = 2\nduration = "60s"', f"http_req_duration = [{entry}]")


# k6 ends them long before their time, each with exit code 99.
ABORTED: Final = {
    "abort_on_fail": _aborted("abort_on_fail"),
    "abort_delay": _aborted("abort_delay", ', delayAbortEval = "5s"'),
}
