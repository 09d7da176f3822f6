"""An executor of our own: iterations start when the requests of a log were made.

Add here: a key or rule of this executor alone. Keep out: what all arrival rates share (kinds.py),
and how a log is read (request_log.py).
"""

from collections import Counter
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from perf_pipeline.config.bounds import LONGEST_US, MOST_STARTS
from perf_pipeline.config.executors.kinds import ArrivalRate, RecordedRate
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.http_keys import Method
from perf_pipeline.config.request_log import read_request_log
from perf_pipeline.units import US_PER_S, format_duration

FASTEST: Final = 3_600
_MOST_BINS: Final = 240


class LogFacts(Frozen):
    """Hold what a profile keeps of its log, so that a stored run can be judged without the file.

    Attributes:
        starts: how many requests are replayed.
        length_us: the length of the log at its original speed.
        bins: the number of requests in each of several equal parts of this length.
        digest: SHA-256 of the file; the workers read the same one.
    """

    starts: int = Field(ge=1, le=MOST_STARTS)
    length_us: int = Field(ge=1, le=LONGEST_US)
    bins: tuple[Annotated[int, Field(ge=0, le=MOST_STARTS)], ...] = Field(
        strict=False, min_length=1
    )
    digest: str


class ReplayedArrivals(ArrivalRate):
    """Start an iteration for each request of a log, at the intervals that the log has.

    Attributes:
        log: the file, relative to the profile: common or combined log format, NDJSON, or HAR.
        speed: how many times faster than the log; at most 3,600, which replays an hour in a second.
        methods: only requests with these methods are replayed; by default all of them.
        recorded: the facts that are kept of the log; they are worked out when the profile is read.
    """

    executor: Literal["replayed-arrivals"]
    log: str = Field(min_length=1)
    speed: float = Field(default=1.0, gt=0, le=FASTEST, strict=False)
    methods: tuple[Method, ...] = Field(default=(), strict=False)
    recorded: LogFacts | None = None

    @model_validator(mode="after")
    def _has_no_time_unit(self) -> Self:
        if self.time_unit_us != US_PER_S:
            raise ValueError("timeUnit has no meaning here; the log says when iterations start")
        return self

    @property
    def length_us(self) -> int:
        """Return the planned length without the graceful stop."""
        return max(1, round(self._known.length_us / self.speed))

    @property
    def most_starts(self) -> int:
        """Return how many iterations it starts."""
        return self._known.starts

    @property
    def planned_rate(self) -> RecordedRate:
        """Return the rate of starts, which is that of the log."""
        known = self._known
        return RecordedRate(
            Path(self.log), self.speed, self.methods, known.digest, known.starts, known.bins,
            self.length_us,
        )  # fmt: skip

    @property
    def description(self) -> str:
        """Say `5,000 requests of access.log in 6m at 10 times its speed, up to 100 VUs`."""
        faster = "" if self.speed == 1 else f" at {self.speed:g} times its speed"
        return (
            f"{self.most_starts:,} requests of {Path(self.log).name} in "
            f"{format_duration(round(self.length_us, -3))}{faster}, up to {self.most_vus} VUs"
        )

    @property
    def _known(self) -> LogFacts:
        """Return the facts of the log; without them, those of a log that is one second long."""
        return self.recorded or LogFacts(starts=1, length_us=US_PER_S, bins=(1,), digest="")


def recorded_of(path: Path, methods: tuple[str, ...]) -> dict[str, object]:
    """Return the value of `recorded` for a log, as a profile writes it.

    Raises:
        ValueError: the log can't be read, or has too few requests with these methods.
    """
    log = read_request_log(path, methods)
    count = min(_MOST_BINS, len(log.offsets_us))
    places = Counter(at_us * count // log.length_us for at_us in log.offsets_us)
    return {
        "starts": len(log.offsets_us),
        "lengthUs": log.length_us,
        "bins": [places[place] for place in range(count)],
        "digest": log.digest,
    }
