"""The key `capacity`: what it may name, and what is told of it before any load."""

from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from perf_pipeline.cli.main import main
from perf_pipeline.config.capacity_rules import searchable
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.needed_parts import parts_of
from perf_pipeline.config.own_scenarios import trust_of
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.rate_text import parse_rate
from perf_pipeline.config.scaled_load import at_rate
from perf_pipeline.errors import ProfileError
from perf_pipeline.plan.arrivals import steady_rate_per_s
from perf_pipeline.plan.capacity import rate_range, target_per_s
from perf_pipeline.units import US_PER_S

STEPS: Final = {"steps": [{"name": "ok", "path": "/ok"}]}
OPEN: Final = {"executor": "constant-arrival-rate", "duration": "10s", "preAllocatedVUs": 20}
BUY: Final = {**OPEN, "rate": 30, "exec": "http_steps", "parameters": STEPS}
LOOK: Final = {
    **OPEN,
    "executor": "ramping-arrival-rate",
    "stages": [{"target": 10, "duration": "5s"}, {"target": 5, "duration": "5s"}],
    "exec": "http_steps",
    "parameters": STEPS,
}
LOOK.pop("duration")
CLOSED: Final = {
    "executor": "constant-vus",
    "vus": 3,
    "duration": "10s",
    "exec": "http_steps",
    "parameters": STEPS,
}


def profile(capacity: dict[str, Any] | None = None, **benchmarks: Any) -> dict[str, Any]:
    """Make a raw profile with the shop's load and a search of it."""
    search = {"capacity": {"of": "shop", **(capacity or {})}}
    shop = {"scenarios": {"buy": BUY, "look": LOOK}}
    return {"name": "mine", "benchmarks": {"shop": shop, "much": search, **benchmarks}}


def checked(raw: dict[str, Any]) -> Profile:
    """Check a raw profile."""
    return validate_profile(raw, "mine.toml")


def mistakes(raw: dict[str, Any]) -> list[str]:
    """Give the mistakes of a raw profile."""
    with pytest.raises(ProfileError) as refused:
        checked(raw)
    return list(refused.value.problems)


@pytest.mark.parametrize(
    ("text", "per_s"),
    [("50/s", 50.0), ("600/min", 10.0), ("3600 / h", 1.0), ("1,000,000/day", 11.574074074074074)],
)
def test_a_rate_is_read_per_second(text: str, per_s: float) -> None:
    assert parse_rate(text) == pytest.approx(per_s)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("50", "'50' is not a rate; write one like '50/s', '600/min' or '1000000/day'"),
        (50, "50 is not a rate"),
        ("5/dy", "'5/dy' is per 'dy', which is not a unit here; did you mean day?"),
        ("0/s", "'0/s' is no load"),
        ("-5/s", "'-5/s' is not a rate"),
    ],
)
def test_what_is_no_rate_is_told(text: object, told: str) -> None:
    with pytest.raises(ValueError, match="^") as refused:
        parse_rate(text)

    assert str(refused.value).startswith(told)


def test_a_search_needs_no_scenarios_of_its_own() -> None:
    found = checked(profile())

    assert found.benchmarks["much"].scenarios == {}
    assert [its.source for its in found.benchmarks["much"].all_thresholds()] == ["value>0"]


def test_a_benchmark_without_scenarios_and_search_is_refused() -> None:
    [told] = mistakes({"name": "mine", "benchmarks": {"api_user_creation": {}}})

    assert told == (
        "benchmarks.api_user_creation: its scenarios are missing; a benchmark needs at least one"
    )


def test_a_search_that_was_stored_reads_back() -> None:
    made = checked(profile({"hint": "7/min", "target": "1000000/day", "window": "3s"}))

    assert validate_profile(made.model_dump(mode="json", by_alias=True), "of a run") == made


@pytest.mark.parametrize(
    ("capacity", "told"),
    [
        ({"of": "shp"}, "of: 'shp' is not one of shop; did you mean shop?"),
        ({"of": "much"}, "of: 'much' is not one of shop"),
        (
            {"scenarios": ["by"]},
            "scenarios: 'by' is not one of buy, look; did you mean buy?",
        ),
        (
            {"hint": "50/s", "highest": "20/s"},
            "hint: 50/s is above highest, which is 20/s; no higher rate would be tried",
        ),
    ],
    ids=["unknown", "itself", "scenario", "range"],
)
def test_what_a_search_names_has_to_be_there(capacity: dict[str, Any], told: str) -> None:
    assert mistakes(profile(capacity)) == [f"benchmarks.much.capacity.{told}"]


def test_a_closed_model_has_no_rate_to_search() -> None:
    [told] = mistakes(profile(shop={"scenarios": {"buy": BUY, "visit": CLOSED}}))

    assert told == (
        "benchmarks.much.capacity.of: scenario visit of shop is 3 VUs for 10s: it has no rate that "
        "could be raised, because it starts as fast as the target answers; give it the executor "
        "constant-arrival-rate or ramping-arrival-rate, or name the scenarios that have one: "
        "scenarios = [...]"
    )


def test_scenarios_that_are_named_leave_closed_ones_out() -> None:
    shop = {"scenarios": {"buy": BUY, "visit": CLOSED}}

    assert checked(profile({"scenarios": ["buy"]}, shop=shop))


def test_scenarios_of_two_steps_are_not_searched_together() -> None:
    [told] = mistakes(profile(shop={"scenarios": {"buy": BUY, "look": {**LOOK, "step": 2}}}))

    assert "shop loads buy, look one after another (step)" in told


