"""Twenty typos in durations, tags, parameters and files: one sentence, with the right word.

Units and tags are written as other tools do; a file has a letter too few or too many.
"""

from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import ProfileError
from perf_pipeline.metrics.sample import HTTP_ERRORS
from perf_pipeline.workloads.http.result import HttpError
from perf_pipeline_tests.support.refused_profiles import LOOK, STEP, shop, the_answer_to

DURATIONS = [
    ("10sec", "10s"),
    ("10secs", "10s"),
    ("10 s", "10s"),
    ("10 seconds", "10s"),
    ("1 second", "1s"),
    ("30S", "30s"),
    ("90sek", "90s"),
    ("5min", "5m"),
    ("2 minutes", "2m"),
    ("1M", "1m"),
    ("1hr", "1h"),
    ("2hours", "2h"),
    ("500msec", "500ms"),
    ("30 ms", "30ms"),
    ("250MS", "250ms"),
    ("1day", "1d"),
    ("1h 30m", "1h30m"),
    ("1m, 30s", "1m30s"),
    ("1m30", "1m30s"),
    ("1,5s", "1.5s"),
    ("10s.", "10s"),
]


@pytest.mark.parametrize(("typo", "right"), DURATIONS)
def test_a_duration_in_other_words_is_answered_with_the_duration(typo: str, right: str) -> None:
    answer = the_answer_to(shop({**LOOK, "duration": typo}))

    assert answer == (
        f"benchmarks.orders.scenarios.look.duration: {typo!r} is not a duration; write one like "
        f"'30s', '1m30s' or '250ms'; did you mean {right!r}?"
    )


@pytest.mark.parametrize("typo", ["soon", "10x", "5 parsecs", "00:30", "s", "", "1.5d", "10 10"])
def test_what_nobody_can_mean_gets_an_example(typo: str) -> None:
    answer = the_answer_to(shop({**LOOK, "duration": typo}))

    assert answer.endswith("is not a duration; write one like '30s', '1m30s' or '250ms'")


@pytest.mark.parametrize(
    ("typo", "told"),
    [
        ("1s...3s", "'1s...3s' is not a range; did you mean '1s..3s'?"),
        ("1...2s", "'1...2s' is not a range; did you mean '1..2s'?"),
        ("1s..", "'1s..' is not a range; write one like 1s..3s"),
        ("..3s", "'..3s' is not a range; write one like 1s..3s"),
        ("1s..3sec", "or '250ms'; did you mean '3s'?"),
    ],
)
def test_a_range_of_durations_is_answered_with_the_range(typo: str, told: str) -> None:
    parameters = {"steps": [STEP], "thinkTime": typo}

    assert the_answer_to(shop({**LOOK, "parameters": parameters})).endswith(told)


TAGS = [
    ("http_reqs", "scenaro", "scenario"),
    ("http_reqs", "scnario", "scenario"),
    ("http_reqs", "scenarios", "scenario"),
    ("http_reqs", "operatoin", "operation"),
    ("http_reqs", "operations", "operation"),
    ("http_reqs", "op", "operation"),
    ("http_reqs", "step", "operation"),
    ("http_reqs", "name", "operation"),
    ("http_reqs", "url", "operation"),
    ("http_reqs", "endpoint", "operation"),
    ("http_reqs", "statuss", "status"),
    ("http_reqs", "code", "status"),
    ("http_reqs", "status_code", "status"),
    ("http_reqs", "outcom", "outcome"),
    ("http_reqs", "result", "outcome"),
    ("http_reqs", "err", "error"),
    ("http_reqs", "error_code", "error"),
    ("checks", "chek", "check"),
    ("host_cpu_percent", "sorce", "source"),
    ("process_cpu_percent", "tier", "source"),
]


@pytest.mark.parametrize(("metric", "typo", "right"), TAGS)
def test_a_misspelt_tag_is_answered_with_the_tag(metric: str, typo: str, right: str) -> None:
    answer = the_answer_to(shop(thresholds={f"{metric}{{{typo}:x}}": ["rate<1"]}))

    assert f"metric {metric!r} has no tag {typo!r}; it has: " in answer
    assert answer.endswith(f"; did you mean {right}?")


PARAMETERS = [
    ("http_steps", {"steps": [STEP]}, "stepss", "steps"),
    ("http_steps", {"steps": [STEP]}, "header", "headers"),
    ("http_steps", {"steps": [STEP]}, "timeOut", "timeout"),
    ("http_steps", {"steps": [STEP]}, "trce", "trace"),
    ("http_steps", {"steps": [STEP]}, "trace_ratio", "traceRatio"),
    ("http_steps", {"steps": [STEP]}, "htpp2", "http2"),
    ("produce", {"value": "x"}, "topc", "topic"),
    ("produce", {"value": "x"}, "compresion", "compression"),
    ("produce", {"value": "x"}, "ack", "acks"),
    ("produce", {"value": "x"}, "lingerr", "linger"),
    ("produce", {"value": "x"}, "message_id", "messageId"),
    ("produce", {"value": "x"}, "idempotence", "idempotent"),
    ("consume", {}, "topik", "topic"),
    ("consume", {}, "grup", "group"),
    ("consume", {}, "wrk", "work"),
    ("consume", {}, "commit_interval", "commitInterval"),
    ("sql", {"statements": [{"name": "a", "sql": "select 1"}]}, "isolaton", "isolation"),
    ("sql", {"statements": [{"name": "a", "sql": "select 1"}]}, "retry", "retries"),
    ("pgbench", {"scripts": ["select-only"]}, "variabels", "variables"),
    ("pgbench", {"scripts": ["select-only"]}, "script", "scripts"),
]


