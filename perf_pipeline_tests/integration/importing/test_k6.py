"""What k6 measured is stored, judged and compared as a run, with k6's own figures.

The expected figures are those that k6 itself worked out for the same run.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from perf_pipeline.importing.door import Imported, import_file
from perf_pipeline.importing.spooling import Import
from perf_pipeline.importing.tools import TOOLS
from perf_pipeline.judging.judge import recover_run
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine
from perf_pipeline_tests.support.histories.k6_files import (
    CSV,
    EXPORTED,
    HANDLED,
    POINTS,
    k6_says,
    points_text,
    write_points,
)

# Samples are kept in whole µs.
WITHIN_MS = 0.001
FIGURES = {
    "avg": "average", "min": "minimum", "med": "median", "max": "maximum",
    "p(90)": "p90", "p(95)": "p95", "p(99)": "p99", "count": "count",
}  # fmt: skip
# k6's key -> metric and tags here.
SAME = {
    "http_req_duration": ("http_req_duration", ""),
    "http_req_duration{scenario:create_users}": ("http_req_duration", "scenario:create_users"),
    "http_req_duration{name:read}": ("http_req_duration", "operation:read"),
    "http_req_waiting": ("http_req_waiting", ""),
    "http_req_blocked": ("http_req_blocked", ""),
    "iteration_duration": ("iteration_duration", ""),
    "user_creation_duration": ("imported_time", "source:user_creation_duration"),
    "group_duration": ("imported_time", "source:group_duration"),
    "http_req_duration{method:GET}": ("imported_time", "source:http_req_duration method=GET"),
}


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Import the points of the real run with the thresholds of its summary."""
    command = CommandLine(tmp_path_factory.mktemp("points"))
    answer = command.here("import", "k6", str(POINTS), "--summary", str(EXPORTED), "--name", "shop")
    assert answer.code == 99, answer.err
    return command


# k6's key -> metric and tags here, of thresholds that somebody gives in k6's words.
ASKED = {
    "http_req_duration{method:GET}": "imported_time source:http_req_duration method=GET",
    "http_req_duration{name:read}": "http_req_duration operation:read",
}


def import_asked(path: Path, command: CommandLine) -> Answer:
    """Import points with thresholds of k6's words, and one gauge's as these points have it."""
    # CSV does not say that this metric of the script is a gauge.
    gauge = "imported_gauge{source:my_gauge}" if path == CSV else "my_gauge"
    given = [f"--threshold={key} p(95)<0.002" for key in ASKED]
    return command.here("import", "k6", str(path), f"--threshold={gauge} value<50", *given)


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> tuple[CommandLine, Answer]:
    """Import the real run's points as CSV."""
    command = CommandLine(tmp_path_factory.mktemp("csv"))
    return command, import_asked(CSV, command)


@pytest.fixture(params=["json", "csv"])
def asked(
    request: pytest.FixtureRequest, tmp_path: Path, csv: tuple[CommandLine, Answer]
) -> tuple[CommandLine, Answer]:
    """Give the import of the real run's points in one of their forms."""
    if request.param == "csv":
        return csv
    command = CommandLine(tmp_path)
    return command, import_asked(POINTS, command)


@pytest.fixture(scope="module")
def summaries(tmp_path_factory: pytest.TempPathFactory) -> tuple[CommandLine, dict[str, Answer]]:
    """Import both forms of the real run's summary, of two classes of machines."""
    command = CommandLine(tmp_path_factory.mktemp("summaries"))
    exported = command.here("import", "k6", str(EXPORTED), "--runner", "big")
    handled = command.here("import", "k6", str(HANDLED))
    return command, {"summary-export": exported, "handleSummary": handled}


def imported(state: State, path: Path, name: str) -> Imported:
    """Put a file of k6 into the spool, without the command line."""
    return import_file(state, path, Import(TOOLS["k6"], name))


def verdicts(command: CommandLine, run_id: str = "") -> dict[tuple[str, str], str]:
    """Return the verdicts of a run, or of the only one."""
    run = f"'{run_id}'" if run_id else "(select run_id from runs)"
    rows = command.sql(f"select metric, tags, source, status from verdicts where run_id = {run}")
    return {
        (f"{metric}{{{tags}}}" if tags else metric, text): status
        for metric, tags, text, status in rows
    }


