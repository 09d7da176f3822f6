"""Faults of the network before servers that a run does not start: which can be had, and why not."""

from dataclasses import replace
from typing import Any, Final

import pytest

from perf_pipeline.config.hosts import Place
from perf_pipeline.config.kafka_client import client_properties
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.safety import check_target
from perf_pipeline.config.target import resolve_target
from perf_pipeline.errors import ProfileError
from perf_pipeline.loading.fault_parts import require_fault_parts
from perf_pipeline.loading.given_parts import places_before, stack_options
from perf_pipeline.stack.link_routes import Links, links_before

ARRIVALS: Final[dict[str, Any]] = {
    "executor": "constant-arrival-rate",
    "rate": 50,
    "duration": "30s",
    "preAllocatedVUs": 5,
}
STATEMENTS: Final[dict[str, Any]] = {
    "exec": "sql",
    "parameters": {"statements": [{"name": "one", "sql": "select 1"}]},
}
LOADS: Final[dict[str, dict[str, Any]]] = {
    "postgres": STATEMENTS,
    "redis": {"exec": "read_through_cache"},
    "broker": {"exec": "produce", "parameters": {"value": "one", "topic": "orders"}},
}
CUT: Final = {"at": "10s", "kind": "partition", "for": "1s"}
SERVERS: Final = {
    "PERF_POSTGRES_DSN": "postgresql://u:p%40ss@localhost:5433/shop?sslmode=require",
    "PERF_REDIS_URL": "redis://:n0-word-of-ours@127.0.0.1:6380/2",
    "PERF_KAFKA_BROKERS": "127.0.0.1:9092",
}


def profile(load: str = "", **fault: Any) -> Profile:
    look = {**ARRIVALS, **LOADS[load or fault["to"]]}
    name = "cache_benchmark" if look["exec"] == "read_through_cache" else "rows"
    loaded = {"scenarios": {"look": look}, "faults": [{**CUT, **fault}]}
    return validate_profile({"name": "cut", "benchmarks": {name: loaded}}, "cut.toml")


def problem(found: Profile, environment: dict[str, str]) -> str:
    with pytest.raises(ProfileError) as caught:
        require_fault_parts(found, [*found.benchmarks], resolve_target("local", None, environment))
    (told,) = caught.value.problems
    return str(told)


def test_a_proxy_can_stand_before_given_servers_of_this_machine() -> None:
    target = resolve_target("local", None, SERVERS)

    assert {part: place.port for part, place in places_before(target).items()} == {
        "postgres": 5433,
        "redis": 6380,
        "broker": 9092,
    }
    for server in ("postgres", "redis"):
        found = profile(to=server, **{"from": "load"})
        require_fault_parts(found, [*found.benchmarks], target)
        options = stack_options(found, target, [*found.benchmarks])
        assert (options.parts, options.links) == (frozenset(), (("load", server),))


def test_the_load_goes_to_the_proxy_with_name_user_and_options_of_the_server() -> None:
    target = resolve_target("local", None, SERVERS)
    links = links_before(
        {"postgres": (Place("127.0.0.1", 5433),), "redis": (Place("127.0.0.1", 6380),)}
    )
    ports = {link.server: link.port for link in links.links}

    # localhost stays the name that a certificate is checked against; hostaddr is where it goes.
    assert links.seen_by("load", "postgres", target.postgres_dsn) == (
        f"postgresql://u:p%40ss@localhost:{ports['postgres']}/shop?sslmode=require"
        "&hostaddr=127.0.0.1"
    )
    url = links.seen_by("load", "redis", target.redis_url)
    assert url == f"redis://:n0-word-of-ours@127.0.0.1:{ports['redis']}/2"
    assert links.seen_by("api", "redis", target.redis_url) == target.redis_url
    assert Links().seen_by("load", "postgres", target.postgres_dsn) == target.postgres_dsn


