"""No file that a run leaves, and no line that it prints, shows a secret in any spelling."""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.telltale_server import running_telltale, spellings

TOKEN = "tok-8f3a/§'x<y>&\"z\\q=="
ACCOUNT, PASSWORD = "shopper", "pw+7c1e ü/'a\"b\\%41"
KEY = "-----BEGIN KEY-----\nMIIkEy0123456789abcdef\n-----END KEY-----\n"
CACHE = "ca@che-55d2/q"
KEYWORDS = r"host=127.0.0.1 port=1 user=u dbname=d password='tok-8f3a \'ca@che-55d2'"
SECRETS = (TOKEN, PASSWORD, KEY.strip(), KEY.splitlines()[1], "ca@che-55d2", "che-55d2")

PROFILE = """
extends = "quick"
name = "secrets"
workers = 1
calibration = false
[benchmarks.told.scenarios.steps]
exec = "http_steps"
executor = "per-vu-iterations"
vus = 2
iterations = 3
[benchmarks.told.scenarios.steps.parameters]
auth = { bearerEnv = "T_TOKEN" }
[[benchmarks.told.scenarios.steps.parameters.steps]]
name = "moved"
path = "/moved"
headers = { "X-Api-Key" = "${env.T_TOKEN}" }
expect = { status = 200 }
[[benchmarks.told.scenarios.steps.parameters.steps]]
name = "refused"
method = "POST"
path = "/refused"
json = { password = "${env.T_ACCOUNT}", key = "${env.T_KEY}" }
save = { told = "$.headers.authorization", missing = "$.nothing" }

[benchmarks.told.scenarios.python]
exec = "telltale:Raising"
executor = "per-vu-iterations"
vus = 1
iterations = 2
[benchmarks.told.scenarios.python.parameters]
auth = { basicEnv = "T_ACCOUNT" }
secrets = ["T_TOKEN", "T_ACCOUNT", "T_KEY"]

[benchmarks.told.thresholds]
http_req_failed = ["rate<0.01"]
"""
CODE = """
import base64, html, json, logging, sys
from urllib.parse import quote

def told(vu):
    for name, secret in vu.secrets.items():
        yield from (secret, repr(secret), json.dumps(secret), quote(secret, safe=""))
        yield from (html.escape(secret), base64.b64encode(secret.encode()).decode())

class Raising:
    async def __call__(self, vu):
        for text in told(vu):
            print("printed", text)
            logging.warning("logged %s", text)
            sys.stderr.write("in two ")
            sys.stderr.write(text)
        answer = await vu.client.get("/refused/" + quote(vu.secrets["T_TOKEN"], safe=""))
        if vu.iteration == 0:
            raise KeyError(answer.text, *told(vu))
"""


def leaks(folder: Path, answer: Answer) -> list[str]:
    """Name each file, or output, with a spelling of a secret in it."""
    texts = {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "cache" not in path.parts
    }
    texts |= {"stdout": answer.out.encode(), "stderr": answer.err.encode()}
    assert len(texts) > 10
    pair = base64.b64encode(f"{ACCOUNT}:{PASSWORD}".encode()).decode()
    wanted = {
        f"{name} of {secret!r}": text
        for secret in SECRETS
        for name, text in spellings(secret).items()
    } | {"Basic authentication": pair.encode()}
    return [
        f"{where}: {name}"
        for where, content in texts.items()
        for name, text in wanted.items()
        if text in content
    ]


def readable_by_others(state: Path) -> list[str]:
    """Name what others than the owner could look at, of all that the command left."""
    entries = [entry for entry in state.rglob("*") if not entry.name.startswith("stderr-")]
    assert len(entries) > 10
    return [
        str(entry) for entry in entries if not entry.is_symlink() and entry.stat().st_mode & 0o077
    ]


@contextmanager
def open_to_all() -> Iterator[None]:
    """Let others read the files that a command makes, unless it says otherwise."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[CommandLine]:
    """Give the command line with secrets of every kind and a target that repeats them."""
    (tmp_path / "telltale.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "secrets.toml").write_text(PROFILE, encoding="utf-8")
    with running_telltale() as base_url:
        variables = {
            "PERF_BASE_URL": base_url,
            "PERF_LOCK_FOLDER": str(tmp_path),  # nothing is timed here: no other run is in the way
            "PERF_REDIS_URL": f"redis://:{CACHE}@127.0.0.1:1/0".replace("/q@", "@"),
            "T_TOKEN": TOKEN,
            "T_ACCOUNT": f"{ACCOUNT}:{PASSWORD}",
            "T_KEY": KEY,
        }
        yield CommandLine(new_state(tmp_path / "state"), variables)


def load(command: CommandLine, **environment: str) -> Answer:
    """Run the benchmark of the profile beside the state folder."""
    profile = command.state.with_name("secrets.toml")
    with_these = replace(command, environment={**command.environment, **environment})
    return with_these("run", "--profile", str(profile), "--only", "told")


@pytest.mark.timeout(180)
def test_no_secret_is_in_any_file_or_line_of_a_run_that_fails_and_raises(
    command: CommandLine,
) -> None:
    with open_to_all():
        answer = load(command)

    assert answer.code in {97, 99}, answer.err
    log = next(command.state.rglob("worker-0.log")).read_text(encoding="utf-8")
    assert "KeyError" in log
    assert log.count("printed ***") >= 18
    [(operation,)] = command.sql(
        "select distinct operation from samples where operation like 'GET%'"
    )
    assert operation == "GET /refused/***"
    assert leaks(command.state, answer) == []
    assert readable_by_others(command.state) == []
    again = command("report", answer.run_id)
    assert leaks(command.state, again) == []


@pytest.mark.parametrize(
    ("variable", "address", "codes"),
    [
        # It can be read, and the benchmark does not need it: the run fails for what it measured.
        ("PERF_POSTGRES_DSN", KEYWORDS, {97, 99}),
        ("PERF_POSTGRES_DSN", "postgresql://u:ca@che-55d2/q@127.0.0.1:1/db", {104}),
        ("PERF_REDIS_URL", f"redis://:{CACHE}@127.0.0.1:1/0", {104}),
        ("PERF_BASE_URL", "http://u:ca@che-55d2@127.0.0.1:1", {104}),
        ("PERF_BASE_URL", "http://ca@che-55d2@127.0.0.1:1/x?token=ca@che-55d2", {104}),
        ("PERF_KAFKA_BROKERS", "SASL_SSL://u:ca@che-55d2@127.0.0.1:1", {104}),
    ],
    ids=["keyword DSN", "DSN", "Redis", "base URL", "query", "brokers"],
)
def test_what_is_refused_or_not_needed_is_told_without_its_secret(
    command: CommandLine, variable: str, address: str, codes: set[int]
) -> None:
    answer = load(command, **{variable: address})

    assert answer.code in codes, answer.err
    assert "55d2" not in answer.out + answer.err


def test_doctor_shows_no_secret(command: CommandLine) -> None:
    answer = command("doctor", PERF_POSTGRES_DSN=KEYWORDS)

    assert "postgres" in answer.out
    assert "55d2" not in answer.out + answer.err
