"""What JMeter, Locust, vegeta and wrk2 measured comes through the same door as k6's points.

Locust's files are of a real run of Locust 2.47; the others are small enough to be counted by hand.
"""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.importing.door import import_file
from perf_pipeline.importing.k6_summary import read_summary
from perf_pipeline.importing.spooling import Import
from perf_pipeline.importing.tools import TOOLS
from perf_pipeline.judging.judge import recover_run
from perf_pipeline.store.imports.foreign import ForeignFileError
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.queries import rows_in

FILES = Path(__file__).with_name("others")
HEAD = (
    "timeStamp,elapsed,label,responseCode,responseMessage,threadName,success,failureMessage,"
    "bytes,sentBytes,grpThreads,allThreads,Latency,Connect\n"
)
JTL = HEAD + (
    "1700000000000,120,log in,200,OK,Shop users 1-1,true,,500,200,2,2,110,10\n"
    '1700000000100,80,"buy, all",200,OK,Shop users 1-2,false,"no id\nin it",400,100,2,2,70,0\n'
    "1700000000300,40,log in,503,Busy,Shop users 1-1,false,,300,200,2,2,30,0\n"
    "1700000000400,2000,log in,Non HTTP response code: java.net.SocketTimeoutException,"
    "Non HTTP response message: Read timed out,Shop users 1-2,false,,0,0,2,2,0,0\n"
    '1700000000000,240,whole,200,"Number of samples in transaction : 2, number of failing samples '
    ': 1",Shop users 1-1,true,,900,300,2,2,200,10\n'
)
XML = """<?xml version="1.0" encoding="UTF-8"?>
<testResults version="1.2">
<httpSample t="120" lt="110" ct="10" ts="1700000000000" s="true" lb="log in" rc="200" rm="OK"
  tn="Shop users 1-1" by="500" sby="200" na="2"><httpSample t="60" ts="1700000000000" s="true"
  lb="redirect" rc="302" rm="Found" tn="Shop users 1-1"/></httpSample>
<httpSample t="80" lt="70" ct="0" ts="1700000000100" s="false" lb="buy, all" rc="200" rm="OK"
  tn="Shop users 1-2" by="400" sby="100" na="2"><assertionResult><failure>true</failure>
  <failureMessage>no id</failureMessage></assertionResult></httpSample>
</testResults>
"""
RESULTS = "".join(
    json.dumps(
        {
            "attack": "", "seq": n, "code": code, "timestamp": f"2026-11-24T03:49:0{n}.5+01:00",
            "latency": ms * 1_000_000, "bytes_out": 3, "bytes_in": 7, "error": error,
            "body": "", "method": "GET", "url": f"http://127.0.0.1/x?n={n}", "headers": {},
        }
    )
    + "\n"
    for n, (code, ms, error) in enumerate(
        [(200, 10, ""), (200, 20, ""), (500, 30, "500 Internal"), (0, 40, "dial: refused")]
    )
)  # fmt: skip
REPORT = {
    "latencies": {"total": 10_000_000_000, "mean": 10_000_000, "50th": 8_000_000,
                  "90th": 15_000_000, "95th": 20_000_000, "99th": 30_000_000,
                  "max": 41_000_000, "min": 2_000_000},
    "bytes_in": {"total": 7_000, "mean": 7}, "bytes_out": {"total": 0, "mean": 0},
    "earliest": "2026-11-24T03:49:00Z", "latest": "2026-11-24T03:49:10Z",
    "end": "2026-11-24T03:49:10.01Z", "duration": 10_000_000_000, "wait": 10_000_000,
    "requests": 1_000, "rate": 100.1, "throughput": 97.9, "success": 0.98,
    "status_codes": {"200": 980, "500": 20}, "errors": ["500 Internal"],
}  # fmt: skip
WRK2 = """Running 10s test @ http://127.0.0.1/x
  2 threads and 10 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.00ms    0.50ms   9.00ms   80.00%
  Latency Distribution (HdrHistogram - Recorded Latency)
 50.000%    1.90ms
 90.000%    3.00ms
 99.000%    5.50ms
100.000%    9.01ms

  Detailed Percentile spectrum:
       Value   Percentile   TotalCount 1/(1-Percentile)

       0.500     0.000000            1         1.00
       1.900     0.500000          500         2.00
       3.400     0.950000          950        20.00
       9.007     1.000000         1000          inf
#[Mean    =        2.013, StdDeviation   =        0.501]
#[Max     =        9.000, Total count    =         1000]
----------------------------------------------------------
  1000 requests in 10.00s, 0.98MB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 7
Requests/sec:    100.00
"""


