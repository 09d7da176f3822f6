"""A whole run on a machine that has too little of something is INVALID, never the target's failure.

The limits are real: file descriptors of the process (RLIMIT_NOFILE), local ports of a network
namespace. What stands beside them in the report is worked out by hand.
"""

import re
import resource
import shlex
import sys
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from perf_pipeline_tests.support.commands.command_line import (
    Answer,
    CommandLine,
    without_target,
)
from perf_pipeline_tests.support.commands.forked import ran
from perf_pipeline_tests.support.elsewhere import few_ports
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.shop_server import running_shop

pytestmark = pytest.mark.timeout(180)

# 60 virtual users for each of two workers, with a connection each.
HEAD: Final = """
name = "few"
workers = 2
calibration = false
seeding.users = 10
"""
BENCHMARK: Final = """
[benchmarks.{name}.scenarios.s]
exec = "{exec}"
executor = "constant-vus"
vus = 120
duration = "2500ms"

[benchmarks.{name}.scenarios.s.parameters]
timeout = "20s"
{parameters}

[benchmarks.{name}.thresholds]
http_req_failed = ["rate<0.9", {{ threshold = "rate<0.01", abortOnFail = {aborts} }}]
http_req_duration = ["p(95)<2000"]
"""
STEPS: Final = (
    "http_steps",
    'thinkTime = "500ms"\nsteps = [{ name = "ok", path = "/status/200", expect.status = 200 }]',
    "false",
)
ABORTS: Final = (*STEPS[:2], "true")
PYTHON: Final = ("few_flows:visit", 'transport = "httpx"', "false")
FLOWS: Final = """
async def visit(vu):
    await vu.client.get("/status/200", extensions={"name": "ok"})
    await vu.think(0.5)
"""
DESCRIPTORS: Final = 50
PORTS: Final = 50


class Limited(NamedTuple):
    """Hold a run on a machine that has too little of something."""

    command: CommandLine
    answer: Answer


def written(folder: Path, **benchmarks: tuple[str, str, str]) -> str:
    """Write the profile of benchmarks, of one where none is named; give its path."""
    (folder / "few_flows.py").write_text(FLOWS, encoding="utf-8")
    tables = [
        BENCHMARK.format(name=name, exec=code, parameters=parameters, aborts=aborts)
        for name, (code, parameters, aborts) in (benchmarks or {"few": STEPS}).items()
    ]
    path = folder / "few.toml"
    path.write_text(HEAD + "".join(tables), encoding="utf-8")
    return str(path)


def told(answer: Answer) -> str:
    """Give the report without the places where its lines are broken."""
    return " ".join(answer.out.split())


def assert_is_our_limit(command: CommandLine, answer: Answer, benchmark: str = "few") -> None:
    """See that all that failed is this machine's, and that nothing was judged."""
    where = f"where benchmark = '{benchmark}'"
    assert answer.code == 97, answer.err
    errors = command.sql(
        f"select error, status, count(*) from samples {where} group by all order by all"
    )
    assert [error[:2] for error in errors] == [("", 200), ("generator", 0)]
    assert all(count > 50 for _, _, count in errors)
    assert command.sql(f"select distinct status from verdicts {where}") == [("INVALID",)]
    assert command.sql(f"select valid from benchmarks {where}") == [(False,)]


def few_descriptors(folder: Path, host: str, **benchmarks: tuple[str, str, str]) -> Limited:
    """Load a shop of that host with too few file descriptors."""
    with running_shop() as port:
        target = {"PERF_BASE_URL": f"http://{host}:{port}"}
        command = CommandLine(new_state(folder / "state"), target)
        running = command.begin("run", "--profile", written(folder, **benchmarks))
        # As `ulimit -n` before it: what the command starts has its limit.
        resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        return Limited(command, running.answer())


@pytest.fixture(scope="module")
def by_address(tmp_path_factory: pytest.TempPathFactory) -> Limited:
    return few_descriptors(tmp_path_factory.mktemp("few"), "127.0.0.1", steps=STEPS)


@pytest.fixture(scope="module")
def by_name(tmp_path_factory: pytest.TempPathFactory) -> Limited:
    """Look the host's name up for every connection, which takes descriptors, too."""
    folder = tmp_path_factory.mktemp("few")
    return few_descriptors(folder, "localhost", steps=STEPS, aborts=ABORTS, python=PYTHON)


@pytest.mark.parametrize(
    ("limited", "benchmark"),
    [
        ("by_address", "steps"),
        ("by_name", "steps"),
        ("by_name", "aborts"),
        ("by_name", "python"),
    ],
    ids=["an address", "a name", "abortOnFail", "Python over httpx"],
)
def test_too_few_file_descriptors_for_the_virtual_users_are_named_with_their_limit(
    limited: str, benchmark: str, request: pytest.FixtureRequest
) -> None:
    command, answer = request.getfixturevalue(limited)

    assert_is_our_limit(command, answer, benchmark)
    ((reasons, cpu_wait),) = command.sql(
        "select invalid_reasons, health['cpu_wait_ratio'] from benchmarks "
        f"where benchmark = '{benchmark}'"
    )
    for worker in (0, 1):
        named = re.compile(
            rf"worker {worker} failed \d+ operations itself, because it ran out of descriptors: "
            rf"it had {DESCRIPTORS} of {DESCRIPTORS} file descriptors open"
        )
        assert any(named.search(reason) for reason in reasons), reasons
        assert named.search(told(answer)), answer.out
    assert "raise the hard limit (`ulimit -Hn`), use more workers or fewer VUs" in told(answer)
    assert 0 <= cpu_wait < 1  # it is read from a file that can't be opened meanwhile


def run_in_few_ports(folder: Path, held: int) -> Limited:
    """Run the profile there."""
    command = CommandLine(new_state(folder / "state"))
    words = ["perf-pipeline", "--state", str(command.state), "run", "--profile", written(folder)]
    words[0] = str(Path(sys.executable).with_name(words[0]))
    program = [sys.executable, "-m", few_ports.__name__, str(PORTS), str(held), shlex.join(words)]
    done = ran(program, env={**without_target(), "COLUMNS": "300"}, timeout=150)
    if done.returncode == few_ports.FORBIDDEN:
        pytest.skip("this machine allows no network namespace (unshare --net)")
    return Limited(command, Answer(done.returncode, done.stdout, done.stderr, 0.0))


def test_too_few_local_ports_for_the_virtual_users_are_named_with_their_number(
    tmp_path: Path,
) -> None:
    command, answer = run_in_few_ports(tmp_path, held=0)

    assert_is_our_limit(command, answer)
    assert re.search(
        r"failed \d+ operations itself, because it ran out of ports, descriptors or memory "
        rf"\(ports for connections to one address: {PORTS}; "
        r"\d+ of \d+ file descriptors were open\)",
        told(answer),
    ), answer.out
    assert "widen net.ipv4.ip_local_port_range, keep connections open, or use fewer VUs" in told(
        answer
    )


def test_a_machine_without_a_port_left_does_not_call_the_target_absent(tmp_path: Path) -> None:
    _, answer = run_in_few_ports(tmp_path, held=PORTS)

    assert answer.code == 97
    told = "this machine has no free port or file descriptor for a request to http://127.0.0.1"
    assert told in answer.err
    assert "start the target" not in answer.err
    assert "widen net.ipv4.ip_local_port_range" in answer.err