@pytest.mark.parametrize("name", SAME)
def test_the_figures_of_points_are_those_that_k6_printed(points: CommandLine, name: str) -> None:
    metric, tags = SAME[name]
    [found] = points.sql(
        f"select {', '.join(FIGURES.values())} from summaries "
        f"where metric = '{metric}' and tags = '{tags}'"
    )

    told = k6_says()[name]["values"]
    assert dict(zip(FIGURES, found, strict=True)) == pytest.approx(told, abs=WITHIN_MS)


def test_counts_checks_and_shares_are_those_that_k6_printed(points: CommandLine) -> None:
    told = k6_says()
    requests = told["http_reqs"]["values"]
    [(count, rate)] = points.sql(
        "select count, rate from summaries where metric = 'http_reqs' and tags = ''"
    )
    checks = points.sql("select check_name, passes, fails from checks order by all")

    assert count == requests["count"] == 22
    # The points do not say how long k6 waited before the first request and after the last.
    assert rate == pytest.approx(requests["rate"], rel=0.1)
    assert checks == [("has user id", 6, 0), ("read status 200", 16, 0), ("status is 201", 6, 0)]
    assert points.value("select sum(iterations) from scenarios") == 22
    assert (
        points.value("select rate from summaries where tags = 'source:success'")
        == told["success"]["values"]["rate"]
    )


def test_the_thresholds_of_k6_become_checks_with_the_verdicts_of_k6(points: CommandLine) -> None:
    found = verdicts(points)
    told = {
        text: threshold["ok"]
        for metric in k6_says().values()
        for text, threshold in metric.get("thresholds", {}).items()
    }

    judged = {
        text: status == "PASS" for (key, text), status in found.items() if key != "target_answered"
    }
    assert judged == told
    assert found["imported_time{source:http_req_duration method=GET}", "p(95)<0.001"] == "FAIL"
    assert found["imported_gauge{source:my_gauge}", "value<100"] == "PASS"
    assert found["http_req_duration{operation:read}", "p(95)<1000"] == "PASS"


def test_samples_have_scenario_operation_and_status(points: CommandLine) -> None:
    rows = points.sql(
        "select distinct scenario, operation, status, outcome from samples order by all"
    )

    assert rows == [
        ("create_users", "http://127.0.0.1:18932/user", 201, "ok"),
        ("read_users", "read", 200, "ok"),
    ]


def test_nothing_is_said_of_a_plan_and_of_a_generator_that_nobody_watched(
    points: CommandLine,
) -> None:
    answer = points.here("show", "latest")

    assert "generator_health NO_DATA: k6's file does not tell" in answer.out
    assert (
        points.value(
            "select count(*) from summaries where metric in ('schedule_lag', 'response_time')"
        )
        == 0
    )
    assert points.value("select cardinality(health) from benchmarks") == 0


def test_it_is_compared_with_no_run_of_our_own_nor_of_another_class(
    summaries: tuple[CommandLine, dict[str, Answer]],
) -> None:
    command, _ = summaries

    facts = command.sql("select facts from environments order by cardinality(facts)")
    told = command.here("show", "latest").out

    assert facts == [
        ({"imported_from": "k6"},),
        ({"imported_from": "k6", "runner_class": "big"},),
    ]
    # Both files are of one run, at the same time.
    assert "somebody changed a clock" not in told


@pytest.fixture
def harmless(tmp_path: Path) -> Path:
    """Write the real run's points with bounds that hold; those with a filter k6 does not write."""
    path = tmp_path / "harmless.ndjson"
    path.write_text(points_text().replace("med<0.0001", "med<10000"), encoding="utf-8")
    return path