def report(**changed: object) -> str:
    """Give vegeta's report with other values."""
    return json.dumps({**REPORT, **changed})


def locust(name: str, value: str) -> str:
    """Give Locust's statistics of one request, with another value in its row."""
    row = {"requests": "3", "failures": "0", "rate": "1.5", "p95": "9"} | {name: value}
    text = ",".join(row.values())
    head = "Type,Name,Request Count,Failure Count,Requests/s,95%"
    times = "Median Response Time,Average Response Time,Min Response Time,Max Response Time"
    return f"{head},{times}\nGET,/a,{text},5,5,1,9\n,Aggregated,3,0,1.5,9,5,5,1,9\n"


def stored(
    tmp_path: Path, tool: str, text: str, thresholds: dict[str, list[str]] | None = None
) -> tuple[State, str]:
    """Import a file with this text; give the state and the run's id."""
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    state = State(tmp_path / "state")
    done = import_file(state, path, Import(TOOLS[tool], tool, thresholds=thresholds or {}))
    recover_run(state, done.run_id)
    return state, done.run_id


def asked(state: State, statement: str) -> list[tuple[Any, ...]]:
    return rows_in(state.history_file, statement)


def figures(state: State, metric: str, tags: str = "") -> dict[str, float]:
    columns = "count, rate, minimum, average, median, p90, p95, p99, maximum"
    [row] = asked(
        state, f"select {columns} from summaries where metric = '{metric}' and tags = '{tags}'"
    )
    found = dict(zip(columns.split(", "), row, strict=True))
    return {name: value for name, value in found.items() if value is not None}


def test_jmeters_samples_have_scenario_operation_status_and_cause(tmp_path: Path) -> None:
    state, _ = stored(tmp_path, "jmeter", JTL)

    rows = asked(
        state,
        "select scenario, operation, status, outcome, error, ended_us - started_us, waiting_us "
        "from samples order by started_us",
    )
    assert rows == [
        ("Shop_users", "log in", 200, "ok", "", 120_000, 100_000),
        ("Shop_users", "buy, all", 200, "failed", "check", 80_000, 70_000),
        ("Shop_users", "log in", 503, "failed", "status", 40_000, 30_000),
        ("Shop_users", "log in", 0, "timeout", "timeout", 2_000_000, 0),
    ]
    assert asked(state, "select source, value from readings where name = 'imported_time'") == [
        ("whole", 240.0)
    ]
    # 120, 80, 40 and 2,000 ms: the median lies between 80 and 120.
    assert figures(state, "http_req_duration")["median"] == 100.0
    assert figures(state, "http_req_failed")["rate"] == 0.75


def test_jmeters_xml_gives_what_its_csv_gives_and_no_sub_results(tmp_path: Path) -> None:
    state, _ = stored(tmp_path, "jmeter", XML)

    rows = asked(
        state, "select operation, status, outcome, error, bytes_in from samples order by started_us"
    )
    assert rows == [("log in", 200, "ok", "", 500), ("buy, all", 200, "failed", "check", 400)]


def test_locusts_statistics_are_the_figures_here(tmp_path: Path) -> None:
    text = (FILES / "locust_stats.csv").read_text(encoding="utf-8")
    state, run_id = stored(
        tmp_path, "locust", text, {"http_req_duration{operation:GET /user/1}": ["p(95)<50"]}
    )

    rows = {row["Name"]: row for row in csv.DictReader(text.splitlines())}
    for name, tags in (("Aggregated", ""), ("/user/1", "operation:GET /user/1")):
        found, row = figures(state, "http_req_duration", tags), rows[name]
        assert found["p95"] == float(row["95%"])
        assert found["average"] == float(row["Average Response Time"])
        assert found["count"] == float(row["Request Count"])
    assert figures(state, "http_reqs")["rate"] == float(rows["Aggregated"]["Requests/s"])
    assert figures(state, "http_req_failed")["rate"] == 29 / 1422
    assert asked(
        state, f"select metric, status from verdicts where run_id = '{run_id}' order by metric"
    ) == [("http_req_duration", "FAIL"), ("target_answered", "PASS")]


def test_locusts_history_gives_its_time_and_users(tmp_path: Path) -> None:
    text = (FILES / "locust_stats_history.csv").read_text(encoding="utf-8")
    state, _ = stored(tmp_path, "locust", text)

    assert figures(state, "http_req_duration")["count"] == 1422
    assert figures(state, "vus")["maximum"] == 3
    first, last = (int(text.splitlines()[line].split(",")[0]) for line in (1, -1))
    assert asked(state, "select measured_s from benchmarks") == [(last - first,)]


