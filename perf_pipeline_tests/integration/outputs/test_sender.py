"""Receivers that take points, refuse them, come back, hang, or are not there."""

import time
from queue import SimpleQueue

import pytest

from perf_pipeline.outputs import sender as sending
from perf_pipeline.outputs.point import Point, PointSeries
from perf_pipeline.outputs.receivers import receiver_of
from perf_pipeline.outputs.sender import Sender
from perf_pipeline_tests.support.servers.point_receiver import point_receiver

VUS = PointSeries("k6", "vus", "gauge", ())
POINTS = [Point(VUS, 1_000 * second, 1.0) for second in range(10)]


class Told(SimpleQueue[str]):
    """Keep sentences."""

    def all(self) -> list[str]:
        return [self.get() for _ in range(self.qsize())]


def sender_to(url: str, told: Told, *, kind: str = "influxdb", token: str = "") -> Sender:
    variables = {f"PERF_OUT_{kind.upper()}_TOKEN": token}
    return Sender(receiver_of(kind, url, variables, 0), told.put, most_waiting=20)


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_PAUSE_S", 0.05)


def test_all_points_are_taken_and_that_is_said() -> None:
    told = Told()
    with point_receiver() as receiver:
        sender = sender_to(f"{receiver.url}/write?db=x", told)
        sender.offer(POINTS)
        sentence = sender.end(20.0)

    assert sentence == f"influxdb at {receiver.url} took all 10 points"
    assert told.all() == []
    assert [taken.path for taken in receiver.taken] == ["/write?db=x"]


@pytest.mark.parametrize(
    ("kind", "token", "sent"),
    [
        ("influxdb", "abc123token", "Token abc123token"),
        # RFC 7617: base64 of user:password.
        ("influxdb", "Aladdin:open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("prometheus", "abc123token", "Bearer abc123token"),
        ("otel", "abc123token", "Bearer abc123token"),
    ],
)
def test_a_token_of_the_environment_is_sent_as_its_receiver_wants_it(
    kind: str, token: str, sent: str
) -> None:
    with point_receiver() as receiver:
        sender = sender_to(receiver.url, Told(), kind=kind, token=token)
        sender.offer(POINTS)
        sender.end(20.0)

    assert receiver.taken[0].headers["Authorization"] == sent


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "it answers 400, 'partial write'"),
        (401, "it answers 401, 'partial write'; is PERF_OUT_INFLUXDB_TOKEN set and right?"),
        (404, "it answers 404, 'partial write'; is its path right, and the database there?"),
        (302, "it answers 302, 'partial write', which leads elsewhere; name that address"),
    ],
)
def test_a_refusal_is_told_once_and_its_points_are_counted_as_lost(status: int, said: str) -> None:
    told = Told()
    with point_receiver(lambda _: (status, "partial write\nmore")) as receiver:
        sender = sender_to(receiver.url, told)
        sender.offer(POINTS)
        receiver.wait_for(1)
        sender.offer(POINTS[:5])
        sentence = sender.end(20.0)

    where = f"influxdb at {receiver.url}"
    assert told.all() == [
        f"{where} does not take points ({said}); they are lost, and the run goes on"
    ]
    assert sentence == f"{where}: 15 of 15 points were lost ({said})"
    assert len(receiver.taken) == 2


def test_a_receiver_that_comes_back_gets_the_points_that_waited() -> None:
    told = Told()
    with point_receiver(lambda n: (503, "") if n < 2 else (204, "")) as receiver:
        sender = sender_to(receiver.url, told)
        sender.offer(POINTS)
        receiver.wait_for(3)
        sentence = sender.end(20.0)

    where = f"influxdb at {receiver.url}"
    first, second = told.all()
    assert first == (
        f"{where} does not take points (it answers 503); up to 20 wait for it, and the run goes on"
    )
    assert second.startswith(f"{where} takes points again, after ")
    assert sentence == f"{where} took all 10 points"
    assert len({taken.body for taken in receiver.taken}) == 1


def test_one_that_is_not_there_loses_the_oldest_points_beyond_those_that_may_wait() -> None:
    told = Told()
    with point_receiver() as receiver:
        url = receiver.url  # nobody listens there any more
    sender = sender_to(url, told)
    for _ in range(5):
        sender.offer(POINTS)
    said = told.get(timeout=20.0)
    sentence = sender.end(0.2)

    assert told.all() == []
    assert said.startswith(f"influxdb at {url} does not take points (no answer: ")
    assert sentence.startswith(f"influxdb at {url}: 50 of 50 points were lost (no answer: ")
    assert sender.counts.lost == 50


def test_an_answer_without_an_end_is_not_read_to_its_end() -> None:
    told = Told()
    with point_receiver(lambda _: (400, "x" * 10_000_000)) as receiver:
        sender = sender_to(receiver.url, told)
        sender.offer(POINTS)
        sentence = sender.end(20.0)

    assert "10 of 10 points were lost (it answers 400, 'xxx" in sentence
    assert len(sentence) < 400


def test_what_can_not_be_written_is_lost_and_the_next_points_are_sent() -> None:
    told = Told()
    odd = [Point(PointSeries("k6", "vus", "gauge", (("name", "\udcff"),)), 1, 1.0)]
    with point_receiver() as receiver:
        sender = sender_to(receiver.url, told, kind="prometheus")
        sender.offer(odd)
        sender.offer(POINTS)
        sentence = sender.end(20.0)

    assert told.all()[0].startswith(
        f"prometheus at {receiver.url} does not take points (they can't be sent: Unicode"
    )
    assert sentence == f"prometheus at {receiver.url}: 1 of 11 points were lost"


def test_one_that_hangs_makes_nobody_wait() -> None:
    with point_receiver(delay_s=3.0) as receiver:
        sender = sender_to(receiver.url, Told())
        began_s = time.monotonic()
        for _ in range(100):
            sender.offer(POINTS)
        offered_s = time.monotonic() - began_s
        sentence = sender.end(0.1)
        took_s = time.monotonic() - began_s

    assert offered_s < 1.0
    assert took_s < 2.0
    assert sentence == f"influxdb at {receiver.url}: 1,000 of 1,000 points were lost"
