"""Tags of scenarios in a profile: which filters they allow, and what is refused."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from perf_pipeline.config.loading import load_profile, validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import ExitCode, ProfileError

Table = dict[str, Any]
SCENARIO: Table = {
    "executor": "constant-vus",
    "duration": "10s",
    "exec": "http_steps",
    "parameters": {"steps": [{"name": "home", "path": "/"}]},
}
TAGS: Table = {
    "pay": {"team": "checkout", "tier": "gold"},
    "cart": {"team": "checkout"},
    "find": {"team": "search"},
    "plain": {},
}
ITERATIONS = "it has: operation, scenario"
THERE = "team:checkout, team:search, tier:gold"


def raw(key: str = "http_reqs", text: str = "count>0", tags: Mapping[str, Any] = TAGS) -> Table:
    scenarios = {name: {**SCENARIO, "tags": its} for name, its in tags.items()}
    shop = {"scenarios": scenarios, "thresholds": {key: [text]}}
    return {"name": "own", "benchmarks": {"shop": shop}}


def mistakes(table: Table) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        validate_profile(table, "own.toml")
    assert caught.value.exit_code is ExitCode.INVALID_CONFIGURATION
    return [problem.removeprefix("benchmarks.shop.") for problem in caught.value.problems]


def meant(profile: Profile) -> list[tuple[str, tuple[str, ...]]]:
    thresholds = profile.benchmarks["shop"].parsed_thresholds()
    return [(threshold.key, threshold.scenarios) for threshold in thresholds]


@pytest.mark.parametrize(
    ("key", "scenarios"),
    [
        ("http_reqs{team:checkout}", ("cart", "pay")),
        ("http_reqs{team:checkout,status:200}", ("cart", "pay")),
        ("http_reqs{team:checkout,tier:gold}", ("pay",)),
        ("http_reqs{team:checkout,scenario:cart}", ("cart",)),
        ("http_reqs{team:search}", ("find",)),
        ("http_reqs{scenario:find}", ()),
        ("http_reqs", ()),
    ],
)
def test_a_filter_by_a_tag_means_the_scenarios_that_have_it(
    key: str, scenarios: tuple[str, ...]
) -> None:
    profile = validate_profile(raw(key), "own.toml")
    again = validate_profile(json.loads(profile.as_json), "history")

    assert meant(profile) == [(key, scenarios)]
    assert meant(again) == [(key, scenarios)]


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        (
            "http_reqs{team:chekout}",
            "count>0",
            f"no scenario has team:chekout; there are {THERE}; did you mean team:checkout?",
        ),
        (
            "http_reqs{team:search,tier:gold}",
            "count>0",
            f"no scenario has team:search and tier:gold; there are {THERE}",
        ),
        (
            "http_reqs{scenario:find,team:checkout}",
            "count>0",
            f"scenario 'find' does not have team:checkout; there are {THERE}",
        ),
        (
            "iterations{taem:search}",
            "count>0",
            (
                f"metric 'iterations' has no tag 'taem'; {ITERATIONS}, and from its scenarios "
                f"{THERE}; did you mean team?"
            ),
        ),
        # One figure per scenario and second: of two scenarios nobody knows which is meant.
        ("vus{team:checkout}", "value>0", "metric 'vus' has no tag 'team'; it has: scenario"),
        ("stage_api{team:checkout}", "avg<1", "metric 'stage_api' has no tag 'team'; it has: none"),
    ],
)
def test_a_filter_that_no_scenario_answers_is_refused_with_the_tags_there_are(
    key: str, text: str, sentence: str
) -> None:
    assert mistakes(raw(key, text)) == [f"thresholds.{key}: {sentence}"]


def test_a_filter_by_a_tag_is_refused_where_no_scenario_has_tags() -> None:
    (found,) = mistakes(raw("http_reqs{team:checkout}", tags={"pay": {}}))

    assert found.endswith("has no tag 'team'; it has: error, operation, outcome, scenario, status")


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        *(
            ({name: "x"}, f"{name!r} is a tag that every sample already has")
            for name in (
                *("scenario", "operation", "status", "outcome", "error", "check", "source"),
            )
        ),
        ({"te__am": "x"}, "'te__am' is not a valid name of a tag"),
        ({"_team": "x"}, "'_team' is not a valid name of a tag"),
        ({"te-am": "x"}, "'te-am' is not a valid name of a tag"),
        ({"team": "a,b"}, "'a,b' is not a valid name"),
        ({"team": ""}, "'' is not a valid name"),
        ({"team": 5}, "tags.team is 5; it must be a text in quotes"),
        ("team", "tags is 'team'; it must be a table"),
    ],
)
def test_a_tag_that_cannot_be_is_one_sentence(tags: object, sentence: str) -> None:
    (found,) = mistakes(raw(tags={"pay": tags}))

    assert found.startswith("scenarios.pay.tags")
    assert sentence in found


def test_a_pinned_figure_may_be_one_of_a_tag() -> None:
    def pinned(value: str) -> Table:
        figure = {"benchmark": "shop", "metric": f"http_req_duration{{team:{value}}}"}
        return {"pinned": [{**figure, "statistic": "p(95)", "value": 800}]}

    validate_profile({**raw(), "baseline": pinned("search")}, "own.toml")

    (found,) = mistakes({**raw(), "baseline": pinned("serach")})
    told = f"no scenario has team:serach; there are {THERE}; did you mean team:search?"
    assert found == f"baseline.pinned[0]: {told}"


@pytest.mark.parametrize("statistic", ["p(99.99)", "p(95.0)", "med"])
def test_a_pinned_figure_is_one_that_runs_are_compared_by(statistic: str) -> None:
    figure = {"benchmark": "shop", "metric": "http_req_duration", "value": 800}
    pinned = {"baseline": {"pinned": [{**figure, "statistic": statistic}]}}
    if statistic == "med":
        validate_profile({**raw(), **pinned}, "own.toml")
        return

    (found,) = mistakes({**raw(), **pinned})
    assert found == (
        f"baseline.pinned[0].statistic is '{statistic}'; it must be one that runs are "
        "compared by: avg, min, med, max, p(90), p(95), p(99), count, rate, value"
    )


def test_tags_are_part_of_the_load_and_without_them_no_series_starts_anew() -> None:
    """A figure of {team:a} is of other samples when another scenario has the tag."""
    key = "benchmarks.end_to_end.scenarios.create_users.tags"
    base = load_profile("quick")
    one, other = (load_profile("quick", {key: {"team": team}}) for team in "ab")

    assert '"tags"' not in base.as_json
    assert load_profile("quick", {key: {}}).as_json == base.as_json
    assert len({run.load_hash("end_to_end") for run in (base, one, other)}) == 3
