"""Thresholds as a profile writes them, judged and aborting as k6 judged and aborted them."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.errors import ProfileError
from perf_pipeline.metrics.threshold import Status, Threshold, parse_threshold

ORACLE: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "metrics" / "k6_threshold_cases.json").read_text(encoding="utf-8")
)
KEYS_OF_K6 = {"threshold", "abortOnFail", "delayAbortEval"}


def cases(section: str) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in ORACLE[section]]


def written(entries: object) -> list[Threshold]:
    """Read entries as those of a profile; the metric is one that has the statistic."""
    texts = [entry["threshold"] if isinstance(entry, dict) else entry for entry in _list(entries)]
    rates = all(str(text).startswith("rate") for text in texts)
    plan = {"executor": "constant-vus", "duration": "1s", "exec": "create_user"}
    key = "http_req_failed" if rates else "http_req_duration"
    raw = {"scenarios": {"default": plan}, "thresholds": {key: entries}}
    return BenchmarkConfig.model_validate(raw, by_name=False, by_alias=True).parsed_thresholds()


def _list(entries: object) -> list[Any]:
    return entries if isinstance(entries, list) else []


@pytest.mark.parametrize("case", cases("json_config"))
def test_the_thresholds_of_a_metric_are_read_as_k6_reads_them(case: dict[str, Any]) -> None:
    entries, expected = json.loads(case["input"]["input"]), case["expected"]
    unknown = any(set(entry) - KEYS_OF_K6 for entry in _list(entries) if isinstance(entry, dict))
    # On purpose: k6 ignores an unknown key, and takes null, which a TOML file can't hold, as none.
    if not expected["valid"] or unknown or entries is None:
        with pytest.raises(ValidationError, match="thresholds"):
            written(entries)
        return

    assert [(t.source, t.abort_on_fail, t.delay_abort_eval_us) for t in written(entries)] == [
        (
            threshold["threshold"],
            threshold["abortOnFail"],
            (threshold["delayAbortEval_ms"] or 0) * 1_000,
        )
        for threshold in expected["parsed"]
    ]


@pytest.mark.parametrize("case", cases("run_all"))
def test_a_failed_threshold_ends_the_load_when_k6_ends_it(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    thresholds = [threshold for source in given["thresholds"] for threshold in written([source])]
    verdicts = [
        threshold.judge(given["sinked"][threshold.statistic_label]) for threshold in thresholds
    ]
    failed = [verdict.status is Status.FAIL for verdict in verdicts]
    ends = [
        verdict.threshold.may_abort(given["time_in_test_ms"] * 1_000)
        for verdict in verdicts
        if verdict.status is Status.FAIL
    ]

    assert failed == expected["failed_each"]
    assert (not any(failed)) is expected["succeeded"]
    assert any(ends) is expected["abort"]


def test_a_threshold_without_a_delay_may_end_the_load_at_once() -> None:
    # k6 (thresholds.go, runAll): no delayAbortEval, or delayAbortEval < time in test
    now = parse_threshold("http_req_failed", "rate<1", abort_on_fail=True)
    later = parse_threshold("http_req_failed", "rate<1", abort_on_fail=True, delay_abort_eval_us=5)

    assert now.may_abort(0)
    assert [later.may_abort(us) for us in (4, 5, 6)] == [False, False, True]
    assert not parse_threshold("http_req_failed", "rate<1").may_abort(10**9)


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ("count>0", " is 'count>0'; it must be a list"),
        ([1], "[0] is 1; it must be a table"),
        (
            [{"threshold": "count>0", "abortOnFail": "yes"}],
            "[0].abortOnFail is 'yes'; it must be true or",
        ),
        (
            [{"threshold": "count>0", "abortOnFial": True}],
            "[0].abortOnFial is not a known key; did",
        ),
    ],
)
def test_a_wrong_threshold_entry_is_one_sentence(entries: object, sentence: str) -> None:
    path = "benchmarks.end_to_end.thresholds"
    with pytest.raises(ProfileError) as caught:
        load_profile("quick", {path: {"http_reqs": entries}})

    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}.http_reqs{sentence}")


def test_a_misspelt_key_of_an_executor_is_answered_with_the_right_one() -> None:
    path = "benchmarks.end_to_end.scenarios.create_users"
    with pytest.raises(ProfileError, match="gracefulstop is not a known key; did you mean"):
        load_profile("quick", {f"{path}.gracefulstop": "1s"})
