"""The newest run of a state folder, as whoever follows it sees it: under way, ended, killed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.following.followed_run import FollowedRun, RunStage
from perf_pipeline.following.messages import Message, Telling, head_of
from perf_pipeline.following.stop import stop
from perf_pipeline.store.live_stream import LiveStream
from perf_pipeline.store.state import State

RUN = "20261129-060437-0bc46f"
HEADING = "at_us,source,name,value\n"


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path)


@pytest.fixture
def stream(state: State) -> Iterator[LiveStream]:
    with closing(LiveStream(state.live, lambda: 0.0)) as stream:
        yield stream


_FOLLOWED: list[FollowedRun] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _FOLLOWED:
        _FOLLOWED.pop().close()


def progress(second: int, **more: Any) -> Mapping[str, Any]:
    scenario = {
        "name": "buy",
        "iterations": 10 * second,
        "dropped_iterations": 0,
        "ok": 9 * second,
        "failed": second,
        "ways": {"status 500": second},
        "recent_per_s": 10.0,
        "planned_per_s": 10.0,
        "recent_p50_ms": 1.0,
        "recent_p95_ms": 2.0,
        "recent_p99_ms": float(second),
        "recent_lag_ms": 0.0,
        "begins_in_s": 0.0,
        "left_s": 60.0 - second,
    }
    told = {"run_id": RUN, "benchmark": "shop", "benchmark_s": second + 0.5, "elapsed_s": second}
    return {**told, "scenarios": [scenario], **more}


def looked(state: State) -> FollowedRun:
    run = FollowedRun(state)
    _FOLLOWED.append(run)
    run.look(0.0)
    return run


def news_of(telling: Telling, kind: str) -> list[Message]:
    return [message for message in telling.news() if message["kind"] == kind]


def test_without_a_run_the_page_waits_and_says_so(state: State) -> None:
    head = head_of(looked(state))

    assert (head["heading"], head["can_stop"]) == ("No run is under way", False)
    assert head["sentence"].startswith("This page waits")


def test_a_run_under_way_says_how_long_it_still_takes(state: State, stream: LiveStream) -> None:
    stream.write("run", {"run_id": RUN})
    stream.write("sentence", {"text": "the <stack> is up"})
    stream.write_progress(progress(1))

    head = head_of(looked(state))

    assert head["heading"] == "Under way"
    assert head["sentence"].startswith("shop: about 59 s left. All figures and thresholds are prov")
    assert "the &lt;stack&gt; is up" in head["told"]
    assert head["can_stop"]


def test_a_page_gets_all_seconds_at_first_and_then_those_that_are_new(
    state: State, stream: LiveStream
) -> None:
    for second in (1, 2, 3):
        stream.write_progress(progress(second))
    run = looked(state)
    early, late = Telling(run), Telling(run)

    [section] = news_of(early, "section")
    assert news_of(early, "section") == news_of(early, "points") == []
    for second in range(4, 31):
        stream.write_progress(progress(second))
    run.look(1.0)
    [points] = news_of(early, "points")
    [whole] = news_of(late, "section")

    def p99(message: Message, panels: list[Any]) -> list[float]:
        place = [panel["names"] for panel in section["data"]["panels"]].index(["p99", "p95", "p50"])
        is_whole = message["kind"] == "section"
        found: list[float] = panels[place]["values"][0] if is_whole else panels[place][0]
        return found

    assert p99(section, section["data"]["panels"]) == [1, 2, 3]
    assert points["count"] == whole["data"]["count"] == 30
    known = p99(section, section["data"]["panels"])[: points["first"]]
    assert [*known, *p99(points, points["values"])] == list(range(1, 31))
    assert p99(whole, whole["data"]["panels"]) == list(range(1, 31))
    assert 'data-plot="0.0"' in section["html"]


def test_readings_are_followed_as_they_are_written(state: State, stream: LiveStream) -> None:
    folder = state.spool / RUN / "shop"
    folder.mkdir(parents=True)
    readings = folder / "readings-host.csv"
    readings.write_text(f"{HEADING}1500000,host,host_cpu_percent,40\n2500000,host,host_cpu")
    stream.write_progress(progress(1))
    run = looked(state)
    with readings.open("a") as file:
        file.write("_percent,60\ndamaged\n")
    run.look(1.0)

    [cpu] = [line for line in run.takes[0].series() if line.panel == "host_cpu_percent"]
    assert cpu.points == ((1.0, 40.0), (2.0, 60.0))


def test_a_run_that_is_killed_is_told_as_such(state: State, stream: LiveStream) -> None:
    stream.write("run", {"run_id": RUN})
    stream.write_progress(progress(1))
    stream.close()  # as the system does for a process that is killed

    head = head_of(looked(state))

    assert (head["stage"], head["heading"], head["can_stop"]) == ("killed", "Killed", False)
    assert f"`perf-pipeline ingest {RUN}` stores what was measured" in head["sentence"]


def test_a_run_that_ended_without_a_report_says_why(state: State, stream: LiveStream) -> None:
    stream.write("closed", {"problem": "stopped before anything was measured"})
    stream.close()

    head = head_of(looked(state))

    assert head["heading"] == "Ended without a report"
    assert head["sentence"] == (
        "The run is over: stopped before anything was measured. Nothing was measured."
    )


def test_a_run_that_was_stopped_in_dagster_says_what_becomes_of_its_samples(
    state: State, stream: LiveStream
) -> None:
    """Dagster ends a run that is stopped without judging it, and says nothing of why."""
    stream.write("run", {"run_id": RUN})
    stream.write_progress(progress(1))
    (state.live / "stop").touch()
    stream.write("closed", {"problem": ""})
    stream.close()
    path = state.live / "run.ndjson"  # as of a process that has ended
    path.write_text(path.read_text().replace(f'"pid": {os.getpid()}', '"pid": 0'))

    head = head_of(looked(state))

    assert head["sentence"] == (
        f"The run is over: it was stopped from this page. `perf-pipeline ingest {RUN}` stores what "
        f"was measured, and `perf-pipeline report {RUN}` shows it."
    )


def test_a_run_is_being_judged_until_its_report_is_there(state: State, stream: LiveStream) -> None:
    stream.write("run", {"run_id": RUN})
    stream.write("closed", {"problem": ""})
    stream.close()
    run = looked(state)
    assert run.stage is RunStage.JUDGING

    folder = state.reports(RUN)
    folder.mkdir(parents=True)
    ours = {"exit_code": 99, "ended": "FAIL (exit code 99)", "verdict": "1 threshold is missed."}
    (folder / "summary.json").write_text(json.dumps({"perf_pipeline": ours}))
    (folder / "report.html").write_text("<html>")
    run.look(1.0)

    head = head_of(run)
    assert (head["heading"], head["sentence"]) == (
        "Ended: FAIL (exit code 99)",
        "1 threshold is missed.",
    )
    assert head["report"] == f"report/{RUN}"


def test_a_run_whose_process_ended_while_it_was_judged_has_no_report(
    state: State, stream: LiveStream
) -> None:
    """Also where nobody has collected the process yet, as in a container without an init."""
    stream.write("run", {"run_id": RUN})
    stream.write("closed", {"problem": ""})
    stream.close()
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        path = state.live / "run.ndjson"
        begun, *rest = path.read_text().splitlines(keepends=True)
        of_it = json.dumps({**json.loads(begun), "pid": ended.pid})
        path.write_text("".join([f"{of_it}\n", *rest]))

        assert looked(state).stage is RunStage.UNREPORTED


def test_a_new_run_begins_a_new_page(state: State, stream: LiveStream) -> None:
    stream.write_progress(progress(1))
    run = looked(state)
    telling = Telling(run)
    list(telling.news())
    stream.close()

    with closing(LiveStream(state.live, lambda: 0.0)):
        run.look(1.0)

    assert [message["kind"] for message in telling.news()] == ["begin", "head"]


@pytest.mark.usefixtures("stream")
def test_a_run_elsewhere_cannot_be_stopped_from_here(state: State) -> None:
    path = state.live / "run.ndjson"
    begun = json.loads(path.read_text())
    with path.open("r+") as file:
        file.write(json.dumps({**begun, "place": "other container"}) + "\n")
    run = looked(state)

    assert run.pid is None
    assert stop(state, run).startswith("its process can't be seen from here")


def test_what_is_no_run_under_way_cannot_be_stopped(state: State) -> None:
    assert stop(state, looked(state)) == "no run is under way"


@pytest.mark.usefixtures("stream")
def test_a_run_that_was_asked_to_stop_is_not_asked_again(state: State) -> None:
    """A second signal would end it at once, and nothing would be judged."""
    (state.live / "stop").touch()
    run = looked(state)

    assert (run.stage, run.pid) == (RunStage.STOPPING, os.getpid())
    assert stop(state, run).startswith("it was asked to stop already")
