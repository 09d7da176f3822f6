"""One whole run through the installed command line, and everything that can be asked afterwards."""

import csv
import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from perf_pipeline.benchmarks.registry import NAMES
from perf_pipeline.config.loading import load_profile
from perf_pipeline_tests.support.commands.command_line import (
    TINY,
    Answer,
    CommandLine,
    left_running,
)
from perf_pipeline_tests.support.places import new_state

pytestmark = pytest.mark.timeout(420)


@dataclass(frozen=True, slots=True)
class Finished:
    """Hold a whole run with what it printed."""

    command: CommandLine
    answer: Answer

    @property
    def run_id(self) -> str:
        """Give its id."""
        return self.answer.run_id

    @property
    def reports(self) -> Path:
        """Give the folder of its reports."""
        return self.command.state / "reports" / self.run_id


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """Run the tiny profile once with a stack of its own."""
    command = CommandLine(new_state(tmp_path_factory.mktemp("run") / "state"))
    yield Finished(command, command("run", "--profile", str(TINY), timeout_s=360.0))
    assert left_running(command.state) == []


def test_a_whole_run_measures_every_benchmark_and_exits_by_its_verdicts(finished: Finished) -> None:
    benchmarks = finished.command.sql("select benchmark, status from benchmarks")

    assert finished.answer.code == finished.command.code_of(finished.run_id), finished.answer.out
    assert sorted(benchmarks) == [(name, "complete") for name in sorted(NAMES)]
    assert f"(exit code {finished.answer.code})" in finished.answer.out


def test_the_table_has_a_row_for_every_threshold(finished: Finished) -> None:
    wanted = [
        (threshold.key.partition("{")[0], threshold.source)
        for benchmark in load_profile(str(TINY)).benchmarks.values()
        for threshold in benchmark.all_thresholds()
    ]
    rows = finished.command.sql("select metric, source from verdicts")

    assert sorted(rows) == sorted(wanted)
    for metric, source in wanted:
        assert metric in finished.answer.out
        assert source in finished.answer.out


def test_every_report_is_where_the_last_lines_say(finished: Finished) -> None:
    said = dict(re.findall(r"^(\w+): (/.*)$", finished.answer.out, re.MULTILINE))

    assert set(said) == {"markdown", "html", "json", "junit", "resources", "history"}
    for form in ("markdown", "html", "json", "junit", "history"):
        assert Path(said[form]).stat().st_size > 0


def test_junit_has_a_case_for_every_verdict_and_fails_when_the_run_does(
    finished: Finished,
) -> None:
    suites = ET.parse(finished.reports / "junit.xml").getroot()  # noqa: S314 - our own file
    unmet = [*suites.iter("failure"), *suites.iter("error")]
    verdicts = finished.command.value("select count(*) from verdicts")

    assert len(list(suites.iter("testcase"))) >= verdicts > 30
    assert bool(unmet) == (finished.answer.code != 0)


def test_there_is_a_csv_of_host_readings_for_every_benchmark(finished: Finished) -> None:
    for benchmark in NAMES:
        path = finished.reports / f"resources-{benchmark}.csv"
        header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
        assert header == ["timestamp", "cpu_percent", "memory_mb", "disk_io_mb", "network_kb"]
        assert rows, benchmark
        assert all(0 <= float(row[1]) <= 100 for row in rows if row[1])


def test_nothing_is_left_running_and_nothing_listens_any_more(finished: Finished) -> None:
    addresses = re.findall(r"127\.0\.0\.1:(\d+)", finished.answer.err)

    assert len(set(addresses)) == 4  # API, PostgreSQL, broker, Redis
    assert left_running(finished.command.state) == []
    assert not list((finished.command.state / "stacks").glob("run-*"))
    for port in set(addresses):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", int(port))) != 0


def test_percentiles_of_the_summaries_are_those_of_the_samples(finished: Finished) -> None:
    own = finished.command.value(
        "select quantile_cont((ended_us - started_us) / 1000.0, 0.95) from samples "
        "where benchmark = 'api_user_creation' and phase = 'measured'"
    )
    stored = finished.command.value(
        "select p95 from summaries where benchmark = 'api_user_creation' "
        "and metric = 'http_req_duration' and tags = ''"
    )

    assert stored == pytest.approx(own)


def test_rates_and_counts_are_those_of_the_samples(finished: Finished) -> None:
    count, failed, window_s = finished.command.sql(
        "select count(*), count(*) filter (where outcome <> 'ok' or status >= 400), "
        "(select (measured_until_us - measured_from_us) / 1e6 from scenarios "
        " where benchmark = 'end_to_end') "
        "from samples where benchmark = 'end_to_end' and phase = 'measured'"
    )[0]
    requests, rate = finished.command.sql(
        "select count, rate from summaries where benchmark = 'end_to_end' "
        "and metric = 'http_reqs' and tags = ''"
    )[0]
    failed_rate = finished.command.value(
        "select rate from summaries where benchmark = 'end_to_end' "
        "and metric = 'http_req_failed' and tags = ''"
    )

    dropped = finished.command.value(
        "select dropped_iterations from scenarios where benchmark = 'end_to_end'"
    )

    # 20/s over 1.5 s of which 0.5 s are warm-up: the starts at 0.50, 0.55 ... 1.45 s.
    assert 20 - dropped <= count <= 20
    assert requests == count
    assert rate == pytest.approx(count / window_s)
    assert failed_rate == failed / count


