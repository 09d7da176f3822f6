"""The interface between the sampler and what it watches.

Add here: something that every probe needs. Keep out: details of a single system.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from perf_pipeline.errors import ExitCode, PerfPipelineError
from perf_pipeline.metrics.sample import Reading
from perf_pipeline.secrecy.addresses import MASK
from perf_pipeline.secrecy.known import KNOWN

# CPU time comes in ticks of 10 ms: over a shorter time, a rate is mostly rounding error.
MIN_SPAN_S: Final = 0.2
ANSWER_WITHIN_S: Final = 2.0


class ProbeError(PerfPipelineError):
    """Say in one sentence, without secrets, why a probe could not read."""

    exit_code: ClassVar[ExitCode] = ExitCode.NOT_MEASURED


class Probe(Protocol):
    """Read the gauges of one system; only one thread uses it at a time.

    After a failed `open` or `read`, `close` is called, and later `open` again. Counts "since the
    benchmark began" survive that. No call may block for more than a few seconds.
    """

    @property
    def name(self) -> str:
        """Return its name in files, problems and `sampling_interval_s`: letters, digits, -, _."""
        ...

    def open(self) -> None:
        """Connect, and read the first values, with which later ones are compared.

        Raises:
            ProbeError: there is nothing to read.
        """
        ...

    def read(self, at_us: int) -> list[Reading]:
        """Return the current readings; rates are over the time since the previous reading.

        Raises:
            ProbeError: the system did not answer.
        """
        ...

    def close(self) -> None:
        """Release what `open` acquired, even after a failed `open`."""
        ...


@dataclass(slots=True)
class CounterGrowth:
    """Sum up how much a server's counter has grown since its first value.

    A counter that got smaller was restarted with its server. If it restarts at zero, the new value
    is growth; otherwise (entries were evicted) it is only the new starting point.

    >>> tally = CounterGrowth()
    >>> [tally.add(value) for value in (100, 130, 5)]
    [0.0, 30.0, 35.0]

    Attributes:
        restarts_at_zero: whether a smaller value means a restart at zero.
        total: the growth so far, in the counter's unit.
    """

    restarts_at_zero: bool = True
    total: float = 0.0
    last: float | None = None

    def add(self, value: float) -> float:
        """Take the counter's current value and return the growth so far."""
        if self.last is not None:
            restarted = value if self.restarts_at_zero else 0.0
            self.total += value - self.last if value >= self.last else restarted
        self.last = value
        return self.total


def masked(text: str, secrets: Iterable[str | None]) -> str:
    """Return the first line of an error's text with every secret replaced.

    >>> masked("no hunter2 here", ["hunter2", None])
    'no *** here'
    """
    line = text.strip().partition("\n")[0].strip()
    for secret in filter(None, secrets):
        line = line.replace(secret, MASK)
    return KNOWN.mask(line)
