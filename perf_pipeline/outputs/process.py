"""The process that sends a run's figures: it reads the spool, and no load waits for it.

It gets lines of JSON on its standard input: first how to begin, then how far the load is once a
second, and that a load is over, whose files it reads at once; the end of its input is the end of
the run. Each second it answers with a line of JSON: counts by receiver, sentences for people, and
the folder of the load that is over.
Add here: nothing but this conversation. Keep out: who starts it (beside.py).
"""

import json
import os
import select
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from perf_pipeline.errors import MOST_TOLD, PerfPipelineError
from perf_pipeline.outputs.following import Following
from perf_pipeline.outputs.point import ENDED, Point, PointSeries
from perf_pipeline.outputs.receivers import receiver_of
from perf_pipeline.outputs.sender import Sender
from perf_pipeline.outputs.series_limit import SeriesLimit

LOOK_EVERY_S: Final = 1.0
END_WITHIN_S: Final = 3.0
_NICE: Final = 10
# Without it, a graph of Prometheus goes on at the last value for five minutes.
ENDED_FOR: Final = "prometheus"


class Sending:
    """Follow the benchmark that is under way, and send what is new of it.

    Args:
        order: `outs` (kind -> URL), `labels` of every series, `began_ms`.
        environment: holds the tokens.
    """

    def __init__(self, order: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._labels: dict[str, str] = order["labels"]
        self._sentences: SimpleQueue[str] = SimpleQueue()
        self._limit = SeriesLimit()
        self._following: Following | None = None
        self._folder: Path | None = None
        self._seen: set[PointSeries] = set()
        self._senders = {
            kind: Sender(
                receiver_of(kind, url, environment, order["began_ms"]), self._sentences.put
            )
            for kind, url in order["outs"].items()
        }

    def note(self, told: Mapping[str, Any]) -> None:
        """Take in that a benchmark has begun, or how far its load is.

        Args:
            told: `folder` of the benchmark, below that of its run; `origin_ms` since 1970; and of
                a load `at_ms` with its `figures`.
        """
        folder = Path(told["folder"])
        if self._following is None or folder != self._folder:
            self._finish()
            labels = {**self._labels, "testid": folder.parent.name, "benchmark": folder.name}
            self._following = Following(folder, labels, told["origin_ms"])
            self._folder = folder
        if "figures" in told:
            self._offer(self._following.progress(told["figures"], told["at_ms"]))

    def look(self) -> None:
        """Send what is new."""
        if self._following is not None:
            self._offer_new(self._following, _now_ms())

    def end(self) -> None:
        """Send the rest, within a while, and say how many points came through."""
        self._finish()
        for sender in self._senders.values():
            sender.offer_no_more()
        until_s = time.monotonic() + END_WITHIN_S
        for sender in self._senders.values():
            self._sentences.put(sender.end(until_s - time.monotonic()))
        if self._limit.left_out:
            self._sentences.put(
                f"{self._limit.left_out:,} points were not sent, because their series were beyond "
                "the limit"
            )

    def status(self) -> dict[str, Any]:
        """Return what is known of each receiver, and new sentences."""
        for sender in self._senders.values():
            sender.look()
        sentences = []
        while not self._sentences.empty():
            sentences.append(self._sentences.get())
        if told := self._limit.heard():
            sentences.append(told)
        counts = {kind: sender.counts for kind, sender in self._senders.items()}
        return {
            "receivers": {
                kind: {
                    "sent": its.sent,
                    "lost": its.lost + self._limit.left_out,
                    "waiting": its.waiting,
                }
                for kind, its in counts.items()
            },
            "sentences": sentences[:MOST_TOLD],
        }

    def _offer_new(self, following: Following, now_ms: int | None) -> None:
        try:
            self._offer(following.look(now_ms))
        except (OSError, PerfPipelineError) as error:
            told = error.sentence if isinstance(error, PerfPipelineError) else str(error)
            self._sentences.put(f"what was measured can't be sent: {told}; the run goes on")

    def _offer(self, points: Iterable[Point]) -> None:
        allowed = list(self._limit.allowed(points))
        self._seen.update(point.series for point in allowed)
        for sender in self._senders.values() if allowed else ():
            sender.offer(allowed)

    def _finish(self) -> None:
        """Send the rest of the benchmark before, and that its series have ended."""
        if self._following is None:
            return
        self._offer_new(self._following, None)
        now_ms = _now_ms()
        if ENDED_FOR in self._senders:
            ended = [Point(series, now_ms, ENDED) for series in self._seen]
            self._senders[ENDED_FOR].offer(ended)
        self._following = None
        self._seen.clear()


def main() -> None:
    """Follow a run until the input ends."""
    os.nice(_NICE)  # the cores are the load's
    lines = _lines()
    first = next(line for line in lines if line)
    sending = Sending(json.loads(first), os.environ)
    next_s = time.monotonic()
    for line in lines:
        told = json.loads(line) if line else {}
        if left := told.get("left"):
            sending.look()
            _answer(sending, left)
        elif told:
            sending.note(told)
        if time.monotonic() >= next_s:
            next_s = time.monotonic() + LOOK_EVERY_S
            sending.look()
            _answer(sending)
    sending.end()
    _answer(sending)
    os._exit(0)  # a thread that hangs in a receiver is not waited for


def _lines() -> Iterator[bytes]:
    """Yield the lines of the input, and an empty one at least every second."""
    rest = b""
    while True:
        if not select.select([0], [], [], LOOK_EVERY_S / 4)[0]:
            yield b""
            continue
        if not (read := os.read(0, 1 << 16)):
            return
        *whole, rest = (rest + read).split(b"\n")
        yield from whole


def _answer(sending: Sending, left: str = "") -> None:
    with suppress(BrokenPipeError):  # who started this has gone; the input ends then, too
        os.write(1, json.dumps({**sending.status(), "left": left}).encode() + b"\n")


def _now_ms() -> int:
    return round(datetime.now(UTC).timestamp() * 1_000)


if __name__ == "__main__":
    main()