def test_lost_and_duplicated_are_those_of_the_ledger(finished: Finished) -> None:
    expected, lost, duplicated = finished.command.sql(
        "with stations as (select message_id, "
        "count(*) filter (where event = 'acknowledged') as promised, "
        "count(*) filter (where event = 'completed') as done "
        "from ledger where benchmark = 'queue_consume' group by message_id) "
        "select count(*) filter (where promised > 0), "
        "count(*) filter (where promised > 0 and done = 0), "
        "coalesce(sum(greatest(done - 1, 0)), 0) from stations"
    )[0]
    figures = finished.command.sql(
        "select name, value from figures where benchmark = 'queue_consume' "
        "and name like 'messages_%'"
    )

    assert expected > 100
    # None when the consumer was still busy at its end: then nobody can say what is lost.
    assert dict(figures) in (
        {
            "messages_expected": expected,
            "messages_lost": lost,
            "messages_duplicated": duplicated,
        },
        {},
    )


def test_judging_again_gives_the_same_verdicts_and_the_same_code(finished: Finished) -> None:
    verdicts = "select benchmark, position, status from verdicts order by all"
    before = finished.command.sql(verdicts)

    again = finished.command.here("judge")

    assert again.code == finished.answer.code
    assert finished.command.sql(verdicts) == before


@dataclass(frozen=True, slots=True)
class Strict:
    """Hold what a stricter profile says of the run, and what its own says after that.

    Attributes:
        what_if: by the stricter one.
        own: the report that is written next.
        is_as_it_was: whether what the history holds was left alone.
    """

    what_if: Answer
    own: Answer
    is_as_it_was: bool


@pytest.fixture(scope="module")
def strict(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Strict:
    profile = tmp_path_factory.mktemp("strict") / "strict.toml"
    text = TINY.read_text(encoding="utf-8").replace('"tiny"', '"strict"')
    profile.write_text(text.replace("rate>5", "rate>5000"), encoding="utf-8")
    stored = "select v.*, d.* from verdicts v full join diffs d using (run_id) order by all"
    before = finished.command.sql(stored)
    what_if = finished.command.here("judge", "--profile", str(profile))
    is_as_it_was = finished.command.sql(stored) == before
    return Strict(what_if, finished.command.here("report"), is_as_it_was)


def test_another_profile_answers_what_if_and_says_so(finished: Finished, strict: Strict) -> None:
    what_if, own = strict.what_if, strict.own

    # A benchmark whose load was not valid is not judged by any bound.
    (valid,) = finished.command.sql(
        "select valid from benchmarks where benchmark = 'api_user_creation'"
    )[0]
    assert what_if.code == (99 if valid else 97)
    assert "judged by profile strict and not by its own" in what_if.out
    assert "rate>5000" in what_if.out
    assert f"{finished.run_id}/what-if/report.html" in what_if.out
    assert strict.is_as_it_was
    assert own.code == finished.answer.code
    assert "strict" not in own.out


def test_a_report_written_again_says_the_same(finished: Finished, strict: Strict) -> None:
    again = strict.own

    assert again.code == finished.answer.code
    # Sorted: a stored profile has its keys in another order than its file.
    assert sorted(again.out.splitlines()) == sorted(finished.answer.out.splitlines())


def test_comparing_lists_every_series_with_the_number_of_its_runs(finished: Finished) -> None:
    answer = finished.command.here("compare")

    assert answer.code == 0
    assert "http_req_duration" in answer.out
    assert "n 0" in answer.out
    assert "LEARNING" in answer.out


def test_ingesting_again_changes_nothing(finished: Finished) -> None:
    def counted() -> list[tuple[Any, ...]]:
        return finished.command.sql(
            "select 'samples', count(*) from samples union all "
            "select 'readings', count(*) from readings union all "
            "select 'ledger', count(*) from ledger union all "
            "select 'summaries', count(*) from summaries union all "
            "select status, count(*) from verdicts group by status order by 1"
        )

    before = counted()
    again = finished.command.here("ingest", finished.run_id)

    assert again.code == 0
    assert len(again.out.splitlines()) == len(NAMES)
    assert counted() == before


def test_the_doctor_names_every_part_and_where_it_comes_from(finished: Finished) -> None:
    answer = finished.command("doctor", "--profile", str(TINY))

    assert answer.code == 0, answer.out
    assert {"ok postgres", "ok kafka", "ok redis"} <= {
        line.strip().partition(":")[0].replace("  ", " ") for line in answer.out.splitlines()
    }


def test_the_summary_in_k6s_shape_has_the_thresholds_with_their_outcome(
    finished: Finished,
) -> None:
    summary = json.loads((finished.reports / "summary.json").read_text(encoding="utf-8"))

    assert "metrics" in json.dumps(summary)
    assert finished.run_id in json.dumps(summary)


def test_sql_answers_as_a_table_or_as_csv(finished: Finished) -> None:
    question = "select run_id, count(*) as benchmarks from benchmarks group by run_id"

    table, as_csv = (
        finished.command.here("sql", question),
        finished.command.here("sql", question, "--csv"),
    )

    assert (table.code, as_csv.code) == (0, 0)
    assert as_csv.out.splitlines() == ["run_id,benchmarks", f"{finished.run_id},{len(NAMES)}"]
    assert re.search(rf"{finished.run_id} +{len(NAMES)}\b", table.out)


def test_reading_only_the_first_lines_of_an_answer_is_no_error(finished: Finished) -> None:
    """`perf-pipeline sql … | head -1`: the reader goes while there is more to say."""
    command = finished.command.start("sql", "--csv", "select * from samples limit 2000")
    assert isinstance(command.process, subprocess.Popen)
    assert command.process.stdout is not None
    os.read(command.process.stdout.fileno(), 10)
    command.process.stdout.close()

    assert command.process.wait(30) in {0, 141}  # 128 + SIGPIPE, as a shell says it
    assert "Traceback" not in command.err
    assert "unexpected" not in command.err