def test_vegetas_results_are_requests(tmp_path: Path) -> None:
    state, _ = stored(tmp_path, "vegeta", RESULTS)

    rows = asked(
        state,
        "select scenario, operation, status, outcome, error, (ended_us - started_us) // 1000 "
        "from samples order by started_us",
    )
    assert rows == [
        ("vegeta", "GET http://127.0.0.1/x", 200, "ok", "", 10),
        ("vegeta", "GET http://127.0.0.1/x", 200, "ok", "", 20),
        ("vegeta", "GET http://127.0.0.1/x", 500, "failed", "status", 30),
        ("vegeta", "GET http://127.0.0.1/x", 0, "failed", "refused", 40),
    ]
    # 03:49 an hour east of UTC
    [(began_at,)] = asked(state, "select began_at from runs")
    assert began_at.isoformat() == "2026-11-24T02:49:00.500000"


def test_vegetas_report_gives_its_figures(tmp_path: Path) -> None:
    state, _ = stored(tmp_path, "vegeta", json.dumps(REPORT))

    assert figures(state, "http_req_duration") == {
        "count": 1_000, "minimum": 2.0, "average": 10.0, "median": 8.0,
        "p90": 15.0, "p95": 20.0, "p99": 30.0, "maximum": 41.0,
    }  # fmt: skip
    assert figures(state, "http_req_failed")["rate"] == pytest.approx(0.02)
    assert figures(state, "http_reqs", "status:500")["count"] == 20


def test_wrk2s_latencies_are_from_the_planned_start(tmp_path: Path) -> None:
    state, _ = stored(tmp_path, "wrk2", WRK2, {"response_time": ["p(95)<3"]})

    # 95 % stands in the spectrum only; the other percentiles in the distribution as well.
    assert figures(state, "response_time") == {
        "count": 1_000, "minimum": 0.5, "average": 2.013, "median": 1.9,
        "p90": 3.0, "p95": 3.4, "p99": 5.5, "maximum": 9.0,
    }  # fmt: skip
    assert asked(state, "select metric from summaries where metric like '%duration'") == []
    # 7 wrong answers and 3 without any, of 1,003
    assert figures(state, "http_req_failed")["rate"] == pytest.approx(10 / 1_003)
    assert ("FAIL",) in asked(state, "select status from verdicts where metric = 'response_time'")


# What wrk2 prints of a target that takes connections and never answers.
HUNG = """  Latency Distribution (HdrHistogram - Recorded Latency)
 50.000%    0.00us
 90.000%    0.00us
100.000%    0.00us
       0.000     1.000000            0          inf
#[Mean    =        0.000, StdDeviation   =        0.000]
#[Max     =        0.000, Total count    =            0]
  0 requests in 10.00s, 0.00B read
  Socket errors: connect 0, read 0, write 0, timeout 80
Requests/sec:      0.00
"""
VUS_ALONE = (
    '{"metric":"vus","type":"Point","data":{"time":"2026-11-30T10:00:00Z","value":5,"tags":null}}\n'
)
CALLS = json.dumps(
    {"metrics": {"vus": {"value": 5}, "grpc_req_duration": {"avg": 12.0, "med": 11.0, "max": 30.0}}}
)
NOTHING_SENT = {"requests": 0, "success": 0, "status_codes": {}}


@pytest.mark.parametrize(
    ("tool", "text", "answered"),
    [
        ("wrk2", HUNG, "FAIL"),
        ("vegeta", report(**NOTHING_SENT), "NO_DATA"),
        ("locust", locust("requests", "0").replace("d,3,0", "d,0,0"), "NO_DATA"),
    ],
)
def test_a_target_that_answered_nothing_passes_nothing(
    tmp_path: Path, tool: str, text: str, answered: str
) -> None:
    duration = "response_time" if tool == "wrk2" else "http_req_duration"

    state, _ = stored(tmp_path, tool, text, {duration: ["p(90)<100"]})

    judged = dict(asked(state, "select metric, status from verdicts"))
    assert judged == {duration: "NO_DATA", "target_answered": answered}


def test_a_summary_of_calls_of_grpc_alone_is_imported(tmp_path: Path) -> None:
    """k6 writes no count of iterations where each was still on when the load ended."""
    (path := tmp_path / "file").write_text(CALLS)

    read = read_summary(path, shown=path)

    medians = [figure for figure in read.reported if figure.statistic == "med"]
    assert [figure.value for figure in medians] == [11.0]


