"""Addresses of a target: what each client's own parser makes of a text is what is checked.

The tricks and what libpq makes of them are libpq's own (conninfo_to_dict, PGHOSTADDR and
pg_service.conf: libpq-connect and libpq-pgservice of the documentation); those of Redis redis-py's.
"""

import socket
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from perf_pipeline.config.safety import check_target, require_allowed_brokers
from perf_pipeline.config.target import Target, TargetConfig, allowed_hosts, resolve_target
from perf_pipeline.errors import AddressError, ExitCode, TargetNotAllowedError


def checked(**environment: str) -> Target:
    return check_target(resolve_target("staging", None, environment))


def refusal(**environment: str) -> str:
    with pytest.raises((TargetNotAllowedError, AddressError)) as caught:
        checked(**environment)
    assert caught.value.exit_code is ExitCode.INVALID_CONFIGURATION
    return str(caught.value)


@pytest.fixture(autouse=True)
def no_libpq_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGSYSCONFDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGSERVICEFILE", str(services(tmp_path)))


def services(folder: Path) -> Path:
    file = folder / "pg_service.conf"
    text = """\
# comment
[prod]
host=prod.example
port=6000
[tunnel]
hostaddr = 127.0.0.1
[here]
host=127.0.0.1
port=7000
host=prod.example
user=someone
[directory]
ldap://ldap.example/dc=x
"""
    file.write_text(text.replace("hostaddr = ", "hostaddr="), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("dsn", "host"),
    [
        ("postgresql://localhost/db?h%6Fst=prod.example", "prod.example"),
        ("postgresql:///db?host=/tmp,prod.example", "prod.example"),
        ("postgresql:///db?host=/tmp%2Cprod.example", "prod.example"),
        ("postgresql://localhost/db?hostaddr=10.0.0.5", "10.0.0.5"),
        ("postgresql://localhost/db?%68ostaddr=%31%30.0.0.5", "10.0.0.5"),
        ("postgresql://localhost,prod.example/db", "prod.example"),
        ("postgresql://[2001:db8::1]/db", "2001:db8::1"),
        ("host=localhost host\n=prod.example", "prod.example"),
        ("host='localhost' hostaddr = '10.0.0.5'", "10.0.0.5"),
        ("host=prod\\.example", "prod.example"),
        ("host=167772165", "10.0.0.5"),  # 10 * 2^24 + 5
        ("host=localhost.", ""),
        ("host=/tmp hostaddr=10.0.0.5", "10.0.0.5"),
        ("host=127.0.0.1 hostaddr=0xa.5", "10.0.0.5"),
        ("service=prod", "prod.example"),
        ("host=10.0.0.5 service=here", "10.0.0.5"),
        ("host=localhost hostaddr=10.0.0.5 service=here", "10.0.0.5"),
    ],
)
def test_postgres_is_refused_by_what_libpq_would_connect_to(dsn: str, host: str) -> None:
    if not host:
        assert conninfo_to_dict(checked(PERF_POSTGRES_DSN=dsn).postgres_dsn or "")["hostaddr"]
        return
    assert (
        f"{host} (PostgreSQL DSN) of PERF_POSTGRES_DSN is neither this machine nor an allowed host"
        in refusal(PERF_POSTGRES_DSN=dsn)
    )
    assert checked(PERF_POSTGRES_DSN=dsn, PERF_ALLOWED_HOSTS=f"{host},prod.example").postgres_dsn


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"PGHOSTADDR": "10.0.0.5"}, "10.0.0.5 (PostgreSQL DSN) of PERF_POSTGRES_DSN"),
        ({"PGSERVICE": "unknown"}, "names the service 'unknown', which is not in"),
        ({"PGSERVICE": "directory"}, "takes from an LDAP server"),
        ({"PGPORT": "0"}, "has a port that is not a number from 1 to 65535"),
    ],
)
@pytest.mark.parametrize("is_given", [True, False], ids=["given", "of this process"])
def test_libpqs_environment_is_read_as_libpq_reads_it(
    variables: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch, *, is_given: bool
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    given = variables if is_given else {}

    assert told in refusal(PERF_POSTGRES_DSN="host=localhost", **given)


def test_pghost_names_the_host_of_a_string_that_names_none() -> None:
    assert "10.0.0.5 (" in refusal(PERF_POSTGRES_DSN="dbname=x", PGHOST="10.0.0.5")
    assert "names no host" in refusal(PERF_POSTGRES_DSN="dbname=x")


@pytest.mark.parametrize(
    ("dsn", "host", "hostaddr", "port"),
    [
        ("postgresql://%2Fvar%2Frun%2Fpostgresql/db", "/var/run/postgresql", "", "5432"),
        ("postgresql:///db?host=%2Fvar%2Frun", "/var/run", "", "5432"),
        ("host=@abstract port=1", "@abstract", "", "1"),
        ("host=127.1", "127.0.0.1", "127.0.0.1", "5432"),
        ("postgresql://[::1]:77/db", "::1", "::1", "77"),
        ("hostaddr=127.0.0.1", "", "127.0.0.1", "5432"),
        ("host=/tmp,127.0.0.1 port=1,2", "/tmp,127.0.0.1", ",127.0.0.1", "1,2"),
        ("service=here", "127.0.0.1", "127.0.0.1", "7000"),
        ("service=here port=8", "127.0.0.1", "127.0.0.1", "8"),
        ("service=tunnel", "", "127.0.0.1", "5432"),
    ],
)
def test_the_place_is_written_out_so_that_no_variable_can_move_it(
    dsn: str, host: str, hostaddr: str, port: str
) -> None:
    given = conninfo_to_dict(checked(PERF_POSTGRES_DSN=dsn).postgres_dsn or "")

    assert (given["host"], given["hostaddr"], given["port"]) == (host, hostaddr, port)
    assert "service" not in given


def test_everything_else_of_a_connection_string_is_kept() -> None:
    dsn = (
        "host=127.0.0.1 user='a@b:c/d' password='p@s/s w?%' dbname=d#é options='-c x=y' sslmode=off"
    )

    written, read = (
        conninfo_to_dict(dsn),
        conninfo_to_dict(checked(PERF_POSTGRES_DSN=dsn).postgres_dsn or ""),
    )

    assert {key: read[key] for key in written} == written


@pytest.mark.parametrize(
    ("dsn", "told"),
    [
        ("postgresql://u:pa/ss@localhost/db", "percent-encode"),
        ("postgresql://u:p@ss@localhost/db", "percent-encode"),
        ("postgresql://localhost:0/db", "not a number from 1 to 65535"),
        ("postgresql://localhost:99999/db", "not a number from 1 to 65535"),
        ("postgresql://localhost/db?HOST=x", "is not a connection string that libpq can read"),
        ("host=localhost,127.0.0.1 port=1,2,3", "names 2 hosts, 0 addresses (hostaddr) and 3"),
        ("host=localhost hostaddr=127.0.0.1,10.0.0.5", "names 1 hosts, 2 addresses"),
        ("host=localhost hostaddr=prod.example", "which is not an IP address"),
        ("host=localhost dbname='host=prod.example'", "a second connection string"),
        ("postgresql://localhost/postgresql%3A%2F%2Fprod.example", "a second connection string"),
        ("host=127.0.0.1:5432", "no other host may contain a colon"),
        ("host=a..b", "is not a valid name of a host"),
    ],
)
def test_a_connection_string_that_is_none_is_refused_without_its_password(
    dsn: str, told: str
) -> None:
    said = refusal(PERF_POSTGRES_DSN=dsn)

    assert said.startswith("PERF_POSTGRES_DSN ")
    assert told in said
    assert "pa/" not in said
    assert "ss@" not in said


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://evil%2Eexample", "evil.example (Redis URL) of PERF_REDIS_URL"),
        ("redis://localhost\\@evil.example", "evil.example (Redis URL) of PERF_REDIS_URL"),
        (
            "redis://localhost\t.evil.example",
            "localhost.evil.example (Redis URL) of PERF_REDIS_URL",
        ),
        ("redis:///?host=evil.example", "has 'host' behind the ?"),
        ("redis://localhost?host=evil.example", "has 'host' behind the ?"),
        ("redis://localhost?%68ost=evil.example", "has 'host' behind the ?"),
        ("redis://localhost?connection_class=x", "has 'connection_class' behind the ?"),
        ("redis://localhost?nonsense=1", "has 'nonsense' behind the ?"),
        ("redis:///0", "names no host"),
        ("redis://localhost:0", "a port or a database that is not a number"),
        ("redis://localhost:99999", "is not a URL that redis-py can read"),
        ("redis://localhost/first", "a port or a database that is not a number"),
        ("redis://user:pa/ss@localhost", "percent-encode"),
        ("unix://", "names no socket"),
        ("http://localhost", "is not a URL that redis-py can read"),
    ],
)
def test_redis_is_refused_by_what_redis_py_would_connect_to(url: str, told: str) -> None:
    said = refusal(PERF_REDIS_URL=url)

    assert told in said
    assert "pa/" not in said


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("redis://127.1", "redis://127.0.0.1:6379/0"),
        ("redis://:p%40w@[::1]:7/2?socket_timeout=3", "redis://:p%40w@[::1]:7/2?socket_timeout=3"),
        ("rediss://127.0.0.1:6380", "rediss://127.0.0.1:6380/0"),
        ("unix:///tmp/x.sock?db=2", "unix:///tmp/x.sock?db=2"),
        ("unix://evil.example/tmp/x.sock", "unix:///tmp/x.sock?db=0"),
    ],
)
def test_a_redis_url_is_given_to_the_client_as_it_was_read(url: str, read: str) -> None:
    assert checked(PERF_REDIS_URL=url).redis_url == read


