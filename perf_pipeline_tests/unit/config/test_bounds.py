"""Every number of a profile has a lower and an upper bound, and what they say together has one."""

import typing
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.keys import models
from perf_pipeline.config.loading import load_profile, parse_overrides
from perf_pipeline.errors import ProfileError

HUGE: Final = 10**30
USERS: Final = "benchmarks.end_to_end.scenarios.create_users"
CEILING: Final = "benchmarks.queue_produce.scenarios.ceiling"


def _numeric() -> Iterator[tuple[type[Frozen], str, FieldInfo]]:
    for model in models():
        for name, field in model.model_fields.items():
            if _takes_number(field.annotation):
                yield model, name, field


def _takes_number(annotation: Any) -> bool:
    """Say whether a number may stand there itself, in a list, or as a range; not in a table."""
    if annotation in {int, float}:
        return True
    if typing.get_origin(annotation) in {dict, typing.Literal}:
        return False
    return any(_takes_number(member) for member in typing.get_args(annotation))


@cache
def _fields() -> dict[str, TypeAdapter[Any]]:
    """Give each field that takes a number alone, as pydantic reads it, by model and name."""
    found: dict[str, TypeAdapter[Any]] = {}
    for model, name, field in _numeric():
        annotation: Any = field.annotation
        for marker in field.metadata:
            annotation = typing.Annotated[annotation, marker]
        found[f"{model.__name__}.{name}"] = TypeAdapter(annotation)
    return found


def _is_taken(field: TypeAdapter[Any], number: float) -> bool:
    """Ask for the bare number, and for a list with it."""
    for value in (number, [number]):
        try:
            field.validate_python(value)
        except ValidationError:
            continue
        return True
    return False


@pytest.mark.parametrize(
    "number", [HUGE, -HUGE, float(HUGE), float("inf"), float("-inf"), float("nan"), -1]
)
def test_a_number_that_cannot_be_stored_is_taken_by_no_key(number: float) -> None:
    assert [key for key, field in _fields().items() if _is_taken(field, number)] == []