@pytest.mark.parametrize(
    ("tool", "text", "told"),
    [
        ("jmeter", JTL.replace("1700000000300", "2023/11/14"), ", line 5: it has no timeStamp"),
        ("jmeter", "1700000000000,120,log in\n", ", line 1: its first line has no timeStamp"),
        ("jmeter", "<html></html>", ": it is not a JTL: its root is <html>"),
        ("jmeter", XML.replace("</httpSample>\n</test", "<oops></test"), ", line 8: it is not XML"),
        ("jmeter", HEAD, ": it reports no request"),
        ("locust", "a,b\n1,2\n", ", line 1: it is neither Locust's _stats.csv"),
        ("vegeta", RESULTS.replace('"latency": 20', '"late": 20'), ", line 2: it is not a re"),
        ("vegeta", '{"requests": 1}', ": it is no report of vegeta: KeyError 'latencies'"),
        ("vegeta", json.dumps({**REPORT, "requests": 1e999}), ": it is no report of vegeta: Over"),
        ("vegeta", "[" * 100_000, ": it is not JSON: "),
        ("k6", '{"metrics": {"iterations": {"count": 1e999}}}', ": it is no summary of k6: Over"),
        ("k6", '{"metrics": {"iterations": {"count": NaN}}}', ": it is no summary of k6: Value"),
        ("k6", '{"metrics": {"vus": {"value": 5}}}', ": it tells of no iteration and no request"),
        ("k6", VUS_ALONE, ": it tells of no iteration and no request that ended"),
        ("wrk2", "hello\n", ": it has no latency distribution of wrk2"),
        ("wrk2", WRK2[: WRK2.index("  1000 req")], ": it ends before the line Requests/sec"),
        ("locust", "", ": it is empty"),
        ("wrk2", WRK2.replace("1.90ms", "1.9.0ms"), ": it is no output of wrk2: could not convert"),
        # A negative time keeps every bound, and a rate without end every other one.
        ("jmeter", JTL.replace(",40,log", ",-40,log"), ", line 5: it has no timeStamp"),
        ("jmeter", JTL.replace(",40,log", f",{10**18},log"), ", line 5: it has no timeStamp"),
        ("jmeter", JTL.replace("1700000000300", "1700000000"), ", line 5: it has no timeStamp"),
        ("vegeta", RESULTS.replace('"latency": 20', '"latency": -20'), ", line 2: it is not a re"),
        (
            "vegeta",
            RESULTS.replace("2026-11-24T03:49:01", "0001-11-24T03:49:01"),
            ", line 2: it is",
        ),
        ("vegeta", report(rate=1e999), ": its rate of http_reqs is inf, which cannot have been"),
        ("vegeta", report(success=2), ": its rate of http_req_failed is -1, which cannot"),
        ("vegeta", report(duration=-1), ": its load took -1e-09 s, which cannot be"),
        ("vegeta", report(earliest="0001-01-01T00:00:00+14:00"), ": its load began at 0001-01-01"),
        ("locust", locust("p95", "nan"), ", line 2: its 95% is 'nan', which cannot have been"),
        ("locust", locust("requests", "-3"), ", line 2: its Request Count is '-3', which cannot"),
        ("locust", locust("rate", "inf"), ", line 2: its Requests/s is 'inf', which cannot"),
    ],
)
def test_a_broken_file_is_answered_with_place_and_reason(
    tmp_path: Path, tool: str, text: str, told: str
) -> None:
    with pytest.raises(ForeignFileError) as refused:
        stored(tmp_path, tool, text)

    assert refused.value.sentence.startswith(f"{tmp_path / 'file'}{told}")
    assert refused.value.sentence.endswith("nothing was imported")
    assert list((tmp_path / "state" / "spool").iterdir()) == []


@pytest.mark.parametrize(
    ("tool", "text", "samples"),
    [
        ("jmeter", JTL[:-30], 4),
        ("jmeter", XML[: XML.index("<assertion")], 1),
        ("vegeta", RESULTS[:-20], 3),
    ],
    ids=["CSV", "XML", "JSON"],
)
def test_a_file_that_was_cut_off_lets_nothing_pass(
    tmp_path: Path, tool: str, text: str, samples: int
) -> None:
    state, _ = stored(tmp_path, tool, text, {"http_reqs": ["count>0"]})

    assert asked(state, "select status from benchmarks") == [("aborted",)]
    assert asked(state, "select count(*) from samples") == [(samples,)]
    assert "PASS" not in {status for (status,) in asked(state, "select status from verdicts")}


def test_the_rows_of_locust_without_its_last_are_refused(tmp_path: Path) -> None:
    text = (FILES / "locust_stats.csv").read_text(encoding="utf-8")

    with pytest.raises(ForeignFileError, match="Aggregated, is missing; it was cut off"):
        stored(tmp_path, "locust", text[: text.index(",Aggregated")])