def test_a_proxy_can_stand_before_servers_on_other_hosts() -> None:
    elsewhere = {
        "PERF_BASE_URL": "https://shop.example/v1",
        "PERF_POSTGRES_DSN": "postgresql://u@db.example:5433/d?sslmode=verify-full",
        "PERF_REDIS_URL": "rediss://:n0-word-of-ours@cache.example:6380/0",
        "PERF_ALLOWED_HOSTS": "shop.example, db.example, cache.example",
    }
    target = check_target(resolve_target("local", None, elsewhere))

    assert places_before(target) == {
        "api": Place("shop.example", 443),
        "postgres": Place("db.example", 5433),
        "redis": Place("cache.example", 6380),
    }
    for server in ("postgres", "redis"):
        found = profile(to=server, **{"from": "load"})
        require_fault_parts(found, [*found.benchmarks], target)
    links = links_before({"postgres": (Place("db.example", 5433),)})
    (link,) = links.links
    assert (link.host, link.upstream) == ("db.example", 5433)
    # The name stays what a certificate is checked against; hostaddr is where it goes.
    assert links.seen_by("load", "postgres", target.postgres_dsn) == (
        f"postgresql://u@db.example:{link.port}/d?hostaddr=127.0.0.1&sslmode=verify-full"
    )


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("postgresql://u@127.0.0.2/d", Place("127.0.0.2", 5432)),
        ("postgresql://u@[::1]/d", Place("::1", 5432)),
        ("postgresql://u@localhost/d?hostaddr=127.0.0.3", Place("127.0.0.3", 5432)),
    ],
)
def test_an_address_is_where_a_proxy_goes(address: str, place: Place) -> None:
    given = {"PERF_POSTGRES_DSN": address}

    assert places_before(check_target(resolve_target("local", None, given))) == {"postgres": place}


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u@127.0.0.1:1,127.0.0.1:2/d",
        "host=/var/run/postgresql dbname=d",
        "hostaddr=127.0.0.2 dbname=d",
    ],
    ids=["two servers", "socket", "no name"],
)
def test_no_proxy_stands_before_a_postgresql_at_no_host_and_port_of_its_own(address: str) -> None:
    given = {"PERF_POSTGRES_DSN": address}

    assert places_before(resolve_target("local", None, given)) == {}
    told = problem(profile(to="postgres", **{"from": "load"}), given)

    assert (
        "faults[0].to is 'postgres', which this run does not start (it starts no part), so" in told
    )
    assert "the proxy, which can stand before a PostgreSQL at one named host and port" in told


def test_no_proxy_stands_before_a_redis_behind_a_socket() -> None:
    given = {**SERVERS, "PERF_REDIS_URL": "unix:///run/redis.sock"}

    assert "redis" not in places_before(resolve_target("local", None, given))
    told = problem(profile(to="redis", **{"from": "load"}), given)

    assert "which can stand before a Redis at one named host and port only, and" in told


def test_a_server_on_another_host_is_not_hindered_in_a_run_that_starts_other_parts() -> None:
    look = {**ARRIVALS, **LOADS["redis"]}
    cut = [{**CUT, "to": "redis", "from": "load"}]
    rows = {"scenarios": {"rows": {**ARRIVALS, **STATEMENTS}}}
    both = {"cache_benchmark": {"scenarios": {"look": look}, "faults": cut}, "rows": rows}
    elsewhere = {"PERF_REDIS_URL": "redis://127.0.0.2:6379/0"}

    told = problem(validate_profile({"name": "cut", "benchmarks": both}, "cut.toml"), elsewhere)

    assert "(it starts postgres), so that its connections go past the proxy, which can" in told
    assert "and where other parts start at 127.0.0.1 or localhost only" in told


def test_a_proxy_can_stand_before_all_brokers_of_a_cluster() -> None:
    target = resolve_target("local", None, SERVERS)
    found = profile(to="broker", **{"from": "load"})

    require_fault_parts(found, [*found.benchmarks], target)
    options = stack_options(found, target, [*found.benchmarks])
    links = links_before({"broker": (Place("127.0.0.1", 9092), Place("kafka-2.example", 9093))})

    assert (options.parts, options.links) == (frozenset(), (("load", "broker"),))
    assert [link.name for link in links.links] == ["load-broker", "load-broker-2"]
    # Whichever brokers were named to begin with, the load begins with the proxy's.
    first, second = (link.port for link in links.links)
    given = "kafka://localhost:9092?sasl.mechanism=PLAIN&security.protocol=SASL_PLAINTEXT"
    assert links.seen_by("load", "broker", given) == given.replace(
        "localhost:9092", f"127.0.0.1:{first},127.0.0.1:{second}"
    )