def test_thresholds_with_a_filter_that_the_points_lack_are_no_data_until_somebody_gives_them(
    tmp_path: Path, harmless: Path
) -> None:
    command = CommandLine(tmp_path)

    unknown = command.here("import", "k6", str(harmless), "--name", "shop", "--runner", "big")
    absent = {key for (key, _), status in verdicts(command).items() if status == "NO_DATA"}
    known = command.here("import", "k6", str(harmless), "--summary", str(EXPORTED))

    assert unknown.code == 97
    assert "http_req_duration{method:GET}" in unknown.out
    assert "NOT checked" in unknown.out
    assert "import the file again with --summary or --threshold" in " ".join(unknown.out.split())
    assert absent == {
        "imported_thresholds{source:http_req_duration method=GET}",
        "imported_thresholds{source:http_req_duration name=read}",
        "imported_thresholds{source:http_req_duration scenario=create_users}",
    }
    # The same run is judged again: k6's summary has p(95)<0.001 for {method:GET}.
    assert known.code == 99
    assert "NO_DATA" not in set(verdicts(command).values())
    assert command.sql("select profile, runner_class from (select profile, "
        "facts['runner_class'] as runner_class from runs join environments using (environment_id))"
    ) == [("shop", "big")]  # fmt: skip


def test_a_threshold_in_the_words_of_k6_is_worked_out_of_the_points_with_that_tag(
    asked: tuple[CommandLine, Answer],
) -> None:
    command, answer = asked

    assert answer.code == 99
    rows = command.sql(
        "select metric || ' ' || tags, observed from verdicts where source = 'p(95)<0.002'"
    )
    assert dict(rows) == {
        here: pytest.approx(k6_says()[there]["values"]["p(95)"], abs=WITHIN_MS)
        for there, here in ASKED.items()
    }
    assert verdicts(command)["imported_gauge{source:my_gauge}", "value<50"] == "PASS"


@pytest.mark.parametrize("path", [POINTS, CSV, EXPORTED], ids=["json", "csv", "summary"])
def test_a_tag_that_the_file_does_not_have_is_misspelt(untouched: CommandLine, path: Path) -> None:
    answer = untouched.here(
        "import", "k6", str(path), "--threshold=http_req_duration{operatoin:read} p(95)<9"
    )

    assert answer.code == 104, answer.out
    assert "did you mean operation?" in answer.err


def test_a_tag_of_ones_own_is_found_in_the_points(tmp_path: Path) -> None:
    # k6 writes tags without a column into extra_tags. Gold took 5 ms, and silver 9 ms.
    path = tmp_path / "own.csv"
    path.write_text(
        "metric_name,timestamp,metric_value,name,scenario,status,extra_tags\n"
        "http_req_duration,1700000001,5.0,read,shop,200,plan=a&tier=gold\n"
        "http_req_duration,1700000002,9.0,read,shop,200,tier=silver\n"
        "paid,1700000002,1,,shop,,tier=silver\n",
        encoding="utf-8",
    )
    command = CommandLine(tmp_path / "state")

    answer = command.here(
        *("import", "k6", str(path), "--threshold", "http_req_duration{tier:gold} max<6"),
        *("--threshold", "imported_rate{source:paid} rate>0.9"),
    )

    assert answer.code == 0, answer.out
    assert verdicts(command) == {
        ("imported_time{source:http_req_duration tier=gold}", "max<6"): "PASS",
        ("imported_rate{source:paid}", "rate>0.9"): "PASS",
        ("target_answered", "rate>=0.95"): "PASS",
    }


@pytest.mark.parametrize("form", ["handleSummary", "summary-export"])
def test_a_summary_gives_k6s_figures_and_verdicts(
    summaries: tuple[CommandLine, dict[str, Answer]], form: str
) -> None:
    command, answers = summaries
    answer = answers[form]
    run_id = re.findall(r"is now run (\S+)", answer.err)[0]

    told = k6_says()
    [found] = command.sql(
        f"select {', '.join(FIGURES.values())} from summaries "
        f"where run_id = '{run_id}' and metric = 'http_req_duration' and tags = 'operation:read'"
    )
    assert answer.code == 99
    assert dict(zip(FIGURES, found, strict=True)) == told["http_req_duration{name:read}"]["values"]
    assert command.value(
        f"select rate from summaries where run_id = '{run_id}' and metric = 'http_reqs' "
        "and tags = ''"
    ) == pytest.approx(told["http_reqs"]["values"]["rate"])
    judged = {
        text: status == "PASS"
        for (key, text), status in verdicts(command, run_id).items()
        if key != "target_answered"
    }
    assert judged == {
        text: threshold["ok"]
        for metric in told.values()
        for text, threshold in metric.get("thresholds", {}).items()
    }


