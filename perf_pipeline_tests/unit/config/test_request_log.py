"""When requests were made, as logs tell it; the lines are Apache's own example and written by hand.

Sources: https://httpd.apache.org/docs/2.4/logs.html#common and #combined.
"""

import json
from pathlib import Path

import pytest

from perf_pipeline.config.request_log import read_request_log

COMMON = '127.0.0.1 - frank [10/Oct/2000:13:55:{:02d} -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326'
COMBINED = f'{COMMON} "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)"'
S = 1_000_000


def written(folder: Path, *lines: str) -> Path:
    path = folder / "access.log"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("line", [COMMON, COMBINED])
def test_the_requests_of_one_second_of_a_common_log_are_spread_over_it(
    tmp_path: Path, line: str
) -> None:
    path = written(tmp_path, *(line.format(second) for second in (36, 36, 36, 36, 38)))

    log = read_request_log(path)

    # Four in the first second, none in the next, one in the third, whose end is that of the log.
    assert log.offsets_us == (0, S // 4, S // 2, 3 * S // 4, 2 * S)
    assert log.length_us == 3 * S
    assert set(log.rows) == {("GET", "/apache_pb.gif")}


def test_lines_out_of_order_are_put_in_order_and_zones_are_understood(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'h - - [10/Oct/2000:13:55:38 -0700] "GET /last HTTP/1.0" 200 1',
        'h - - [10/Oct/2000:22:55:36 +0200] "POST /first?a=b%20c HTTP/1.0" 200 1',
    )

    log = read_request_log(path)

    assert log.rows == (("POST", "/first?a=b%20c"), ("GET", "/last"))
    assert log.offsets_us == (0, 2 * S)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2026-11-01T12:00:00.250Z", "2026-11-01T13:00:01.000+01:00"),
        (1_793_534_400.25, 1_793_534_401.0),
        (1_793_534_400_250, 1_793_534_401_000),
        (1_793_534_400_250_000, 1_793_534_401_000_000),
        (1_793_534_400_250_000_000, 1_793_534_401_000_000_000),
        ("1793534400.25", "1793534401"),
    ],
)
def test_lines_of_json_tell_times_as_texts_or_as_numbers_since_1970(
    tmp_path: Path, first: object, second: object
) -> None:
    lines = ({"ts": first, "uri": "/a"}, {"ts": second, "method": "put", "uri": "/b"})
    path = written(tmp_path, *map(json.dumps, lines))

    log = read_request_log(path)

    assert log.offsets_us == (0, 750_000)
    assert log.rows == (("GET", "/a"), ("PUT", "/b"))
    assert log.length_us == 1_500_000  # a mean distance after the last one


def test_requests_of_one_moment_follow_one_another(tmp_path: Path) -> None:
    path = written(tmp_path, *['{"time": 1793534400, "path": "/"}'] * 3)

    assert read_request_log(path).offsets_us == (0, 1, 2)
    assert read_request_log(path).starts_us(3600) == [0, 1, 2]


def test_a_recording_of_a_browser_is_read(tmp_path: Path) -> None:
    entries = [
        {
            "startedDateTime": f"2026-11-01T12:00:0{second}Z",
            "request": {"method": "GET", "url": f"https://shop.example/items/{second}?q=1#top"},
        }
        for second in (0, 4)
    ]
    path = written(tmp_path, json.dumps({"log": {"version": "1.2", "entries": entries}}))

    log = read_request_log(path)

    assert log.offsets_us == (0, 4 * S)
    assert log.rows == (("GET", "/items/0?q=1"), ("GET", "/items/4?q=1"))


def test_only_requests_with_the_wanted_methods_count(tmp_path: Path) -> None:
    lines = [
        f'{{"time": {second}, "method": "{m}"}}' for second, m in enumerate(("GET", "POST") * 2)
    ]
    path = written(tmp_path, *lines)

    assert read_request_log(path, ["POST"]).offsets_us == (0, 2 * S)


def test_a_replay_that_is_faster_keeps_the_proportions(tmp_path: Path) -> None:
    path = written(tmp_path, *(f'{{"time": {second}}}' for second in (0, 10, 40)))

    assert read_request_log(path).starts_us(10) == [0, 1 * S, 4 * S]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["hello", COMMON.format(1)], "access.log line 1 is neither common log format nor JSON"),
        (
            [COMMON.format(1), COMMON.format(2).replace("Oct", "Okt")],
            "access.log line 2 is neither",
        ),
        ([COMMON.format(1), COMMON.format(2).replace("10/Oct", "31/Feb")], "line 2 is neither"),
        (['{"time": 1}', "{"], "access.log line 2 is not JSON: '{'"),
        (['{"time": 1}', "[]"], "access.log line 2 is not a JSON object"),
        (['{"time": 1}', '{"when": 2}'], "access.log line 2 tells no time; one of time, timestamp"),
        (['{"time": 1}', '{"time": "noon"}'], "access.log line 2 has the time 'noon'; write ISO"),
        (['{"time": 1}', '{"time": true}'], "access.log line 2 has the time 'True'"),
        (['{"time": 1}', '{"time": 1e400}'], "access.log line 2 has the time"),
        ([COMMON.format(1)], "access.log has 1 requests; a replay needs two"),
        ([""], "access.log has 0 requests; a replay needs two"),
        (['{"log": {"entries": [1]}}'], "access.log entry 1 of the recording has no request"),
    ],
)
def test_a_log_that_can_not_be_read_is_told_with_its_line(
    tmp_path: Path, lines: list[str], sentence: str
) -> None:
    with pytest.raises(ValueError, match="access") as caught:
        read_request_log(written(tmp_path, *lines))

    assert sentence in str(caught.value)


def test_a_log_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"access.log can't be read: No such file"):
        read_request_log(tmp_path / "access.log")
