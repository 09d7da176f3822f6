import random
import re
from dataclasses import replace
from datetime import date
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_pipeline.workloads.people import (
    EMAIL_DOMAIN,
    FIRST_NAMES,
    LAST_NAMES,
    TIMEZONES,
    created_email,
    people,
    person,
    run_email_pattern,
    seeded_email,
)

RUNS = st.text(min_size=1, max_size=40)
NUMBERS = st.integers(min_value=0, max_value=999_999_999)
IDENTITIES = st.tuples(RUNS, RUNS, NUMBERS, NUMBERS)


def test_the_variety_is_what_the_product_promises() -> None:
    assert len(set(FIRST_NAMES)) >= 8
    assert len(set(LAST_NAMES)) >= 7
    assert len(set(TIMEZONES)) >= 7
    assert len({zone.split("/")[0] for zone in TIMEZONES}) >= 4


@pytest.mark.parametrize("zone", TIMEZONES)
def test_every_zone_is_known_to_the_tz_database(zone: str) -> None:
    assert ZoneInfo(zone).key == zone


def test_equal_seeds_give_equal_people_and_another_seed_gives_others() -> None:
    assert list(people(42, "r1", 200)) == list(people(42, "r1", 200))
    assert list(people(42, "r1", 200)) != list(people(43, "r1", 200))


def test_a_longer_data_set_begins_with_the_shorter_one() -> None:
    assert list(islice(people(42, "r1", 1_000), 10)) == list(people(42, "r1", 10))


def test_another_run_gets_the_same_people_under_its_own_addresses() -> None:
    def without_email(run: str) -> list[tuple[str, str, date, str]]:
        return [(p.first_name, p.last_name, p.birthday, p.timezone) for p in people(42, run, 50)]

    assert without_email("r1") == without_email("r2")
    emails = {p.email for run in ("r1", "r2") for p in people(42, run, 50)}
    assert len(emails) == 100


def test_birthdays_lie_in_the_promised_years_and_every_year_has_them() -> None:
    birthdays = [someone.birthday for someone in people(1, "r1", 20_000)]

    assert (min(birthdays), max(birthdays)) == (date(1960, 1, 1), date(1999, 12, 28))
    # 40 years x 12 months x 28 days = 13,440 days; the days themselves are 336
    assert len({(day.month, day.day) for day in birthdays}) == 336


def test_no_people_are_none() -> None:
    assert list(people(1, "r1", 0)) == []


def test_a_person_is_drawn_from_the_given_source_only() -> None:
    first, second = (person(random.Random(5), f"{name}@b.invalid") for name in "ac")

    assert replace(first, email="") == replace(second, email="")
    assert (first.email, second.email) == ("a@b.invalid", "c@b.invalid")


@given(IDENTITIES, IDENTITIES)
def test_two_iterations_never_share_an_email(
    one: tuple[str, str, int, int], other: tuple[str, str, int, int]
) -> None:
    assert (created_email(*one) == created_email(*other)) == (one == other)


@given(vu=NUMBERS, iteration=NUMBERS, other_vu=NUMBERS, other_iteration=NUMBERS)
def test_numbers_glued_together_do_not_collide(
    vu: int, iteration: int, other_vu: int, other_iteration: int
) -> None:
    first = created_email("r1", "create", vu, iteration)
    second = created_email("r1", "create", other_vu, other_iteration)

    assert (first == second) == ((vu, iteration) == (other_vu, other_iteration))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("r", "s", 1, 11), ("r", "s", 11, 1)),
        (("r", "s", 1, 11), ("r", "s", 111, 1)),
        (("r-s", "t", 1, 1), ("r", "s-t", 1, 1)),
        (("r", "s-1", 1, 1), ("r", "s", 1, 1)),
        (("R", "s", 1, 1), ("r", "s", 1, 1)),
        (("r", "S", 1, 1), ("r", "s", 1, 1)),
        (("r-1", "s", 1, 1), ("r", "1-s", 1, 1)),
    ],
)
def test_neighbours_that_look_alike_have_different_emails(
    one: tuple[str, str, int, int], other: tuple[str, str, int, int]
) -> None:
    assert created_email(*one) != created_email(*other)


@given(IDENTITIES)
def test_every_address_is_lower_case_and_within_the_limits_of_rfc_5321(
    identity: tuple[str, str, int, int],
) -> None:
    for email in (created_email(*identity), seeded_email(identity[0], identity[2])):
        local, _, domain = email.partition("@")
        assert domain == EMAIL_DOMAIN == "perf-pipeline.invalid"
        assert len(local) <= 64
        assert len(email) <= 254
        # a dot-atom of RFC 5322, 3.2.3, in the characters that every validator takes
        assert re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", local)


@given(RUNS, RUNS, st.text(min_size=1, max_size=20), NUMBERS, NUMBERS)
def test_the_pattern_of_a_run_finds_its_own_addresses_and_no_others(
    run: str, other: str, scenario: str, vu: int, number: int
) -> None:
    for email in (seeded_email(other, number), created_email(other, scenario, vu, number)):
        assert bool(re.search(run_email_pattern(run), email)) == (run == other)


@pytest.mark.parametrize(("run", "other"), [("a", "b-a"), ("a", "a-b"), ("a", "a-1"), ("1", "1-1")])
def test_the_pattern_of_a_run_does_not_find_a_run_whose_id_contains_it(
    run: str, other: str
) -> None:
    for email in (seeded_email(other, 1), created_email(other, "1", 1, 1)):
        assert not re.search(run_email_pattern(run), email)
        assert re.search(run_email_pattern(other), email)


def test_numbers_beyond_the_local_part_are_refused_instead_of_cut() -> None:
    with pytest.raises(ValueError, match="are too long for an email address"):
        created_email("r" * 24, "s" * 16, 10**10, 10**10)
