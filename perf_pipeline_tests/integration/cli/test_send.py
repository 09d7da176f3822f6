"""The figures of stored runs are sent elsewhere: `perf-pipeline send`."""

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.histories.synthetic_history import API, Made, add_runs, api_runs
from perf_pipeline_tests.support.servers.point_receiver import point_receiver


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Give a history of three good runs and one whose generator was the limit."""
    folder = tmp_path_factory.mktemp("sent")
    add_runs(folder, [*api_runs(80.0, 81.0, 82.0), Made({API: 999.0}, valid=False)])
    return CommandLine(folder)


def test_all_runs_are_sent_in_their_order_but_for_what_is_invalid(command: CommandLine) -> None:
    with point_receiver() as receiver:
        answer = command.here("send", f"--out=prometheus={receiver.url}")
    figures = [
        point
        for point in receiver.remote_writes
        if point.labels.get("metric") == "http_req_duration"
        and point.labels["statistic"] == "p(95)"
    ]

    assert answer.code == 0, answer.err
    assert [point.value for point in figures] == [80.0, 81.0, 82.0]
    assert [point.at_ms for point in figures] == sorted({point.at_ms for point in figures})
    assert (
        answer.out
        == f"prometheus at {receiver.url} took all {len(receiver.remote_writes)} points\n"
    )


def test_one_run_can_be_named_by_the_beginning_of_its_id(command: CommandLine) -> None:
    run_id = command.value("select min(run_id) from runs")
    with point_receiver() as receiver:
        command.here("send", run_id, f"--out=prometheus={receiver.url}")

    assert {point.value for point in receiver.remote_writes if "metric" in point.labels} >= {80.0}
    assert 81.0 not in {point.value for point in receiver.remote_writes}


def test_runs_that_are_named_are_sent_in_the_order_of_their_times(command: CommandLine) -> None:
    newest, oldest = (
        command.value(f"select {which}(run_id) from runs") for which in ("max", "min")
    )
    with point_receiver() as receiver:
        command.here("send", newest, oldest, newest, f"--out=prometheus={receiver.url}")
    verdicts = [
        point
        for point in receiver.remote_writes
        if (point.name, point.labels.get("status")) == ("perf_run_verdicts", "PASS")
    ]

    assert len(verdicts) == 2
    assert verdicts[0].at_ms < verdicts[1].at_ms


def test_what_a_receiver_refuses_is_told_and_ends_with_97(command: CommandLine) -> None:
    with point_receiver(lambda _: (400, "out of bounds")) as receiver:
        answer = command.here("send", f"--out=prometheus={receiver.url}")

    assert answer.code == 97
    assert "points were lost (it answers 400, 'out of bounds')" in answer.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "say where to: --out KIND=URL, or PERF_OUT"),
        (["--out=otel=http://192.0.2.7"], "192.0.2.7 (otel of [out]) is neither this machine nor"),
        (["nobody", "--out=otel=http://127.0.0.1:1"], "nobody"),
    ],
)
def test_what_can_not_be_sent_is_told_and_nothing_is(
    command: CommandLine, arguments: list[str], told: str
) -> None:
    answer = command.here("send", *arguments)

    assert answer.code == 104
    assert told in answer.err