def test_a_threshold_whose_figure_is_not_in_the_summary_is_judged_as_k6_did(tmp_path: Path) -> None:
    summary = json.loads(EXPORTED.read_text(encoding="utf-8"))
    del summary["metrics"]["http_req_duration"]["p(99)"]
    summary["metrics"]["http_req_duration"]["thresholds"] |= {"p(99.9)<9": True}
    (tmp_path / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    command = CommandLine(tmp_path)

    command.here("import", "k6", str(tmp_path / "summary.json"))

    # --summary-export writes false for a threshold that held.
    rows = command.sql(
        "select source, status, observed, reason from verdicts where reason <> '' order by source"
    )
    assert [row[:3] for row in rows] == [("p(99)<2000", "PASS", None), ("p(99.9)<9", "FAIL", None)]
    assert "does not have the figure" in rows[0][3]


def test_a_metric_without_values_never_passes_although_k6_lets_it(tmp_path: Path) -> None:
    nothing = {"avg": 0, "min": 0, "med": 0, "max": 0, "p(90)": 0, "p(95)": 0}
    summary = {
        "metrics": {
            "iterations": {"count": 3, "rate": 1.5},
            "paid_after": {**nothing, "thresholds": {"p(95)<100": False}},
            "paid": {"value": 0, "passes": 0, "fails": 0, "thresholds": {"rate<0.1": False}},
        }
    }
    (tmp_path / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    command = CommandLine(tmp_path)

    answer = command.here("import", "k6", str(tmp_path / "summary.json"))

    assert answer.code == 97
    assert set(verdicts(command).values()) == {"NO_DATA"}


def test_the_newer_form_of_the_summary_is_read(tmp_path: Path) -> None:
    metrics = [
        {
            "name": "http_req_duration{scenario:buy}", "type": "trend", "contains": "time",
            "values": {"avg": 2.5, "max": 9.5, "med": 2.0, "min": 1.0, "p90": 4.0, "p95": 5.5},
        },
        {"name": "http_req_failed", "type": "rate", "contains": "default",
         "values": {"matches": 1, "rate": 0.02, "total": 50}},
        {"name": "http_reqs", "type": "counter", "contains": "default", "values": {"count": 50}},
        {"name": "iterations", "type": "counter", "contains": "default", "values": {"count": 50}},
    ]  # fmt: skip
    summary = {
        "config": {"duration": 4.0, "execution": "local", "script": "..."},
        "metadata": {"generated_at": "2026-11-24T03:49:32.449166231Z", "k6_version": "2.2.0"},
        "results": {"checks": {"metrics": [], "results": []}, "metrics": metrics},
        "version": "1.0.0",
    }
    (tmp_path / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    command = CommandLine(tmp_path)

    answer = command.here(
        "import", "k6", str(tmp_path / "summary.json"),
        "--threshold", "http_req_duration{scenario:buy} p(95)<5",
    )  # fmt: skip

    assert answer.code == 99, answer.err
    assert "this summary of k6 holds no thresholds, so those of its script are NOT" in answer.out
    # A filter is in a summary for the sake of thresholds, of which this form says nothing.
    alone = CommandLine(tmp_path / "alone")
    assert alone.here("import", "k6", str(tmp_path / "summary.json")).code == 97
    assert ("imported_thresholds{source:http_req_duration scenario=buy}", "rate>=1") in verdicts(
        alone
    )
    assert verdicts(command) == {
        ("http_req_duration{scenario:buy}", "p(95)<5"): "FAIL",
        ("target_answered", "rate>=0.95"): "PASS",
    }
    # 50 requests in 4 s
    assert command.value("select rate from summaries where metric = 'http_reqs'") == 12.5
    assert command.value("select began_at from runs").isoformat() == "2026-11-24T03:49:32.449166"


def test_csv_gives_the_same_figures(csv: tuple[CommandLine, Answer]) -> None:
    command, answer = csv

    [found] = command.sql(
        f"select {', '.join(FIGURES.values())} from summaries "
        "where metric = 'http_req_duration' and tags = ''"
    )
    assert dict(zip(FIGURES, found, strict=True)) == pytest.approx(
        k6_says()["http_req_duration"]["values"], abs=WITHIN_MS
    )
    assert answer.code == 99
    assert "holds neither thresholds nor" in answer.out


def test_csv_without_some_of_k6s_system_tags_is_read(tmp_path: Path) -> None:
    # k6 run --system-tags=name,scenario,status writes these three columns of tags.
    path = tmp_path / "few.csv"
    path.write_text(
        "metric_name,timestamp,metric_value,name,scenario,status\n"
        "http_req_duration,1700000001,5.0,read,shop,200\n"
        "http_req_duration,1700000002,9.0,read,shop,500\n",
        encoding="utf-8",
    )
    command = CommandLine(tmp_path / "state")

    command.here("import", "k6", str(path))

    assert command.sql("select scenario, operation, status, outcome from samples order by all") == [
        ("shop", "read", 200, "ok"),
        ("shop", "read", 500, "failed"),
    ]


def test_times_of_another_zone_are_moved_to_utc(tmp_path: Path) -> None:
    path = tmp_path / "east.ndjson"
    path.write_text(points_text().replace('Z","value"', '+02:00","value"'), encoding="utf-8")
    state = State(tmp_path / "state")

    done = imported(state, path, "shop")

    # The points were made at 06:07:58 UTC.
    assert done.run_id.startswith("20261129-040757-import-")


def test_the_same_file_is_told_and_stored_once(tmp_path: Path, points: CommandLine) -> None:
    plain = tmp_path / "again.ndjson"
    plain.write_text(points_text(), encoding="utf-8")

    answer = points.here("import", "k6", str(plain))

    assert answer.code == 99
    assert "already in the history, as run " in answer.err
    assert points.value("select count(*) from runs") == 1


def test_a_file_whose_run_waits_in_the_spool_is_stored_from_there(tmp_path: Path) -> None:
    # Whoever imported it first was killed before the history had it.
    waiting = imported(State(tmp_path), POINTS, "k6")

    answer = CommandLine(tmp_path).here("import", "k6", str(POINTS))

    assert answer.code == 99
    assert f"{POINTS} is now run {waiting.run_id}" in answer.err


def test_a_spool_that_refuses_the_run_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    done = imported(State(tmp_path / "first"), POINTS, "k6")
    state = State(tmp_path / "second")
    state.spool.mkdir(parents=True)
    (state.spool / done.run_id).touch()

    answer = CommandLine(state.folder).here("import", "k6", str(POINTS))

    assert f"{state.folder} does not take the import: Not a directory" in answer.err


DURATION = r'("metric":"http_req_duration".*?"value":)[^,]*,'
WRONG: dict[str, tuple[Callable[[str], str], str]] = {
    "no JSON": (
        lambda text: text.replace('"type":"Point"', '"type":"Po', 1),
        ", line 2: it is not JSON: ",
    ),
    "another object": (
        lambda text: '\n{"level":"info"}\n' + text,
        ", line 2: it is not a line of k6",
    ),
    "a value that is no number": (
        lambda text: text.replace('"value":1,', '"value":"one",', 1),
        ", line 2: it is not a line of k6",
    ),
    "a time that is none": (
        lambda text: text.replace('"time":"2026', '"time":"once', 1),
        ", line 2: it is not a line of k6",
    ),
    "a duration below zero": (
        lambda text: re.sub(DURATION, r"\1-0.5,", text, count=1),
        ", line 4: it is not a line of k6",
    ),
    "a duration without end": (
        lambda text: re.sub(DURATION, r"\g<1>1e999,", text, count=1),
        ", line 4: it is not a line of k6",
    ),
    "a time of another age": (
        lambda text: text.replace('"time":"2026', '"time":"0001', 1),
        ", line 2: it is not a line of k6",
    ),
    "no point": (lambda text: text.split("\n", 1)[0] + "\n", ": it has no points of k6"),
    "another file": (lambda _: "iteration;latency\n", ", line 1: it is none of the output of k6"),
    "empty": (lambda _: "", ": it is empty"),
    "cut JSON": (lambda _: '{"metrics": {"http_reqs": ', ", line 1: it is not JSON: "),
    "other JSON": (lambda _: '{"name": "x"}', ", line 1: it is not a line of k6"),
    "other JSON of many lines": (
        lambda _: json.dumps({"name": "x"}, indent=1),
        ": it is JSON, but not a summary of k6",
    ),
}


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Give a state folder that stays empty."""
    return CommandLine(tmp_path_factory.mktemp("untouched"))


@pytest.mark.parametrize("kind", WRONG)
def test_a_broken_file_is_answered_with_line_and_reason_and_nothing_is_imported(
    tmp_path: Path, untouched: CommandLine, kind: str
) -> None:
    spoil, told = WRONG[kind]
    path = tmp_path / "out.ndjson"
    path.write_text(spoil(points_text()), encoding="utf-8")

    answer = untouched.here("import", "k6", str(path))

    assert answer.code == 104, answer.err
    assert f"{path}{told}" in answer.err
    assert "nothing was imported" in answer.err
    assert list((untouched.state / "spool").iterdir()) == []
    assert [entry.name for entry in untouched.state.iterdir() if "import" in entry.name] == []


@pytest.mark.parametrize("name", ["not-there.json", "."])
def test_a_file_that_is_none_is_told(tmp_path: Path, untouched: CommandLine, name: str) -> None:
    answer = untouched.here("import", "k6", str(tmp_path / name))

    assert answer.code == 104
    assert "nothing was imported" in answer.err


@pytest.mark.parametrize("name", ["not-there.json", "."])
def test_a_summary_that_is_no_file_is_told(
    tmp_path: Path, untouched: CommandLine, name: str
) -> None:
    summary = tmp_path / name

    answer = untouched.here("import", "k6", str(POINTS), "--summary", str(summary))

    assert answer.code == 104, answer.err
    assert f"perf-pipeline: {summary}: it " in answer.err
    assert "nothing was imported" in answer.err


@pytest.mark.parametrize(
    ("cut", "why"),
    [
        (lambda text: text[:-40], "its last line was cut off"),
        (
            lambda text: text[: text.rindex('{"metric":"http_req_failed"')],
            "in the middle of a request",
        ),
    ],
    ids=["line", "request"],
)
def test_a_file_that_ends_too_early_lets_nothing_pass(
    tmp_path: Path, cut: Callable[[str], str], why: str
) -> None:
    path = tmp_path / "out.ndjson"
    path.write_text(cut(points_text()), encoding="utf-8")
    command = CommandLine(tmp_path)

    answer = command.here("import", "k6", str(path))

    assert "the file is not whole: it" in answer.out
    assert why in answer.out
    assert "PASS" not in set(verdicts(command).values())


def test_a_compressed_file_that_ends_too_early_lets_nothing_pass(tmp_path: Path) -> None:
    path = tmp_path / "out.ndjson.gz"
    path.write_bytes(POINTS.read_bytes()[:-600])
    command = CommandLine(tmp_path)

    answer = command.here("import", "k6", str(path))

    assert "its compressed data ends too early" in answer.out
    assert "PASS" not in set(verdicts(command).values())


def test_the_gate_fails_when_k6_measures_a_slower_target_twice(tmp_path: Path) -> None:
    state = State(tmp_path)
    for day in range(5):
        path = write_points(tmp_path / f"{day}.ndjson", day, 5.0)
        done = imported(state, path, "shop")
        recover_run(state, done.run_id)
    command = CommandLine(tmp_path)

    codes = [
        command.here(
            "import",
            "k6",
            str(write_points(tmp_path / f"{day}.ndjson", day, 8.0)),
            "--name",
            "shop",
        ).code
        for day in (5, 6)
    ]

    # The first is only suspect, because k6 is not run again; the second confirms it.
    assert codes == [0, 98]
