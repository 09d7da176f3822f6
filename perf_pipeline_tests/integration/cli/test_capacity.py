"""A whole search for a capacity, against a server that sheds what a token bucket does not take.

Searches of hundreds of simulated systems are in unit/analysis/test_capacity_search.py, and the long
ones against real servers in benchmarks/bench_capacity.py.
"""

import math
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from perf_pipeline.following.followed_run import FollowedRun
from perf_pipeline.following.messages import head_of
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.capacity_targets import Bucket, capacity_target
from perf_pipeline_tests.support.servers.point_receiver import ReadPoint, point_receiver

pytestmark = pytest.mark.timeout(240)

MU: Final = 70.0
PROFILE: Final = """
name = "shop"
target = "shop"
workers = 1
calibration = false

[targets.shop]
baseUrl = "{url}"

[benchmarks.checkout]
enabled = false

[benchmarks.checkout.scenarios.buy]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 40
duration = "10s"
preAllocatedVUs = 20
parameters.steps = [{{ name = "buy", path = "/buy", expect.status = 200 }}]

[benchmarks.checkout.thresholds]
http_req_failed = ["rate<0.02"]
http_reqs = ["rate>=1000"]

[benchmarks.checkout_capacity.capacity]
of = "checkout"
target = "1000000/day"
window = "1s"
precision = 0.5
confirm = 1

[benchmarks.checkout_capacity.thresholds]
capacity_per_day = ["value>=1000000"]
"""


class Searched(NamedTuple):
    """Hold a search that is over."""

    command: CommandLine
    answer: Answer
    sent: list[ReadPoint]

    @property
    def is_held_up(self) -> bool:
        """Say whether this machine was too busy to load a window truly, or to see a recovery."""
        shown = self.command.sql("select distinct shown from capacity_windows")
        return ("INVALID",) in shown or "did not recover" in self.answer.err

    @property
    def told(self) -> str:
        """Give the report without the places where its lines are broken."""
        return " ".join(self.answer.out.split())


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    folder = tmp_path_factory.mktemp("capacity")
    command = CommandLine(new_state(folder / "state"))
    with capacity_target(Bucket(MU)) as url, point_receiver() as receiver:
        path = folder / "shop.toml"
        path.write_text(PROFILE.format(url=url), encoding="utf-8")
        answer = command("run", str(path), f"--out=prometheus={receiver.url}")
        yield Searched(command, answer, receiver.remote_writes)


def test_a_capacity_is_found_confirmed_and_answered_in_a_sentence(searched: Searched) -> None:
    if searched.answer.code == 97 and searched.is_held_up:
        return
    assert searched.answer.code == 0, searched.answer.out + searched.answer.err
    [(capacity,)] = searched.command.sql("select value from figures where name = 'capacity_per_s'")
    # The bucket lets 2 % more through, and 5 at once; a machine that stands still for a moment
    # makes a burst of what it was to send, of which the bucket sheds some at lower rates, too.
    assert MU / 4 <= capacity <= 1.2 * MU
    assert "CAPACITY checkout_capacity: checkout carries" in searched.told
    assert "confirmed by 1 of 1 window" in searched.told
    assert "times the 1,000,000 a day that are required" in searched.told
    assert "What gives way at" in searched.told
    assert "http_req_failed rate<0.02 was" in searched.told


def test_every_window_is_told_as_it_ends_and_kept(searched: Searched) -> None:
    windows = searched.command.sql(
        "select number, rate_per_s, shown, reason, achieved_per_s from capacity_windows "
        "order by number"
    )

    assert [number for number, *_ in windows] == [*range(1, len(windows) + 1)]
    assert windows[0][1] == 40.0
    for number, rate, shown, reason, achieved in windows:
        assert f"checkout_capacity: window {number} at" in searched.answer.err
        assert bool(reason) == (shown != "HELD")
        assert shown == "INVALID" or achieved == pytest.approx(rate, rel=0.25)
        assert shown != "HELD" or rate < 1.2 * MU, (rate, reason)


def test_the_figures_of_each_window_go_out_as_those_of_a_run(searched: Searched) -> None:
    [(achieved,)] = searched.command.sql(
        "select achieved_per_s from capacity_windows where number = 1"
    )
    points = [point for point in searched.sent if point.labels.get("benchmark") == "checkout"]
    window = f"{searched.answer.run_id}-w1"
    counted = [
        point.value
        for point in points
        if point.name == "k6_http_reqs_total" and point.labels["testid"] == window
        if not math.isnan(point.value)  # which says that a series has ended
    ]

    # Half a second of warm-up goes before the second that counts: 60 starts at 40/s, and one more
    # where the end itself is a moment of a start.
    assert counted[0] == 0
    assert counted == sorted(counted)
    assert counted[-1] in {60, 61} or achieved < 40
    assert {point.labels["testid"] for point in points} >= {window, f"{searched.answer.run_id}-l1"}


def test_the_page_of_a_run_shows_its_search(searched: Searched) -> None:
    with closing(FollowedRun(State(searched.command.state))) as run:
        run.look(0.0)
        labels = [take.label for take in run.takes]
        told = head_of(run)["told"]

    assert labels[0] == "checkout, light load 1"
    assert "checkout, window 1" in labels
    assert not any("re-run" in label for label in labels)
    assert "checkout_capacity: window 1 at 40/s" in told
    assert "checkout carries" in told


def test_only_the_rows_of_windows_are_kept_of_them(searched: Searched) -> None:
    [run] = (searched.command.state / "spool").iterdir()

    assert not (run / "checkout_capacity" / "windows").exists()
    assert searched.command.sql("select count(*) from samples") == [(0,)]


def test_a_stored_search_is_reported_again(searched: Searched) -> None:
    again = searched.command("report", searched.answer.run_id)

    assert again.code == searched.answer.code
    lines = [line for line in searched.answer.out.splitlines() if "CAPACITY" in line]
    assert all(line in again.out for line in lines)


def test_a_search_that_is_stopped_has_no_figure_and_says_what_held(tmp_path: Path) -> None:
    command = CommandLine(new_state(tmp_path / "state"))
    with capacity_target(Bucket(MU)) as url:
        path = tmp_path / "shop.toml"
        path.write_text(PROFILE.format(url=url), encoding="utf-8")
        running = command.begin("capacity", str(path))
        running.wait_for("window 1 at 40/s")
        running.send(signal.SIGINT)
        answer = running.answer()

    assert answer.code == 105, answer.out + answer.err
    told = " ".join(answer.out.split())
    assert "The search ended before it found the capacity of checkout" in told
    assert "because the user stopped it" in told
    assert command.sql("select count(*) from figures") == [(0,)]
    assert command.sql("select distinct status from verdicts") == [("NO_DATA",)]
