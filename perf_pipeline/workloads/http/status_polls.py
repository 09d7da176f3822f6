"""Deliveries that show over HTTP: the state of each promised message is asked for at a pace.

Polls are load of their own; their pace stands in the profile. They go over a few connections of
the driver's own, to the addresses that were checked.
Add here: another sign in an answer that a message is completed. Keep out: the load's requests.
"""

import heapq
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from perf_pipeline.config.json_path import parse_json_path
from perf_pipeline.config.json_values import read_json, same_json, value_at
from perf_pipeline.config.own_deliveries import MESSAGE, Deliveries
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.completion import Completion, moment_us
from perf_pipeline.workloads.http.plain_client import PlainAnswer, PlainClient

_AT_ONCE: Final = 4
_IDLE_S: Final = 0.02
_LOOK_US: Final = 100_000  # between two looks for new promises
_NO_TIME: Final = "the answer for a completed message has no time where `time` says"
_PROBE_ID: Final = "perf-pipeline-no-such-message"


@dataclass(slots=True)
class _Watched:
    """Hold a message whose completion nobody has seen yet.

    Attributes:
        message_id: the message id of the message.
        not_done_us: the latest moment at which it was surely not completed.
    """

    message_id: str
    not_done_us: int


class StatusPolls:
    """Ask for the state of each promised message until it is completed.

    Args:
        make_client: gives a client of one thread.
        deliveries: path, what a completed message's answer is like, and the pace.
        promised: gives the messages that were promised since it was asked last, each with the
            moment of the promise on our clock.
        now_us: our clock.
        headers: sent with each poll.
        place: in the profile, for sentences.
    """

    def __init__(
        self,
        make_client: Callable[[], PlainClient],
        deliveries: Deliveries,
        promised: Callable[[], list[tuple[str, int]]],
        now_us: Callable[[], int],
        headers: Mapping[str, str],
        place: str,
    ) -> None:
        self.oddities: list[str] = []
        self._make_client, self._promised, self._now_us = make_client, promised, now_us
        self._headers, self._place = headers, place
        self._path, self._every_us = deliveries.path, deliveries.every_us
        self._statuses = frozenset(deliveries.status or (200,))
        self._done = [(parse_json_path(at), value) for at, value in deliveries.done.items()]
        self._moment = parse_json_path(deliveries.time) if deliveries.time else None
        self._due: list[tuple[int, int, _Watched]] = []
        self._number = 0
        self._known: set[str] = set()
        self._found: list[Completion] = []
        self._failures: dict[str, int] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._looking, self._look_us = threading.Lock(), 0
        self._threads = [
            threading.Thread(target=self._poll, name=f"polls-{number}", daemon=True)
            for number in range(_AT_ONCE)
        ]

    def require(self) -> None:
        """See whether the API answers, and that it does not call an unknown message completed.

        Raises:
            TargetUnavailableError: it does not answer, or it does.
        """
        client = self._make_client()
        try:
            answer = client.get(self._path_of(_PROBE_ID), self._headers)
        except OSError as error:
            raise TargetUnavailableError(
                f"{self._place}: GET {self._path_of(_PROBE_ID)} got no answer: {error}",
                hint="start the target, or correct its address",
            ) from None
        finally:
            client.close()
        if answer.status in {401, 403}:
            raise TargetUnavailableError(
                f"{self._place}: GET {self._path_of(_PROBE_ID)} answered {answer.status}",
                hint="polls need the rights to see a message: auth or headers of deliveries",
            )
        if self._is_done(answer):
            raise TargetUnavailableError(
                f"{self._place}: the answer for a message that does not exist looks completed "
                f"(status {answer.status})",
                hint='write done, such as { "$.state" = "done" }, or another status',
            )

    def begin(self) -> None:
        """Begin to poll for whatever is promised."""
        for thread in self._threads:
            thread.start()

    def read(self, message_ids: Collection[str]) -> list[Completion]:
        """Give what was seen so far."""
        del message_ids  # the ledger tells them as they are promised
        with self._lock:
            return list(self._found)

    def end(self) -> None:
        """Stop polling, and report polls that failed."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(2 * _AT_ONCE)
        for why, count in self._failures.items():
            self.oddities.append(f"{count:,} polls of {self._place} failed: {why}")

    def _poll(self) -> None:
        client = self._make_client()
        try:
            while not self._stop.is_set():
                watched = self._next()
                if watched is None:
                    time.sleep(_IDLE_S)
                else:
                    self._ask(client, watched)
        finally:
            client.close()

    def _next(self) -> _Watched | None:
        """Take the message whose poll is due, if one is."""
        self._take_promises()
        with self._lock:
            if not self._due or self._due[0][0] > self._now_us():
                return None
            return heapq.heappop(self._due)[2]

    def _take_promises(self) -> None:
        """Learn of new promises; by one thread at a time, while the others go on polling."""
        if self._now_us() < self._look_us or not self._looking.acquire(blocking=False):
            return
        try:
            fresh = self._promised()
            self._look_us = self._now_us() + _LOOK_US
        finally:
            self._looking.release()
        with self._lock:
            for message_id, at_us in fresh:
                if message_id not in self._known:
                    self._known.add(message_id)
                    self._schedule(_Watched(message_id, at_us), self._now_us())

    def _schedule(self, watched: _Watched, at_us: int) -> None:
        self._number += 1
        heapq.heappush(self._due, (at_us, self._number, watched))

    def _ask(self, client: PlainClient, watched: _Watched) -> None:
        sent_us, why, completion = self._now_us(), "", None
        try:
            answer = client.get(self._path_of(watched.message_id), self._headers)
        except OSError as error:
            why, is_over = error.strerror or str(error) or type(error).__name__, False
        else:
            seen_us, is_over = self._now_us(), self._is_done(answer)
            if is_over:
                completion = self._completion(watched, answer, seen_us)
                why = "" if completion else _NO_TIME
            elif answer.status >= 500:
                why = f"status {answer.status}"
            else:
                watched.not_done_us = sent_us
        with self._lock:
            if why:
                self._failures[why] = self._failures.get(why, 0) + 1
            if completion is not None:
                self._found.append(completion)
            if not is_over:
                self._schedule(watched, sent_us + self._every_us)

    def _completion(
        self, watched: _Watched, answer: PlainAnswer, seen_us: int
    ) -> Completion | None:
        if self._moment is None:
            slack_us = max(0, seen_us - watched.not_done_us)
            return Completion(watched.message_id, seen_us, is_ours=True, slack_us=slack_us)
        at_us = moment_us(value_at(read_json(answer.body), self._moment))
        return None if at_us is None else Completion(watched.message_id, at_us)

    def _is_done(self, answer: PlainAnswer) -> bool:
        if answer.status not in self._statuses:
            return False
        document = read_json(answer.body) if self._done else None
        return all(same_json(value_at(document, place), value) for place, value in self._done)

    def _path_of(self, message_id: str) -> str:
        return self._path.replace(MESSAGE, quote(message_id, safe=""))
