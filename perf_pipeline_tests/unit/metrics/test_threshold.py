"""k6's threshold grammar, against what k6 itself answered."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.threshold import LEGAL_STATISTICS, Status, parse_threshold
from perf_pipeline.metrics.threshold_grammar import parse_expression, parse_filter, parse_key

ORACLE: dict[str, Any] = json.loads(
    (Path(__file__).parent / "k6_threshold_cases.json").read_text(encoding="utf-8")
)
# Go's strconv.ParseFloat lets k6 read hexadecimal, underscores and NaN; here they are refused.
REFUSED_QUIRKS = {"P108", "P135", "P136", "P138", "P148"}


def cases(section: str) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in ORACLE[section]]


@pytest.mark.parametrize("case", cases("parse"))
def test_an_expression_is_read_as_k6_reads_it(case: dict[str, Any]) -> None:
    expected = case["expected"]
    text = case["input"]["expression"]

    if not expected["valid"] or case["id"] in REFUSED_QUIRKS:
        with pytest.raises(ValueError, match="threshold"):
            parse_expression(text)
        return
    parsed = parse_expression(text)
    kind = {"value": "produce_rate", "count": "http_reqs", "rate": "success"}
    label = parse_threshold(kind.get(parsed[0], "response_time"), text).statistic_label

    # P141: k6 keeps the sign of -0
    assert label == expected["sink_key"].replace("(-0)", "(0)")
    assert parsed == (
        expected["method"],
        expected["percentile"],
        expected["operator"],
        expected["value"],
    )


@pytest.mark.parametrize("case", cases("metric_names"))
def test_a_key_is_split_as_k6_splits_it(case: dict[str, Any]) -> None:
    text, expected = case["input"]["expression"], case["expected"]
    # k6 crashes on an empty tag name; an empty value matches nothing: both are refused here.
    if not expected["valid"] or expected["tags"] == [":x"]:
        with pytest.raises(ValueError, match="tag filter|braces"):
            parse_key(text)
        return
    metric, tags = parse_key(text)

    assert metric == expected["metric"].strip()
    assert [f"{name}:{value}" for name, value in tags.items()] == [
        tag.replace('"', "") for tag in expected["tags"]
    ]


@pytest.mark.parametrize("case", cases("submetric_filters"))
def test_a_filter_is_read_as_k6_reads_it(case: dict[str, Any]) -> None:
    text, expected = case["input"]["expression"], case["expected"]
    if not expected["valid"] or "" in expected["tags"].values():
        with pytest.raises(ValueError, match="name:value"):
            parse_filter(text)
        return

    assert parse_filter(text) == expected["tags"]


@pytest.mark.parametrize(
    "case", [c for c in cases("validate") if not c.values[0]["input"]["metric"]]
)
def test_a_kind_of_metric_has_the_statistics_that_k6_gives_it(case: dict[str, Any]) -> None:
    kind = Kind(case["input"]["metric_type"])
    try:
        statistic = parse_expression(case["input"]["expression"])[0]
        legal = statistic in LEGAL_STATISTICS[kind]
    except ValueError:
        legal = False
    # V045: k6 takes a bare `p`; a percentile without its number is refused here.
    expected = case["expected"]["valid"] and case["id"] != "V045"

    assert legal is expected


@pytest.mark.parametrize("case", [c for c in cases("validate") if c.values[0]["input"]["metric"]])
def test_a_key_and_its_statistic_are_legal_where_k6_finds_them_legal(case: dict[str, Any]) -> None:
    given = case["input"]
    # k6's test has its own metric with any tags; ours must be in the catalog and have the tags.
    name = {"counter": "http_reqs", "rate": "http_req_failed", "trend": "http_req_duration"}
    key = given["metric"].replace("my_metric", name[given["metric_type"]])
    for tag, ours in {
        "foo:": "scenario:",
        "abc:": "status:",
        "easyas:": "error:",
        "{a:": "{status:",
    }.items():
        key = key.replace(tag, ours)
    try:
        parse_threshold(key, given["expression"])
        legal = True
    except ValueError:
        legal = False

    assert legal is case["expected"]["valid"]


@pytest.mark.parametrize(
    "case", [c for c in cases("eval") if c.values[0]["expected"]["lhs"] is not None]
)
def test_a_figure_is_compared_as_k6_compares_it(case: dict[str, Any]) -> None:
    key = {"trend": "response_time", "rate": "success", "counter": "http_reqs"}.get(
        case["input"]["metric_type"], "produce_rate"
    )
    threshold = parse_threshold(key, case["input"]["expression"])

    assert threshold.holds(case["expected"]["lhs"]) is case["expected"]["pass"]


@pytest.mark.parametrize("case", cases("tag_matching"))
def test_a_filter_takes_what_k6_takes_by_whole_values_and_none_by_an_empty_one(
    case: dict[str, Any],
) -> None:
    given, expected = case["input"], case["expected"]["matches"]
    if ":" not in given["filter"]:  # on purpose: k6's `a` takes samples whose `a` is ""
        with pytest.raises(ValueError, match="name:value"):
            parse_filter(given["filter"])
        return
    wanted = parse_filter(given["filter"]).items()

    assert [wanted <= tags.items() for tags in given["samples"]] == expected


def test_an_empty_place_in_a_filter_is_nothing_alone_and_a_mistake_in_a_key() -> None:
    # grafana/k6 metrics/metric.go: AddSubmetric skips it, ParseMetricName refuses it.
    assert parse_filter("a:1,,b:2,") == {"a": "1", "b": "2"}
    for key in ("http_reqs{a:1,}", "http_reqs{,a:1}", "http_reqs{a:1,,b:2}", "http_reqs{}"):
        with pytest.raises(ValueError, match="a comma stands between two tags only"):
            parse_key(key)


def test_every_blank_that_go_trims_may_stand_in_an_expression() -> None:
    # Go's unicode.IsSpace; \x1c is a blank for Python and none for Go
    parsed = parse_expression("\u3000p(95)\xa0<\u2003 5\x85")

    assert parsed == ("p", 95.0, "<", 5.0)
    with pytest.raises(ValueError, match="not understood"):
        parse_expression("p(95)\x1c<5")


def test_no_data_never_passes() -> None:
    verdict = parse_threshold("http_req_duration", "p(95)<1000").judge(None)

    assert verdict.status is Status.NO_DATA


@pytest.mark.parametrize("bound", ["p(95)<500", "p(95)>500", "p(95)!=500"])
@pytest.mark.parametrize("observed", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_figure_never_passes(observed: float, bound: str) -> None:
    verdict = parse_threshold("http_req_duration", bound).judge(observed)

    assert (verdict.status, verdict.observed) == (Status.NO_DATA, None)


def test_a_figure_of_a_generator_that_was_the_limit_is_invalid_even_where_it_holds() -> None:
    verdict = parse_threshold("http_req_duration", "p(95)<1000").judge(3.0, measured=False)

    assert (verdict.status, verdict.observed) == (Status.INVALID, 3.0)


def test_a_missed_aim_warns_and_a_missed_promise_fails() -> None:
    aim = parse_threshold("db_records_per_s{scenario:select}", "value>=5000", severity="warn")
    promise = parse_threshold("db_records_per_s{scenario:select}", "value>=5000")

    assert [threshold.judge(4_999.0).status for threshold in (aim, promise)] == [
        Status.WARN,
        Status.FAIL,
    ]
    assert aim.judge(5_000.0).status is Status.PASS


@pytest.mark.parametrize(
    ("key", "expression", "sentence"),
    [
        ("http_req_durations", "p(95)<1", "did you mean http_req_duration"),
        ("http_req_duration{colour:red}", "p(95)<1", "has no tag 'colour'"),
        ("http_req_duration", "rate<1", "is a trend and has only: avg, max, med, min, p(N)"),
        ("http_req_duration", "p95<1", "write a statistic, a comparison and a number"),
        ("http_req_duration", "p(101)<1", "a percentile lies between 0 and 100"),
        ("http_req_duration{scenario:}", "p(95)<1", "write for example {scenario:create}"),
    ],
)
def test_a_wrong_threshold_is_answered_with_what_would_be_right(
    key: str, expression: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=".*") as caught:
        parse_threshold(key, expression)

    assert sentence in str(caught.value)


def test_the_subject_names_what_is_judged_and_stays_when_the_bound_moves() -> None:
    first = parse_threshold("http_req_duration{scenario:read}", "p(95)<500")
    moved = parse_threshold("http_req_duration{scenario:read}", "p(95)<800")

    assert first.subject == moved.subject == "http_req_duration__scenario__read__p95"
    assert parse_threshold("response_time", "p(99.9)<1").subject == "response_time__p99_9"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http_reqs{operation:get-user}", "http_reqs{operation:get_user}"),
        ("http_reqs{operation:shop::pay}", "http_reqs{operation:shop/:pay}"),
        ("http_reqs{scenario:a__status__200}", "http_reqs{scenario:a,status:200}"),
        ("http_reqs{operation:größe}", "http_reqs{operation:grüße}"),
        ("http_reqs{scenario:a}", "http_reqs{operation:a}"),
    ],
)
def test_two_filters_of_one_metric_never_share_a_subject(one: str, other: str) -> None:
    subjects = [parse_threshold(key, "count>0").subject for key in (one, other)]

    assert subjects[0] != subjects[1]
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", subject) for subject in subjects)


def test_a_percentile_keeps_all_its_digits_in_the_label_and_the_subject() -> None:
    # k6's sink_key is Go's %g, the shortest text that reads back; Python's %g has 6 digits.
    fine = parse_threshold("response_time", "p(99.99999)<1")

    assert (fine.statistic_label, fine.subject) == ("p(99.99999)", "response_time__p99_99999")
    assert fine.subject != parse_threshold("response_time", "p(100)<1").subject


def test_every_metric_is_described_and_no_name_is_used_twice() -> None:
    assert all(metric.meaning and metric.unit for metric in CATALOG.values())
    assert all(name == metric.name for name, metric in CATALOG.items())