def test_a_load_that_breaks_its_target_is_not_searched() -> None:
    fault = {"at": "4s", "kind": "command", "run": "docker kill api"}
    broken = {"scenarios": {"buy": BUY}, "faults": [fault]}
    [told] = mistakes(profile(shop=broken))

    assert told.startswith("benchmarks.much.capacity.of: shop has faults, which would break the")
    both = {"broken": broken, "whole": {"scenarios": {"buy": BUY}}}
    assert list(searchable(checked({"name": "mine", "benchmarks": both}))) == ["whole"]
    [told] = mistakes(profile(much={"capacity": {"of": "shop"}, "faults": [fault]}))
    assert told == "benchmarks.much.faults: a search breaks nothing on purpose; leave them out"


def test_what_holds_in_a_window_stands_in_what_is_searched() -> None:
    search = {"capacity": {"of": "shop"}, "thresholds": {"http_req_failed": ["rate<0.01"]}}
    [told] = mistakes(profile(much=search))

    assert told == (
        "benchmarks.much.thresholds.http_req_failed: what must hold in a window are the thresholds "
        "of shop; a capacity itself has capacity_headroom_ratio, capacity_per_day, capacity_per_s"
    )


def test_only_a_search_has_a_capacity() -> None:
    shop = {"scenarios": {"buy": BUY}, "thresholds": {"capacity_per_s": ["value>5"]}}
    [told] = mistakes(profile(shop=shop))

    assert told.startswith(
        "benchmarks.shop.thresholds.capacity_per_s: only a benchmark with the key capacity"
    )


def test_scenarios_beside_a_search_are_refused() -> None:
    [told] = mistakes(profile(much={"capacity": {"of": "shop"}, "scenarios": {"buy": BUY}}))

    assert told == (
        "benchmarks.much has scenarios and capacity; the scenarios that are searched are those of "
        "shop, so leave one of the two out"
    )


def test_all_rates_scale_together() -> None:
    # 30/s and, of the ramp, its highest 10/s: at 80/s they are 60/s and 20/s.
    made = at_rate(checked(profile()), "shop", (), 80.0, length_us=12 * US_PER_S)
    scenarios = made.benchmarks["shop"].scenarios

    assert list(made.benchmarks) == ["shop"]
    assert {name: steady_rate_per_s(its.plan) for name, its in scenarios.items()} == {
        "buy": 60.0,
        "look": 20.0,
    }
    assert {its.plan.length_us for its in scenarios.values()} == {14 * US_PER_S}
    assert {its.warm_up_us for its in scenarios.values()} == {2 * US_PER_S}
    assert scenarios["buy"].plan.most_vus == 120


def test_a_search_begins_with_the_rate_of_the_profile() -> None:
    made = checked(profile())
    search = made.benchmarks["much"].capacity
    assert search is not None

    assert rate_range(made, search).hint == 40.0
    assert target_per_s(made, search) is None


def test_a_search_needs_the_parts_of_what_it_searches() -> None:
    made = checked(
        profile(
            {"of": "end_to_end"},
            end_to_end={"scenarios": {"create": {**OPEN, "rate": 5, "exec": "create_user"}}},
        )
    )

    assert parts_of(made, "much") == parts_of(made, "end_to_end")


def test_what_is_only_searched_is_trusted_as_well() -> None:
    buy = {**BUY, "parameters": {**STEPS, "caFile": "shop.pem"}}
    shop = {"enabled": False, "scenarios": {"buy": buy}}

    assert [path.name for path in trust_of(checked(profile(shop=shop))).ca_files] == ["shop.pem"]
    alone = {"name": "mine", "benchmarks": {"shop": shop}}
    assert trust_of(checked(alone)).ca_files == ()


def test_another_bound_is_another_question() -> None:
    shop = {"scenarios": {"buy": BUY}}
    one = checked(profile(shop={**shop, "thresholds": {"http_req_failed": ["rate<0.01"]}}))
    other = checked(profile(shop={**shop, "thresholds": {"http_req_failed": ["rate<0.02"]}}))

    assert one.load_hash("shop") == other.load_hash("shop")
    assert one.load_hash("much") != other.load_hash("much")


def test_a_newcomer_need_not_name_what_is_searched() -> None:
    made = checked(profile(visits={"scenarios": {"visit": CLOSED}}))

    assert list(searchable(made)) == ["shop"]


def test_check_shows_the_search(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\n'
        "[benchmarks.much]\n"
        'capacity = { of = "shop" }\n'
        "[benchmarks.shop]\n"
        'thresholds = { http_reqs = ["rate>10"], http_req_duration = ["p(95)<300"] }\n'
        "[benchmarks.shop.scenarios.buy]\n"
        'exec = "http_steps"\n'
        'executor = "constant-arrival-rate"\n'
        'rate = 20\nduration = "10s"\npreAllocatedVUs = 5\n'
        'parameters.steps = [{ name = "ok", path = "/ok" }]\n',
        encoding="utf-8",
    )
    answer = CliRunner().invoke(main, ["check", str(path), "--only", "much"])

    assert answer.exit_code == 0, answer.output
    # 292 values for a p(95), at 20/s: 15 s.
    assert (
        "much searches the highest rate that shop carries: from 20/s on, between 10/min and "
        "20,000/s, in at most 25 windows, of 15 s at the first rate. The search chooses the rate "
        "itself, so its windows are not judged by http_reqs rate>10 of shop." in answer.output
    )
