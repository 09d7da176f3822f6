"""What people may write for a side of a comparison.

Add here: another spelling. Keep out: starting sides (integration/stack).
"""

import pytest

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.duet_sides import (
    CommandSide,
    GivenSide,
    ReferenceSide,
    part_of,
    read_side,
    told_side,
)
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.errors import ProfileError, RequestError

_SERVE = "./serve --port {port}"


def test_a_side_is_a_url_a_command_or_a_revision() -> None:
    assert read_side("baseline", "http://127.0.0.1:8080") == GivenSide("http://127.0.0.1:8080")
    assert read_side("baseline", _SERVE) == CommandSide(_SERVE)
    assert read_side("baseline", "git:main", command=_SERVE, prepare="make") == CommandSide(
        _SERVE, "main", "make"
    )


@pytest.mark.parametrize(
    ("text", "brokers", "shown"),
    [
        ("kafka://127.0.0.1:9092/orders", "127.0.0.1:9092", "kafka://127.0.0.1:9092/orders"),
        (
            "kafka://127.0.0.1:9093/orders?security.protocol=SSL",
            "kafka://127.0.0.1:9093?security.protocol=SSL",
            "kafka://127.0.0.1:9093/orders",
        ),
        (
            "SASL_PLAINTEXT://app:s3cret@127.0.0.1:9092/orders",
            "SASL_PLAINTEXT://app:s3cret@127.0.0.1:9092",
            "kafka://127.0.0.1:9092/orders",
        ),
        (
            "SASL_PLAINTEXT://app:s3c%26ret@127.0.0.1:9092/orders?linger.ms=5",
            (
                "kafka://127.0.0.1:9092?linger.ms=5&sasl.mechanism=PLAIN&sasl.password=s3c%26ret"
                "&sasl.username=app&security.protocol=SASL_PLAINTEXT"
            ),
            "kafka://127.0.0.1:9092/orders",
        ),
    ],
    ids=["plain", "properties", "password", "password and properties"],
)
def test_a_topic_is_written_behind_its_brokers(text: str, brokers: str, shown: str) -> None:
    side = read_side("baseline", text)

    assert side == GivenSide(brokers, Part.BROKERS, "orders")
    assert told_side(side) == shown
    assert read_side("baseline", "kafka://127.0.0.1:9092") == GivenSide(
        "127.0.0.1:9092", Part.BROKERS
    )


def test_a_reference_system_is_written_with_the_settings_that_differ() -> None:
    side = read_side("candidate", "reference:workers=2,redis=off,send_ms=0..50")

    assert side == ReferenceSide({"workers": "2", "redis": "off", "send_ms": "0..50"})
    assert read_side("baseline", "reference") == ReferenceSide()
    assert told_side(side) == "reference:workers=2,redis=off,send_ms=0..50"
    assert told_side(ReferenceSide()) == "reference"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("reference:worker=2", "'worker=2' is not a setting of the reference system; did you mean"),
        ("reference:workers=7", "'workers=7' is not a setting"),
        ("reference:pool_size", "'pool_size' is not a setting"),
    ],
    ids=["unknown", "more than there are partitions", "without a value"],
)
def test_a_setting_that_is_none_is_refused(text: str, told: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_side("candidate", text)

    assert told in refused.value.sentence
    assert "workers=2" in str(refused.value.hint)


@pytest.mark.parametrize(
    "dsn", ["postgresql://127.0.0.1/shop", "postgres://127.0.0.1/shop", "dbname=shop"]
)
def test_a_side_in_a_variable_is_a_url_or_a_dsn_in_either_of_its_forms(dsn: str) -> None:
    given = {"SHOP": dsn}

    assert read_side("baseline", "env:SHOP", environment=given) == GivenSide(dsn, Part.POSTGRES)


@pytest.mark.parametrize("text", ["mysql://app:s3cret@127.0.0.1/shop", "s3cret"])
def test_what_a_variable_holds_is_not_shown_where_it_is_no_side(text: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_side("baseline", "env:SHOP", environment={"SHOP": text})

    assert "SHOP holds no URL and no DSN" in refused.value.sentence
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "side",
    [
        "postgresql://app:s3cret@127.0.0.1/shop",
        "postgresql://app:s3cret{@127.0.0.1/shop",
        "host=127.0.0.1 password=s3cret",
    ],
    ids=["URL", "with a bracket", "keywords"],
)
def test_a_profile_holds_no_password_of_a_side(side: str) -> None:
    with pytest.raises(ProfileError) as refused:
        validate_profile(
            {
                "name": "shop",
                "duet": {"baseline": side},
                "benchmarks": {},
            },
            "shop.toml",
        )

    assert "duet.baseline: holds a password; write env:NAME" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_both_sides_are_the_same_part() -> None:
    database = GivenSide("postgresql://127.0.0.1/shop", Part.POSTGRES)

    assert part_of((database, database)) is Part.POSTGRES
    assert part_of((CommandSide(_SERVE), GivenSide("http://127.0.0.1:1"))) is Part.API
    workers = read_side("candidate", "git:main", command="./worker {topic}")
    assert part_of((CommandSide("./worker {topic}"), workers)) is Part.BROKERS
    with pytest.raises(RequestError, match="both have to be the same"):
        part_of((database, CommandSide(_SERVE)))


def test_a_side_is_told_as_it_was_written() -> None:
    assert told_side(GivenSide("http://127.0.0.1:8080")) == "http://127.0.0.1:8080"
    assert told_side(CommandSide(_SERVE)) == _SERVE
    assert told_side(CommandSide(_SERVE, "main")) == f"git:main, {_SERVE}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "./serve",
            "--candidate './serve' is neither a URL nor a command with {port} or {topic} in it",
        ),
        ("", "no candidate is named"),
        ("git:main", "--candidate 'git:main' needs --command with {port} or {topic} in it"),
        ("git:", "--candidate 'git:' names no git revision"),
        ("git:--upload-pack=x", "--candidate 'git:--upload-pack=x' names no git revision"),
        (
            "./serve {port} {topic}",
            (
                "--candidate: './serve {port} {topic}' has {port} and {topic} in it, and a side is "
                "either an API or workers"
            ),
        ),
    ],
)
def test_anything_else_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_side("candidate", text)

    assert refused.value.sentence == told
    assert refused.value.hint