@pytest.mark.parametrize(("exec_name", "parameters", "typo", "right"), PARAMETERS)
def test_a_misspelt_parameter_is_answered_with_the_parameter(
    exec_name: str, parameters: dict[str, Any], typo: str, right: str
) -> None:
    look = {**LOOK, "exec": exec_name, "parameters": {**parameters, typo: 1}}

    answer = the_answer_to(shop(look))

    assert answer.endswith(f"{typo} is not a known key; did you mean {right}?")


HEAD = """
name = "shop"
[benchmarks.orders.scenarios.look]
executor = "constant-vus"
vus = 1
duration = "1s"
"""
STEPS = """exec = "http_steps"
parameters = { steps = [{ name = "l", path = "/PATH" }], MORE }
"""
PLAIN = STEPS.replace("PATH", "").replace(", MORE", "")
CSV = STEPS.replace("PATH", "${data.u.id}").replace("MORE", 'data = { u = { csv = "@" } }')
CA = STEPS.replace("PATH", "").replace("MORE", 'caFile = "@"')
PAYLOADS = 'exec = "produce"\nparameters = { topic = "t", payloads = "@" }'
SCRIPT = 'exec = "pgbench"\nparameters = { scripts = ["@"] }'
FILES = [
    (CSV, "usrs.csv", "users.csv"),
    (CSV, "users.cvs", "users.csv"),
    (CSV, "Users.csv", "users.csv"),
    (CSV, "user.csv", "users.csv"),
    (CA, "company.pem", "company-ca.pem"),
    (CA, "company_ca.pem", "company-ca.pem"),
    (CA, "company-ca.pme", "company-ca.pem"),
    (CA, "compny-ca.pem", "company-ca.pem"),
    (PAYLOADS, "order.jsonl", "orders.jsonl"),
    (PAYLOADS, "orders.json", "orders.jsonl"),
    (PAYLOADS, "odrers.jsonl", "orders.jsonl"),
    (PAYLOADS, "recordings-2026", "recordings"),
    (SCRIPT, "lok.sql", "look.sql"),
    (SCRIPT, "lookk.sql", "look.sql"),
    (SCRIPT, "looks.sql", "look.sql"),
    ('exec = "@:visit"', "flow", "flows"),
    ('exec = "@:visit"', "flowss", "flows"),
    ('exec = "@:visit"', "folws", "flows"),
    ('exec = "flows:@"', "visits", "visit"),
    ('exec = "flows:@"', "vist", "visit"),
]


@pytest.mark.parametrize(("text", "typo", "right"), FILES)
def test_a_misspelt_file_or_function_is_answered_with_the_one_that_is_there(
    tmp_path: Path, text: str, typo: str, right: str
) -> None:
    for name in ("users.csv", "company-ca.pem", "orders.jsonl", "look.sql"):
        (tmp_path / name).write_text("id\n1\n", encoding="utf-8")
    (tmp_path / "recordings").mkdir()
    (tmp_path / "flows.py").write_text("async def visit(vu): pass\n", encoding="utf-8")
    profile = tmp_path / "shop.toml"
    profile.write_text(HEAD + text.replace("@", typo), encoding="utf-8")

    with pytest.raises(ProfileError) as caught:
        load_profile(str(profile))

    (answer,) = caught.value.problems
    assert answer.endswith(f"; did you mean {right}?")
    assert "Errno" not in answer


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ("status:5xx", "status '5xx' is not a number; write one status, such as 503"),
        ("status:ok", "status 'ok' is not a number; write one status, such as 503"),
        ("status:-1", "status '-1' is not a number; write one status, such as 503"),
        ("status:0503", "no answer has the status '0503'; write it as in HTTP, such as 503"),
        ("status:5030", "no answer has the status '5030'; write it as in HTTP, such as 503"),
        ("error:refussed", "no request fails as 'refussed'; did you mean refused?"),
        ("error:connect_timout", "no request fails as 'connect_timout'; did you mean connect_t"),
    ],
)
def test_a_status_or_error_of_no_request_is_refused_because_its_bound_would_always_hold(
    tmp_path: Path, tags: str, told: str
) -> None:
    profile = tmp_path / "shop.toml"
    bound = f'\n[benchmarks.orders.thresholds]\n"http_reqs{{{tags}}}" = ["count<1"]\n'
    profile.write_text(HEAD + PLAIN + bound, encoding="utf-8")

    with pytest.raises(ProfileError) as caught:
        load_profile(str(profile))

    (answer,) = caught.value.problems
    assert told in answer


@pytest.mark.parametrize("tags", ["status:503", "status:0", "error:refused", "error:my_own_class"])
def test_what_a_request_may_end_with_is_taken(tmp_path: Path, tags: str) -> None:
    profile = tmp_path / "shop.toml"
    bound = f'\n[benchmarks.orders.thresholds]\n"http_reqs{{{tags}}}" = ["count<1"]\n'
    profile.write_text(HEAD + PLAIN + bound, encoding="utf-8")

    assert load_profile(str(profile)).name == "shop"


def test_every_error_of_the_transport_is_known_to_thresholds() -> None:
    assert set(HttpError) <= set(HTTP_ERRORS)
