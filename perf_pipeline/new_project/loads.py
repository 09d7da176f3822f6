"""Define how hard a new profile loads at first: little, and the same for every source.

Add here: another executor to begin with. Keep out: what an iteration does.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from perf_pipeline.config.ranges import read_range
from perf_pipeline.new_project.draft import DraftStep
from perf_pipeline.units import US_PER_S, format_duration, parse_duration_us

HTTP_THRESHOLDS: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {"http_req_failed": ["rate<0.01"], "http_req_duration": ["p(95)<1000"]}
)
_CHECKED: Final[Mapping[str, Sequence[str]]] = MappingProxyType({"checks": ["rate>0.99"]})
_S_PER_REQUEST: Final = 1.0  # a slow answer; what takes longer is dropped and counted
_DEFAULT_STOP_S: Final = 30


def thresholds_of(steps: Sequence[DraftStep]) -> Mapping[str, Sequence[str]]:
    """Return what must hold at first; of checks where the steps make any."""
    has_checks = any(step.expect or step.save for step in steps)
    return {**HTTP_THRESHOLDS, **(_CHECKED if has_checks else {})}


@dataclass(frozen=True, slots=True)
class FirstLoad:
    """Say how hard the load of a new profile is.

    Attributes:
        rate: iterations that start per second.
        duration: for how long, as in a profile.
    """

    rate: int = 2
    duration: str = "30s"

    def executor(self, steps: Sequence[DraftStep] = ()) -> dict[str, Any]:
        """Return the executor's keys, with as many VUs as slow answers and pauses need."""
        length_s = self.length_s(steps)
        keys: dict[str, Any] = {
            "executor": "constant-arrival-rate",
            "rate": self.rate,
            "duration": self._duration(length_s),
            "preAllocatedVUs": max(10, math.ceil(self.rate * length_s * 1.5)),
        }
        if length_s > _DEFAULT_STOP_S / 2:
            keys["gracefulStop"] = f"{math.ceil(2 * length_s)}s"
        return keys

    def length_s(self, steps: Sequence[DraftStep]) -> float:
        """Return how long an iteration takes with slow answers, in s."""
        pauses_us = sum(read_range(step.think_time)[1] for step in steps if step.think_time)
        return pauses_us / US_PER_S + _S_PER_REQUEST * max(1, len(steps))

    def question(self) -> str:
        """Ask what a run of this load answers."""
        many = "1 visit" if self.rate == 1 else f"{self.rate} visits"
        return f"{'Does' if self.rate == 1 else 'Do'} {many} a second go through?"

    def _duration(self, length_s: float) -> str:
        """Let each VU go through a long iteration at least once."""
        given_us = parse_duration_us(self.duration)
        needed_us = math.ceil(length_s) * US_PER_S
        return self.duration if given_us >= needed_us else format_duration(needed_us)
