"""Targets: only loopback or allowed hosts, and no secret in any text."""

import pytest

from perf_pipeline.config.hosts import is_this_machine, read_host
from perf_pipeline.config.safety import check_target
from perf_pipeline.config.target import Target, TargetConfig, resolve_target
from perf_pipeline.errors import ExitCode, ProfileError, TargetNotAllowedError


def target(**given: object) -> Target:
    fields: dict[str, object] = {
        "name": "staging",
        "base_url": None,
        "postgres_dsn": None,
        "brokers": None,
        "topic": "t",
        "group": "g",
        "redis_url": None,
    }
    return Target(**{**fields, **given})  # type: ignore[arg-type]  # a table of fields for one test


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("/var/run/postgresql", True),
        ("10.0.0.1", False),
        ("192.168.1.1", False),
        ("0.0.0.0", False),
        ("localhost.evil.example", False),
        ("api.example", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, expected: bool) -> None:
    assert is_this_machine(read_host(host)) is expected


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ({"base_url": "http://api.example:8080"}, "api.example"),
        ({"base_url": "http://127.0.0.1@api.example/"}, "api.example"),
        ({"postgres_dsn": "postgresql://u:p@db.example:5432/x"}, "db.example"),
        ({"postgres_dsn": "postgresql://u:p@127.0.0.1:5432,db2.example:5432/x"}, "db2.example"),
        ({"postgres_dsn": "postgresql://u@127.0.0.1/x?host=db3.example"}, "db3.example"),
        ({"postgres_dsn": "host=db.example dbname=x password=p"}, "db.example"),
        ({"postgres_dsn": "host=127.0.0.1 hostaddr=10.1.1.1 dbname=x"}, "10.1.1.1"),
        ({"brokers": "127.0.0.1:9092, kafka.example:9092"}, "kafka.example"),
        ({"redis_url": "redis://:pw@cache.example:6379/0"}, "cache.example"),
    ],
)
def test_a_foreign_host_is_refused_by_name_with_the_key_to_set(
    given: dict[str, object], host: str
) -> None:
    with pytest.raises(TargetNotAllowedError) as caught:
        check_target(target(**given))

    assert host in str(caught.value)
    assert "[targets.staging]" in str(caught.value)
    assert caught.value.exit_code is ExitCode.INVALID_CONFIGURATION
    check_target(target(**given, allowed=(host,)))


def test_a_dsn_without_a_host_is_refused_because_it_cannot_be_checked() -> None:
    with pytest.raises(ProfileError, match="names no host"):
        check_target(target(postgres_dsn="dbname=birthday"))


@pytest.mark.parametrize(
    "given",
    [
        {"postgres_dsn": "postgresql://u:pa/ss@127.0.0.1/db"},
        {"postgres_dsn": "postgresql://u:pa@ss@127.0.0.1/db"},
        {"redis_url": "redis://:pa/ss@127.0.0.1:6379/0"},
        {"base_url": "http://u:pa#ss@127.0.0.1:8080"},
    ],
)
def test_a_password_that_would_be_read_as_a_host_is_refused_and_no_part_of_it_is_shown(
    given: dict[str, object],
) -> None:
    with pytest.raises(ProfileError, match="percent-encode") as caught:
        check_target(target(**given))

    assert "pa" not in str(caught.value).replace("password", "").replace("path", "")
    assert "127.0.0.1" in str(caught.value)


def test_a_target_never_shows_its_secrets_when_printed() -> None:
    shown = repr(target(postgres_dsn="postgresql://app:s3cret@127.0.0.1/b"))

    assert "s3cret" not in shown


def test_the_environment_wins_over_the_profile_and_names_the_secrets() -> None:
    config = TargetConfig(base_url="http://127.0.0.1:1", postgres_dsn_env="STAGING_DSN")
    environment = {
        "PERF_BASE_URL": "http://127.0.0.1:2",
        "STAGING_DSN": "host=127.0.0.1",
        "PERF_ALLOWED_HOSTS": "a.example, b.example",
    }

    resolved = resolve_target("staging", config, environment)

    assert resolved.base_url == "http://127.0.0.1:2"
    assert resolved.postgres_dsn == "host=127.0.0.1"
    assert resolved.allowed == ("a.example", "b.example")
