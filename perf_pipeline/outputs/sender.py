"""Send points to a receiver that may be slow, refuse, hang or be gone, and count what is lost.

Each receiver has a thread and a bounded queue of its own: none waits for another, and nobody who
measures waits for any.
Add here: what a receiver's answer means. Keep out: what points are (seconds.py), and how they are
written (receivers.py).
"""

import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from perf_pipeline.errors import MOST_TOLD
from perf_pipeline.outputs.point import Point
from perf_pipeline.outputs.receivers import Receiver
from perf_pipeline.quoting import on_one_line
from perf_pipeline.secrecy.known import KNOWN

MOST_WAITING: Final = 200_000
"""Points that wait for a receiver; beyond it the oldest are lost."""
_BATCH: Final = 5_000
_PAUSE_S: Final = 1.0
_TIMEOUT: Final = httpx.Timeout(5.0, connect=2.0)
_ANSWERS_WITHIN_S: Final = 10.0
_MOST_ANSWER_BYTES: Final = 4_096
_LONGEST_ANSWER: Final = 200
# The request itself was right, and another try may go well (RFC 9110, RFC 6585).
_LATER: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class PointCounts:
    """Count the points of a receiver.

    Attributes:
        sent: that it took.
        lost: that it refused, or that could not wait any longer.
        waiting: that it has still to take.
    """

    sent: int
    lost: int
    waiting: int


class Sender:
    """Send batches in their order, each again and again until it is taken or refused.

    Args:
        receiver: that takes them.
        say: receives what goes wrong, and that it works again; called from another thread.
        most_waiting: points that may wait.
    """

    def __init__(
        self, receiver: Receiver, say: Callable[[str], None], most_waiting: int = MOST_WAITING
    ) -> None:
        self.receiver = receiver
        self._say = say
        self._most_waiting = most_waiting
        self._changed = threading.Condition()
        self._waiting: deque[Sequence[Point]] = deque()
        self._under_way: Sequence[Point] = ()
        self._sent = self._lost = 0
        self._trouble = ""
        self._since_s = 0.0
        self._posted_s: float | None = None
        self._told = 0
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name=receiver.kind, daemon=True)
        self._thread.start()

    @property
    def counts(self) -> PointCounts:
        """Return the counts up to now."""
        with self._changed:
            return PointCounts(self._sent, self._lost, self._count_waiting() + len(self._under_way))

    def look(self) -> None:
        """Tell of a request that a receiver takes very long to answer, byte by byte."""
        posted_s = self._posted_s
        if posted_s is not None and time.monotonic() - posted_s > _ANSWERS_WITHIN_S:
            self._note_trouble(f"no whole answer within {_ANSWERS_WITHIN_S:.0f} s", is_final=False)

    def offer(self, points: Sequence[Point]) -> None:
        """Let points wait for their turn; the oldest are lost where too many wait."""
        with self._changed:
            for begin in range(0, len(points), _BATCH):
                self._waiting.append(points[begin : begin + _BATCH])
            while len(self._waiting) > 1 and self._count_waiting() > self._most_waiting:
                self._lost += len(self._waiting.popleft())
            self._changed.notify()

    def offer_no_more(self) -> None:
        """Let the thread end when it has sent what waits."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()

    def end(self, within_s: float) -> str:
        """Send what waits, for a while, and say in one sentence how many points came through."""
        self.offer_no_more()
        self._thread.join(max(0.0, within_s))
        with self._changed:
            self._lost += self._count_waiting() + len(self._under_way)
            self._waiting.clear()
            self._under_way = ()
            total = self._sent + self._lost
        if not self._lost:
            return f"{self.receiver.shown} took all {total:,} points"
        why = f" ({self._trouble})" if self._trouble else ""
        return f"{self.receiver.shown}: {self._lost:,} of {total:,} points were lost{why}"

    def _count_waiting(self) -> int:
        return sum(map(len, self._waiting))

    def _run(self) -> None:
        # Don't use the environment's proxy: connect only to the address that was checked.
        context = ssl.create_default_context()
        with httpx.Client(timeout=_TIMEOUT, trust_env=False, verify=context) as client:
            while self._take():
                self._deliver(client)

    def _take(self) -> bool:
        """Wait for a batch; return False when all was sent and no more comes."""
        with self._changed:
            while not self._waiting:
                if self._is_ending:
                    return False
                self._changed.wait()
            self._under_way = self._waiting.popleft()
        return True

    def _deliver(self, client: httpx.Client) -> None:
        while True:
            trouble, is_final = self._post(client)
            if not trouble:
                self._note_success()
                break
            self._note_trouble(trouble, is_final=is_final)
            if is_final:
                break
            time.sleep(_PAUSE_S)

    def _post(self, client: httpx.Client) -> tuple[str, bool]:
        """Send the batch; return what went wrong, and whether another try would go wrong, too."""
        receiver = self.receiver
        self._posted_s = time.monotonic()
        try:
            body = receiver.write(self._under_way)
            with client.stream(
                "POST", receiver.url, content=body, headers=receiver.headers
            ) as answer:
                said = _beginning_of(answer)
        except httpx.TransportError as error:
            return f"no answer: {str(error) or type(error).__name__}", False
        except Exception as error:  # noqa: BLE001 - the thread goes on, and its points are counted
            return f"they can't be sent: {type(error).__name__}", True
        finally:
            self._posted_s = None
        if answer.is_success:
            return "", False
        status = answer.status_code
        told = f"it answers {status}{f', {said!r}' if said else ''}{_remedy(receiver, status)}"
        return told, status < 500 and status not in _LATER

    def _note_success(self) -> None:
        with self._changed:
            self._sent += len(self._under_way)
            self._under_way = ()
            trouble, self._trouble = self._trouble, ""
        if trouble:
            after_s = time.monotonic() - self._since_s
            self._tell(f"{self.receiver.shown} takes points again, after {after_s:.0f} s")

    def _note_trouble(self, trouble: str, *, is_final: bool) -> None:
        trouble = KNOWN.mask(trouble)
        with self._changed:
            is_new = trouble != self._trouble
            if not self._trouble:
                self._since_s = time.monotonic()
            self._trouble = trouble
            if is_final:
                self._lost += len(self._under_way)
                self._under_way = ()
        if is_new:
            what = "they are lost" if is_final else f"up to {self._most_waiting:,} wait for it"
            self._tell(
                f"{self.receiver.shown} does not take points ({self._trouble}); {what}, and the "
                "run goes on"
            )

    def _tell(self, sentence: str) -> None:
        self._told += 1
        if self._told <= MOST_TOLD:
            self._say(sentence)


def _beginning_of(answer: httpx.Response) -> str:
    """Read the first line of an answer, and no more of one that never ends."""
    read, until_s = b"", time.monotonic() + _ANSWERS_WITHIN_S
    for part in answer.iter_raw():
        read += part[:_MOST_ANSWER_BYTES]
        if len(read) >= _MOST_ANSWER_BYTES or time.monotonic() > until_s:
            break
    text = read.decode(errors="replace").strip()
    return on_one_line(text.partition("\n")[0], _LONGEST_ANSWER)


def _remedy(receiver: Receiver, status: int) -> str:
    if status in {401, 403}:
        return f"; is {receiver.token_variable} set and right?"
    if status == 404:
        return "; is its path right, and the database there?"
    if 300 <= status < 400:
        return ", which leads elsewhere; name that address"
    return ""