def test_the_load_trusts_the_proxy_alone_and_logs_in_as_before() -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nAA+A==\n-----END CERTIFICATE-----\n"
    links = replace(
        links_before({"broker": (Place("kafka-1.example", 9093),)}), certificate=certificate
    )
    given = (
        "kafka://kafka-1.example:9093?sasl.mechanism=PLAIN&sasl.password=p%26ss&sasl.username=me"
        "&security.protocol=SASL_SSL&ssl.ca.location=%2Fca.pem"
    )

    seen = links.seen_by("load", "broker", given) or ""

    assert client_properties(seen) == {
        "sasl.mechanism": "PLAIN",
        "sasl.password": "p&ss",
        "sasl.username": "me",
        "security.protocol": "SASL_SSL",
        "ssl.ca.pem": certificate,
    }
    assert seen.startswith(f"kafka://127.0.0.1:{links.links[0].port}?")


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.7:9092",
        "[::1]:9092",
        "kafka://kafka-1.example:9093?security.protocol=SASL_SSL&sasl.mechanism=PLAIN",
    ],
    ids=["another host", "IPv6", "TLS with a login"],
)
def test_a_proxy_can_stand_before_brokers_at_another_place_and_inside_of_tls(address: str) -> None:
    given = replace(resolve_target("local", None, SERVERS), brokers=address)
    found = profile(to="broker", **{"from": "load"})

    assert "broker" in places_before(given)
    require_fault_parts(found, [*found.benchmarks], given)


def test_no_proxy_stands_before_brokers_whose_tls_it_could_not_speak_as_the_load_does() -> None:
    address = "kafka://127.0.0.1:9093?security.protocol=SSL&ssl.crl.location=%2Frevoked.pem"
    given = replace(resolve_target("local", None, SERVERS), brokers=address)

    found = profile(to="broker", **{"from": "load"})
    with pytest.raises(ProfileError) as caught:
        require_fault_parts(found, [*found.benchmarks], given)

    (told,) = caught.value.problems
    assert "where nothing else starts, and goes by no ssl.crl.location" in str(told)


def test_given_brokers_are_not_hindered_in_a_run_that_starts_other_parts() -> None:
    look = {**ARRIVALS, **LOADS["broker"]}
    loads = {"look": look, "rows": {**ARRIVALS, **STATEMENTS}}
    faults = [{**CUT, "to": "broker", "from": "load"}]
    text = {"name": "cut", "benchmarks": {"both": {"scenarios": loads, "faults": faults}}}

    told = problem(validate_profile(text, "cut.toml"), {"PERF_KAFKA_BROKERS": "127.0.0.1:9092"})

    assert "which this run does not start (it starts postgres), so that its connections go" in told


def test_connections_of_others_to_a_given_server_are_not_hindered() -> None:
    assert "faults[0].from is 'api', which this run does not start (it starts no part), so" in (
        problem(profile(to="postgres", **{"from": "api"}), SERVERS)
    )
    assert problem(profile(to="postgres"), SERVERS).endswith('write from = "load"')


def test_a_fault_that_would_hinder_nothing_is_refused() -> None:
    told = problem(profile("postgres", to="redis", **{"from": "load"}), SERVERS)

    assert "faults[0] hinders connections of the load to redis, and no scenario of rows has" in told


def test_nobody_but_the_load_connects_to_an_api() -> None:
    told = problem(profile("postgres", to="api"), {**SERVERS, "PERF_BASE_URL": "http://127.0.0.1"})

    assert told.endswith("of the load to api, and no scenario of rows has any; leave it out")


def test_the_load_of_a_fleet_goes_past_a_proxy_of_this_machine() -> None:
    fleet = {"fleet": {"address": "tls://10.0.0.1:8786"}}
    found = profile(to="postgres", **{"from": "load"})
    afar = validate_profile({**found.model_dump(by_alias=True, mode="json"), **fleet}, "cut.toml")

    told = problem(afar, SERVERS)

    assert "faults[0] hinders connections of the load, whose workers are on the hosts of a" in told