@pytest.mark.parametrize(
    ("brokers", "told"),
    [
        ("evil.example:9092", "evil.example (brokers) of PERF_KAFKA_BROKERS"),
        ("localhost:9092, 10.0.0.5:9092", "10.0.0.5 (brokers) of PERF_KAFKA_BROKERS"),
        ("localhost:9092,", "contains '', which is not host:port"),
        ("localhost", "contains 'localhost', which is not host:port"),
        ("::1:9092", "put an IPv6 address into brackets"),
        ("localhost:9092\nevil.example:9092", "which is not host:port"),
        ("localhost:99999", "not a number from 1 to 65535"),
        ("localhost:9092/x", "not a number from 1 to 65535"),
        ("u@localhost:1", "contains '@'"),
        (
            "SSL://localhost:9093",
            'begins with SSL://; write host:port, and security.protocol = "SSL" into',
        ),
        ("SASL_SSL://localhost:9093", "begins with SASL_SSL://"),
        ("sasl_plaintext://localhost:9093", "begins with sasl_plaintext://"),
        ("http://localhost:9092", "which is not host:port"),
    ],
)
def test_brokers_are_refused_one_by_one(brokers: str, told: str) -> None:
    assert told in refusal(PERF_KAFKA_BROKERS=brokers)


def test_brokers_that_ask_for_a_password_get_one() -> None:
    brokers = "SASL_PLAINTEXT://u:p%40ss@127.2:9092, 127.1:1"

    read = checked(PERF_KAFKA_BROKERS=brokers).brokers

    assert read == "SASL_PLAINTEXT://u:p%40ss@127.0.0.2:9092,127.0.0.1:1"


