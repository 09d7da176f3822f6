import asyncio
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import LedgerEvent, Outcome
from perf_pipeline.metrics.trace_ids import trace_id
from perf_pipeline.workloads.users import CreateUser, DeleteUser, ReadUser
from perf_pipeline_tests.support.loads.http_worker import INTENDED_US, an_iteration, context, run
from perf_pipeline_tests.support.loads.in_memory import MemoryRecorder
from perf_pipeline_tests.support.servers import users_server
from perf_pipeline_tests.support.servers.http_target import HttpTarget

ALL_FOUR = 0b1111


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    command = [sys.executable, users_server.__file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://{users_server.HOST}:{int(server.stdout.readline())}"
        finally:
            server.kill()


def created_ids(base_url: str, scenario: str, count: int) -> list[str]:
    iterations = [an_iteration(number=number, scenario=scenario) for number in range(count)]
    recorder = run(CreateUser(), context(base_url, ledger=True), *iterations)
    return [e.message_id for e in recorder.entries if e.event is LedgerEvent.INTENDED]


def status_of(url: str) -> int:
    """Ask with a client of another make."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 (loopback)
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_created_user_passes_all_checks_and_is_promised_a_message(base_url: str) -> None:
    recorder = run(CreateUser(), context(base_url, ledger=True), an_iteration(scenario="create"))

    (sample,) = recorder.samples
    assert (sample.outcome, sample.status, sample.error) == (Outcome.OK, 201, "")
    assert (sample.checks_passed, sample.checks_failed) == (ALL_FOUR, 0)
    assert sample.intended_us == INTENDED_US < sample.started_us < sample.ended_us
    assert sample.bytes_out > 100
    assert sample.bytes_in > 100
    intended, started, acknowledged = recorder.entries
    assert (intended.event, intended.at_us) == (LedgerEvent.INTENDED, INTENDED_US)
    assert (started.event, started.at_us) == (LedgerEvent.STARTED, sample.started_us)
    assert (acknowledged.event, acknowledged.at_us) == (LedgerEvent.ACKNOWLEDGED, sample.ended_us)
    assert intended.message_id == started.message_id == acknowledged.message_id
    assert status_of(f"{base_url}/user/{intended.message_id}") == 200


def test_a_request_is_split_into_phases_that_add_up_to_its_service_time(base_url: str) -> None:
    both = run(CreateUser(), context(base_url), an_iteration(number=0), an_iteration(number=1))

    first, second = both.samples
    assert first.connecting_us > 0
    assert (second.blocked_us, second.connecting_us, second.tls_us) == (0, 0, 0)
    for sample in both.samples:
        parts_us = sample.sending_us + sample.waiting_us + sample.receiving_us
        assert parts_us == sample.ended_us - sample.started_us


def test_what_the_target_says_of_its_database_is_a_station_before_the_answer(
    base_url: str,
) -> None:
    """The server says db;dur=0.05: queried is 50 us before the answer."""
    recorder = run(
        CreateUser(), context(f"{base_url}/timed", ledger=True), an_iteration(scenario="timed")
    )

    (sample,) = recorder.samples
    events = {entry.event: entry.at_us for entry in recorder.entries}
    assert list(events) == [
        LedgerEvent.INTENDED,
        LedgerEvent.STARTED,
        LedgerEvent.QUERIED,
        LedgerEvent.ACKNOWLEDGED,
    ]
    assert events[LedgerEvent.QUERIED] == sample.ended_us - 50  # no request is faster


def test_without_the_ledger_parameter_nothing_is_promised(base_url: str) -> None:
    assert not run(CreateUser(), context(base_url), an_iteration(scenario="quiet")).entries


def test_no_two_iterations_create_the_same_email(base_url: str) -> None:
    """The pairs are those that glued numbers confuse: 1 and 11, 11 and 1, 111 and 1 ..."""
    numbers = (1, 11, 111)
    iterations = [an_iteration(vu, n, scenario="pairs") for vu in numbers for n in numbers]

    recorder = run(CreateUser(), context(base_url), *iterations)

    assert Counter(sample.status for sample in recorder.samples) == {201: 9}


def test_an_email_that_exists_is_a_failed_request_with_the_class_status(base_url: str) -> None:
    same = an_iteration(scenario="same")

    first, second = run(CreateUser(), context(base_url, ledger=True), same, same).samples

    assert (first.outcome, second.outcome) == (Outcome.OK, Outcome.FAILED)
    assert (second.status, second.error) == (409, "status")
    # status, id and email are wrong, the duration is right: bit 2
    assert (second.checks_passed, second.checks_failed) == (0b0100, 0b1011)


@pytest.mark.parametrize(
    ("mode", "outcome", "status", "error", "failed"),
    [
        ("/answer-500", Outcome.FAILED, 500, "status", 0b1011),
        ("/other-answer", Outcome.OK, 201, "", 0b1010),
        ("/slow", Outcome.OK, 201, "", 0b0100),
        ("/stall", Outcome.TIMEOUT, 0, "timeout", ALL_FOUR),
    ],
)
def test_a_failing_check_is_no_failed_request_and_a_bad_status_is(
    base_url: str, mode: str, outcome: Outcome, status: int, error: str, failed: int
) -> None:
    given = context(base_url + mode, timeout_us=300_000 if mode == "/stall" else 9_000_000)

    (sample,) = run(CreateUser(), given, an_iteration(scenario=mode.strip("/"))).samples

    assert (sample.outcome, sample.status, sample.error) == (outcome, status, error)
    assert (sample.checks_passed, sample.checks_failed) == (ALL_FOUR ^ failed, failed)


def test_reads_draw_from_the_workers_own_share_and_equal_seeds_draw_equally(
    base_url: str, tmp_path: Path
) -> None:
    ids_file = tmp_path / "ids.txt"
    # Only worker 1's lines exist in the target.
    ids_file.write_text("\n".join(f"none\n{i}" for i in created_ids(base_url, "reads", 5)))
    iterations = [an_iteration(number=number) for number in range(20)]

    own = run(ReadUser(), context(base_url, worker=1, workers=2, ids_file=ids_file), *iterations)
    other = run(ReadUser(), context(base_url, worker=0, workers=2, ids_file=ids_file), *iterations)

    assert {sample.status for sample in own.samples} == {200}
    assert {sample.checks_passed for sample in own.samples} == {0b11}
    assert {(s.status, s.outcome, s.error) for s in other.samples} == {
        (404, Outcome.FAILED, "status")
    }


def test_each_id_is_deleted_once_and_404_is_right_when_they_ran_out(
    base_url: str, tmp_path: Path
) -> None:
    ids = created_ids(base_url, "deletes", 4)
    ids_file = tmp_path / "ids.txt"
    ids_file.write_text("\n".join(ids))
    iterations = [an_iteration(vu, number) for number in range(3) for vu in (1, 2)]

    samples = run(DeleteUser(), context(base_url, ids_file=ids_file), *iterations).samples

    assert [sample.status for sample in samples] == [200, 200, 200, 200, 404, 404]
    assert {sample.outcome for sample in samples} == {Outcome.OK}
    assert {(sample.checks_passed, sample.checks_failed) for sample in samples} == {(1, 0)}
    assert {status_of(f"{base_url}/user/{user_id}") for user_id in ids} == {404}


def test_two_workers_delete_different_users(base_url: str, tmp_path: Path) -> None:
    ids_file = tmp_path / "ids.txt"
    ids_file.write_text("\n".join(created_ids(base_url, "shares", 5)))
    shares = [
        run(
            DeleteUser(),
            context(base_url, worker=worker, workers=2, ids_file=ids_file),
            *(an_iteration(number=number) for number in range(count)),
        ).samples
        for worker, count in ((0, 3), (1, 2))
    ]

    assert [sample.status for share in shares for sample in share] == [200] * 5


def test_too_few_ids_for_all_workers_are_refused_before_the_load(
    base_url: str, tmp_path: Path
) -> None:
    ids_file = tmp_path / "ids.txt"
    ids_file.write_text("1\n")

    with pytest.raises(TargetUnavailableError, match=r"ids.txt has 1 ids, too few for 2 workers"):
        run(ReadUser(), context(base_url, worker=1, workers=2, ids_file=ids_file))


def test_a_target_that_is_down_is_told_before_the_load() -> None:
    with pytest.raises(TargetUnavailableError) as refusal:
        run(CreateUser(), context("http://127.0.0.1:1"))

    assert refusal.value.sentence == (
        "http://127.0.0.1:1 accepts no connection: refused (tried for up to 10s)"
    )


def test_thinking_comes_after_the_sample_and_within_its_bounds(base_url: str) -> None:
    given = context(base_url, think_time_us=[100_000, 200_000])
    iterations = [an_iteration(number=number, scenario="think") for number in range(3)]

    first, second, third = run(CreateUser(), given, *iterations).samples

    for before, after in ((first, second), (second, third)):
        assert 100_000 <= after.started_us - before.ended_us < 1_500_000


def test_an_interrupted_request_is_recorded_and_the_cancellation_goes_on(
    target: HttpTarget,
) -> None:
    given = context(target.base_url + "/stall", ledger=True)
    workload = CreateUser()

    async def main() -> None:
        await workload.open(given)
        task = asyncio.create_task(workload.iterate(an_iteration()))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await workload.close()

    asyncio.run(main())
    assert isinstance(given.recorder, MemoryRecorder)
    (sample,) = given.recorder.samples

    assert (sample.outcome, sample.status, sample.error) == (Outcome.INTERRUPTED, 0, "")
    assert (sample.checks_passed, sample.checks_failed) == (0, 0)
    assert sample.bytes_out > 100
    assert 50_000 < sample.ended_us - sample.started_us < 2_000_000
    assert not given.recorder.entries


def test_a_user_cut_off_while_thinking_leaves_one_finished_sample(base_url: str) -> None:
    given = context(base_url, think_time_us=[60_000_000, 60_000_000])
    workload = CreateUser()

    async def main() -> None:
        await workload.open(given)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workload.iterate(an_iteration(scenario="cut")), 0.5)
        await workload.close()

    asyncio.run(main())
    assert isinstance(given.recorder, MemoryRecorder)

    assert [sample.outcome for sample in given.recorder.samples] == [Outcome.OK]


def test_a_resent_request_is_ok_and_says_that_it_was_resent(
    target: HttpTarget, tmp_path: Path
) -> None:
    ids_file = tmp_path / "ids.txt"
    ids_file.write_text("1\n")
    given = context(target.base_url + "/stale", ids_file=ids_file)

    first, second = run(ReadUser(), given, an_iteration(), an_iteration(number=1)).samples

    assert (first.outcome, first.error) == (Outcome.OK, "")
    assert (second.outcome, second.error) == (Outcome.OK, "resent")


def test_headers_and_the_token_are_sent_and_ids_are_percent_encoded(
    target: HttpTarget, tmp_path: Path
) -> None:
    ids_file = tmp_path / "ids.txt"
    ids_file.write_text("a/b?c\n")
    given = context(
        target.base_url + "/ok",
        ids_file=ids_file,
        headers={"accept": "*/*", "X-Team": "blue"},
        secrets={"bearer_token": "t0k3n"},
    )

    run(ReadUser(), given, an_iteration())
    arrived = target.requests[-1]

    assert arrived.path == "/ok/user/a%2Fb%3Fc"
    assert arrived.headers["authorization"] == "Bearer t0k3n"
    assert (arrived.headers["accept"], arrived.headers["x-team"]) == ("*/*", "blue")


def test_every_request_of_an_iteration_carries_its_trace_where_the_scenario_asks_for_it(
    target: HttpTarget, tmp_path: Path
) -> None:
    ids_file = tmp_path / "ids.txt"
    ids_file.write_text("1\n")
    given: dict[str, Any] = {"ids_file": ids_file, "run": "r1/api", "trace": True}
    target.requests.clear()

    for workload in (CreateUser(), ReadUser(), DeleteUser()):
        run(workload, context(target.base_url + "/ok", **given), an_iteration(number=7))
        run(workload, context(target.base_url + "/ok", ids_file=ids_file), an_iteration())

    traced, plain = target.requests[::2], target.requests[1::2]
    seen = [request.headers["traceparent"].split("-") for request in traced]
    assert [(trace, flags) for _, trace, _, flags in seen] == 3 * [
        (trace_id("r1/api", "s", 1, 7), "01")
    ]
    assert not any("traceparent" in request.headers for request in plain)


@pytest.mark.parametrize(
    "parameters",
    [{"headers": {"X-A": "s3cret\r\nX-B: 1"}}, {"base_url": "http://user:s3cret@127.0.0.1:1"}],
    ids=["line-break-in-a-header", "password-in-the-url"],
)
def test_a_wrong_parameter_is_refused_without_repeating_a_secret(
    parameters: dict[str, Any], target: HttpTarget
) -> None:
    given = context(**({"base_url": target.base_url} | parameters))

    with pytest.raises(ValueError, match=r"header|base_url") as refusal:
        run(CreateUser(), given)

    assert "s3cret" not in str(refusal.value)
