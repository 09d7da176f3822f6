"""Two topics compared by the command line, one of which is reached with a delay that is known.

A machine with much else to do may hold the generator up; then only what is worse is told.
Add here: another thing about sides that are topics. Keep out: sides that are databases
(test_duet_sql.py).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.stack.link_rule import LinkRule
from perf_pipeline.stack.links import HeldLinks
from perf_pipeline.stack.proxy_before import proxy_before
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.loads.kafka_topics import own_topic
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.silent import hush

pytestmark = pytest.mark.timeout(180)

_SHORT: Final = ("--within", "12s", "--warm-up", "1s")  # decided after 2 s where nothing disturbs
_DELAY_S: Final = 0.3  # many times what a broker takes to acknowledge, also beside other work
_PROFILE: Final = """
name = "orders"
workers = 1
[benchmarks.orders.scenarios.place]
exec = "produce"
executor = "constant-arrival-rate"
rate = 40
duration = "10s"
preAllocatedVUs = 30
gracefulStop = "2s"
parameters = { topic = "TOPIC", value = "one order", linger = "0ms" }
"""


@pytest.fixture(scope="module")
def topics(brokers: str) -> Iterator[tuple[str, str]]:
    with own_topic(brokers, "orders", 2) as old, own_topic(brokers, "orders_new", 2) as new:
        yield old, new


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(new_state(tmp_path))


@pytest.fixture
def profile(tmp_path: Path, topics: tuple[str, str]) -> str:
    path = tmp_path / "orders.toml"
    path.write_text(_PROFILE.replace("TOPIC", topics[0]), encoding="utf-8")
    return str(path)


def test_a_topic_that_acknowledges_later_is_slower_by_what_was_planted(
    command: CommandLine, profile: str, brokers: str, topics: tuple[str, str], tmp_path: Path
) -> None:
    places = {"broker": require_listeners(brokers, ())}
    with proxy_before(new_state(tmp_path / "proxy"), places, hush) as stack:
        through = stack.links.seen_by("load", "broker", brokers) or ""
        assert through != brokers
        (link,) = stack.links.links
        delay = HeldLinks(stack.links, [link.name], LinkRule(delay_s=_DELAY_S))
        answer = command(
            *("duet", profile, "--baseline", "env:OLD", "--candidate", "env:NEW", *_SHORT),
            OLD=brokers,
            NEW=f"{through}/{topics[1]}",
        )
        delay.release()

    assert answer.code in {97, 98}, answer.out + answer.err
    (path,) = (command.state / "reports").glob("*/summary.json")
    told = json.loads(path.read_text(encoding="utf-8"))
    (operation,) = told["loads"][0]["operations"]
    median = operation["statistics"]["p50"]
    assert operation["operation"] == "produce"
    # Where much else is to do, 12 s may not tell; it is never called equal or faster.
    is_told = told["verdict"] not in {"UNDECIDED", "NOT MEASURED"}
    assert (told["verdict"], median["verdict"]) == ("SLOWER", "SLOWER") or not is_told
    # Every acknowledgement comes 300 ms later, on top of what the machine adds to both.
    assert median["candidate"] - median["baseline"] > 1_000 * _DELAY_S / 2
    password = str(kafka_settings(brokers)["sasl.password"])
    assert password not in answer.out + answer.err + path.read_text(encoding="utf-8")
    assert f"/{topics[1]}" in answer.out


def test_a_topic_that_is_not_there_is_told_before_any_load(
    command: CommandLine, profile: str, brokers: str
) -> None:
    answer = command(
        *("duet", profile, "--baseline", "env:OLD", "--candidate", "env:NEW", *_SHORT),
        OLD=brokers,
        NEW=f"{brokers}/no_such_topic",
    )

    assert answer.code == 97, answer.err
    assert "no_such_topic" in answer.err
    assert not (command.state / "reports").exists()