def test_the_walk_finds_the_numbers_of_every_table() -> None:
    assert {
        "Profile.seed",
        "BaselinePolicyConfig.window",
        "PinnedBaseline.value",
        "Stage.target",
        "ConstantArrivalRate.rate",
        "RampingArrivalRate.max_vus",
        "HttpParameters.think_time_us",
        "Expect.statuses",
        "HttpStep.timeout_us",
    } <= {*_fields()}


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        (
            "seed",
            HUGE,
            f"seed is {HUGE}; it must be between 0 and 9,223,372,036,854,775,807",
        ),
        ("keepRawRuns", HUGE, f"keepRawRuns is {HUGE}; it must be between 1 and 1,000,000"),
        ("baseline.window", HUGE, f"window is {HUGE}; it must be between 5 and 1,000"),
        ("baseline.alpha", 0.5, "alpha is 0.5; it must be more than 0 and less than 0.5"),
        ("workers", True, "workers is True; it must be a whole number"),
        ("workers", 2.0, "workers is 2.0; it must be a whole number"),
        ("workers", "2", "workers is '2'; it must be a whole number"),
        ("seeding.users", -0.0, "users is -0.0; it must be a whole number"),
        (f"{USERS}.rate", HUGE, f"rate is {HUGE}; it must be between 1 and 1,000,000,000"),
        (f"{USERS}.duration", "100y", "duration: '100y' is not a duration"),
        (f"{USERS}.duration", "500000h", "duration is '500000h'; it must be at most 175200h"),
        (f"{USERS}.parameters.thinkTime", "1s..500000h", "is too long; it may be at most 175200h"),
        (f"{USERS}.parameters.thinkTime", True, "True is neither a duration nor a range"),
        ("baseline.pinned", [{"value": float("nan")}], "value is nan; it must be more than 0"),
    ],
)
def test_a_number_out_of_its_bounds_is_told_with_both(key: str, value: Any, sentence: str) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile("quick", {key: value})

    assert sentence in "\n".join(caught.value.problems)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        # 1,000,000,000 a second for an hour: 3.6e12, and the one at 0 s.
        (
            {f"{USERS}.rate": 1_000_000_000, f"{USERS}.duration": "1h"},
            (
                "benchmarks.end_to_end would start 3,600,000,000,001 iterations, but at most "
                "10,000,000,000 can be stored"
            ),
        ),
        (
            {f"{USERS}.maxVUs": 2_000_000},
            (
                "benchmarks.end_to_end has 2,000,000 VUs at once, but one machine can run at most "
                "1,000,000"
            ),
        ),
        (
            {
                f"{CEILING}.parameters.batch": 1_000_000,
                f"{CEILING}.parameters.messageBytes": 1_000_000,
            },
            "holds 1,000,000 messages of 1,000,000 bytes; that is more than 1.0 GiB",
        ),
    ],
    ids=["starts", "vus", "bytes"],
)
def test_numbers_whose_product_fits_nowhere_are_refused(
    overrides: Mapping[str, Any], sentence: str
) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile("quick", overrides)

    assert sentence in "\n".join(caught.value.problems)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("9" * 5_000, "seed: it has a whole number of 5,000 digits; a number may have at most 19"),
        ("[" * 3_000, "seed: its tables and lists are nested too deeply to be read"),
        ("{a=" * 3_000, "seed: its tables and lists are nested too deeply to be read"),
    ],
    ids=["digits", "brackets", "tables"],
)
def test_a_value_that_the_toml_parser_cannot_bear_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parse_overrides({"seed": text})

    assert caught.value.problems == [sentence]


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        # 16**5000 has 5000 * log10(16) = 6020.6 digits.
        ("seed", 16**5_000, "6,021 digits); a whole number may have at most 100 digits"),
        ("target", "\udcff", "target is '\\udcff'; \\udcff is half a character"),
        ("benchmarks.\ud83d", {}, "\\ud83d is half a character"),
        ("target", "x" * (2 << 20), "a text may have at most 1,048,576 characters"),
        ("baseline.pinned", [[[]]] * 300_000, "more than 200,000 values"),
    ],
    ids=["hexadecimal", "surrogate", "surrogate-key", "megabytes", "many"],
)
def test_a_value_that_no_key_can_hold_is_refused_before_anything_reads_it(
    key: str, value: Any, sentence: str
) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile("quick", {key: value})

    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 2_000


def test_tables_that_lie_too_deep_are_told_by_their_path(tmp_path: Path) -> None:
    profile = tmp_path / "deep.toml"
    profile.write_text(f'extends = "quick"\n[{".".join("a" * 3_000)}]\n', encoding="utf-8")

    with pytest.raises(ProfileError, match="is nested in more than 64 tables or lists"):
        load_profile(str(profile))


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_no_json_that_is_sent_has_a_number_without_an_end(tmp_path: Path, number: str) -> None:
    profile = tmp_path / "own.toml"
    profile.write_text(
        f"""
        name = "own"
        [benchmarks.own.scenarios.s]
        exec = "http_steps"
        executor = "constant-vus"
        duration = "2s"
        [[benchmarks.own.scenarios.s.parameters.steps]]
        name = "post"
        method = "POST"
        path = "/x"
        json = {{ deep = [{{ value = {number} }}] }}
        """,
        encoding="utf-8",
    )

    with pytest.raises(ProfileError, match=r"json\.deep\[0\]\.value is .*JSON has no such number"):
        load_profile(str(profile))


def test_a_long_value_is_cut_and_control_characters_are_escaped() -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile("quick", {"target": "a\x1b[31m\n" + "x" * 1_000_000, "y" * 500_000: 1})

    told = str(caught.value)
    assert len(told) < 2_000
    assert "\x1b" not in told
    assert "\\x1b[31m" in told
    assert "(1,000," in told
