"""What holds for every test: options, the servers' origin, and which tests run side by side.

Fixtures that several packages use stand in the `fix_*.py` named here.
"""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from perf_pipeline.loading.locks import LOCK_FOLDER_VARIABLE
from perf_pipeline.stack.embedded import doctor
from perf_pipeline_tests.support.broker_classes import archive_beside, await_archive
from perf_pipeline_tests.support.browser import CHROMIUM
from perf_pipeline_tests.support.commands.forked import fork_what_is_started_here
from perf_pipeline_tests.support.folders_in_memory import tests_folder, use_memory
from perf_pipeline_tests.support.given import given_servers
from perf_pipeline_tests.support.idle_servers import end_idle, remember
from perf_pipeline_tests.support.places import own_state, worker
from perf_pipeline_tests.support.processes_at_once import processes_here
from perf_pipeline_tests.support.room_on_disk import room_on_disk
from perf_pipeline_tests.support.servers.metric_servers import absent_servers
from perf_pipeline_tests.support.shared_work import rank, scheduling, work_of
from perf_pipeline_tests.support.turns import Turns

pytest_plugins = (
    "perf_pipeline_tests.fix_servers",
    "perf_pipeline_tests.integration.fix_up",
    "perf_pipeline_tests.support.imported_once",
    "perf_pipeline_tests.support.second_tries",
)

_TURNS = pytest.StashKey[Turns]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let services be given instead of started."""
    group = parser.getgroup("perf_pipeline")
    group.addoption("--postgres-dsn", help="use this PostgreSQL")
    group.addoption("--brokers", help="use these Kafka bootstrap servers")
    group.addoption("--redis-url", help="use this Redis")


def pytest_configure(config: pytest.Config) -> None:
    """Let the runs of this process wait for one another, and not for those of another one."""
    state = own_state()
    if not worker():
        use_memory(config)
    if not worker() and config.getoption("numprocesses", default=None):
        archive_beside(config)
    if worker():
        os.environ[LOCK_FOLDER_VARIABLE] = str(state)
        config.stash[_TURNS] = Turns(state.parent / "turns")
    else:
        os.environ.setdefault(LOCK_FOLDER_VARIABLE, str(state))
    fork_what_is_started_here()
    # How long an example of a property test takes tells of the machine, and not of the code.
    settings.register_profile(
        "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("any machine")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin when brokers start quickly."""
    await_archive(session.config)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say where every service comes from and how much disk is free, and loudly what is missing."""
    findings = [*doctor(own_state(), given_servers(config)), room_on_disk(tests_folder())]
    told = [
        f"{'' if finding.ok else '!!! '}{finding.part}: {finding.sentence}" for finding in findings
    ]
    told += [f"!!! {sentence}" for sentence in absent_servers()]
    if CHROMIUM is None:
        told.append("!!! Chromium: not there, so nobody looks at the report's pages in a browser")
    return told


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Never look at what collecting makes, half a million objects that stay, for what may go.

    That took a quarter of its CPU, and each test whose garbage was collected looked once more.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long work first and what is alone last, and what begins beside others before the rest."""
    begins_alone: dict[str, bool] = {}

    def place(item: pytest.Item) -> tuple[int, str, bool, str]:
        file = _file_of(item)
        is_later = begins_alone.setdefault(file, _is_alone(item))
        return rank(file), work_of(file), is_later, file

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Say how many processes `--numprocesses auto` stands for."""
    return processes_here()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Let files that share servers run in one process."""
    return scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Run a test, its fixtures included, when it is its turn; the wait is not its time."""
    turns = item.config.stash.get(_TURNS, None)
    if turns is None:
        return (yield)
    with turns.turn(alone=_is_alone(item), next_too=nextitem is not None and _is_alone(nextitem)):
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave no server running that nothing of this process needs any more."""
    end_idle(item, work_of(_file_of(item)))


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> None:
    """Know how servers are ended before the end of the session."""
    remember(fixturedef, request)


def _file_of(item: pytest.Item) -> str:
    return item.nodeid.split("::", 1)[0]


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None