def test_brokers_with_a_password_are_refused_by_their_hosts_without_showing_it() -> None:
    told = refusal(PERF_KAFKA_BROKERS="SASL_PLAINTEXT://u:s3cret-1@evil.example:9092")

    assert "evil.example (brokers) of PERF_KAFKA_BROKERS" in told
    assert "s3cret-1" not in told
    assert "s3cret-2" not in refusal(PERF_KAFKA_BROKERS="SASL_PLAINTEXT://u:s3cret-2@x@localhost:1")


def test_brokers_are_given_to_the_client_as_they_were_read() -> None:
    brokers = "PLAINTEXT://127.1:1,[::0001]:2"

    assert checked(PERF_KAFKA_BROKERS=brokers).brokers == "127.0.0.1:1,[::1]:2"


def test_clients_get_the_addresses_that_localhost_had_unless_its_name_is_allowed() -> None:
    found = socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)
    here = [
        f"[{address[0]}]" if ":" in str(address[0]) else str(address[0]) for *_, address in found
    ]
    given = {"PERF_KAFKA_BROKERS": "LOCALHOST:9092", "PERF_REDIS_URL": "rediss://localhost."}

    target = checked(**given)

    assert target.brokers == ",".join(f"{address}:9092" for address in here)
    assert target.redis_url == f"rediss://{here[0]}:6379/0"
    named = checked(**given, PERF_ALLOWED_HOSTS="localhost")
    assert (named.brokers, named.redis_url) == ("localhost:9092", "rediss://localhost:6379/0")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://localhost:80a", "the port '80a' that is not a number from 1 to 65535"),
        ("http://localhost:99999", "the port '99999'"),
        ("http://localhost:0", "the port 0"),
        ("http://[::1", "an unmatched bracket"),
        ("http://127.0.0.1:8099/a b", "is not a plain address; write http://host:port/path"),
        ("ftp://localhost", "begins with ftp:"),
        ("localhost:8000", "has no scheme"),
        ("http://localhost\\@evil.example", "contains an @"),
        ("http://evil.example\\@localhost", "contains an @"),
        ("http://127.0.0.1\t.evil.example", "is not a plain address; write http://host:port/path"),
        ("http://127.0.0.1%2eevil.example", "127.0.0.1.evil.example (baseUrl) of PERF_BASE_URL"),
        ("http://0.0.0.0", "0.0.0.0 (baseUrl) of PERF_BASE_URL"),
        ("http://167772165", "10.0.0.5 (baseUrl) of PERF_BASE_URL"),
        ("http://[::ffff:10.0.0.5]", "10.0.0.5 (baseUrl) of PERF_BASE_URL"),
    ],
)
def test_a_base_url_that_is_none_is_refused_under_its_variable(url: str, told: str) -> None:
    said = refusal(PERF_BASE_URL=url)

    assert "PERF_BASE_URL" in said
    assert told in said


def test_a_key_of_the_profile_is_named_as_the_profile_writes_it() -> None:
    target = resolve_target("ci", TargetConfig(base_url="http://h:x"), {})

    with pytest.raises(AddressError, match=r"^baseUrl of \[targets.ci\] is 'http://h:x'; it has"):
        check_target(target)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://staging.example", "Staging.Example"),
        ("http://Staging.Example.", "staging.example"),
        ("http://staging.example", "STAGING.EXAMPLE."),
        ("http://straße.example", "straße.example"),
        ("http://straße.example", "xn--strae-oqa.example"),
        ("http://[2001:DB8:0::1]", "[2001:db8::1]"),
        ("http://[2001:db8::1]", "2001:db8::1"),
        ("http://staging.example:81", "x.example, staging.example:81"),
        ("http://[2001:db8::1]:81", "[2001:db8::1]:81"),
        ("http://10.0.0.5", "0xa.5"),
        ("http://[::ffff:10.0.0.5]", "10.0.0.5"),
    ],
)
def test_allowed_hosts_are_compared_in_their_one_spelling(url: str, allowed: str) -> None:
    assert checked(PERF_BASE_URL=url, PERF_ALLOWED_HOSTS=allowed).base_url


@pytest.mark.parametrize(
    "allowed", ["strasse.example", "example", "x.straße.example", "straße.example:81"]
)
def test_an_allowed_host_allows_no_other(allowed: str) -> None:
    said = refusal(PERF_BASE_URL="http://straße.example", PERF_ALLOWED_HOSTS=allowed)

    assert "xn--strae-oqa.example (baseUrl) of PERF_BASE_URL" in said


@pytest.mark.parametrize(
    "allowed",
    ["*.example", "10.0.0.0/8", "http://x", "x:99999", "x:", "[::1", "a b", "a..b", "x:y"],
)
def test_an_allowed_host_that_could_never_be_one_is_refused(allowed: str) -> None:
    said = refusal(PERF_ALLOWED_HOSTS=allowed)

    assert f"PERF_ALLOWED_HOSTS, holds {allowed!r}" in said


def test_a_broker_may_advertise_this_machine_and_what_was_allowed_and_nothing_else() -> None:
    target = resolve_target("t", None, {"PERF_ALLOWED_HOSTS": "kafka-1:9092"})
    allowed = allowed_hosts(target)

    require_allowed_brokers("b:1", [("127.0.0.1", 1), ("LOCALHOST", 2), ("KAFKA-1", 9092)], allowed)
    for advertised in [("10.0.0.5", 9092), ("kafka-1", 9093), ("kafka-2", 9092), ("", 9092)]:
        with pytest.raises(TargetNotAllowedError, match="the brokers b:1 advertise"):
            require_allowed_brokers("b:1", [("127.0.0.1", 1), advertised], allowed)
