"""Follow a load while it runs: print a line per second, and stop the load if the target is dead.

A target that answers, even with failures, is not dead; its thresholds judge it. Nor is a target
dead that was broken on purpose; whether it recovered is judged at the end.

Add here: another reason to end a load early. Keep out: verdicts (judging/judge.py).
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

from perf_pipeline.engine.operation_count import OWN_LIMIT
from perf_pipeline.engine.progress import Progress
from perf_pipeline.loading.broker_watch import BrokerWatch
from perf_pipeline.loading.fault_driver import FaultDriver
from perf_pipeline.loading.live import LiveJudge
from perf_pipeline.loading.progress_line import figures_of, line_of
from perf_pipeline.loading.proxy_watch import ProxyWatch
from perf_pipeline.loading.session import Session
from perf_pipeline.units import US_PER_S, format_duration

_TOLD_AFTER_S: Final = 5.0
_MOST_WAYS: Final = 3
# Error classes that mean that nobody answered: of HTTP, PostgreSQL (SQLSTATE or psycopg's
# exception), Kafka (librdkafka's names), Redis.
_SILENT: Final = frozenset(
    {
        "refused",
        "reset",
        "closed",
        "timeout",
        "connect_timeout",
        "unreachable",
        "dns",
        "08001",
        "08006",
        "57P01",
        "57P02",
        "57P03",
        "OperationalError",
        "ConnectionTimeout",
        "all_brokers_down",
        "transport",
        "timed_out",
        "timed_out_queue",
        "msg_timed_out",
        "ConnectionError",
        "TimeoutError",
    }
)
# Kafka's and librdkafka's error classes for a topic that is gone; it existed before the load.
_DELETED: Final = frozenset({"unknown_topic_or_part", "unknown_topic_id", "unknown_topic"})
# Error classes that mean that this machine did not ask: its own limit, or a name that leads
# elsewhere.
_NOT_ASKED: Final = frozenset({OWN_LIMIT, "not_allowed"})


class LoadWatch:
    """Watch one step of a benchmark, and the brokers during that step.

    Attributes:
        stop: the event that ends the load: set by the user, a dead target, or brokers that lead
            elsewhere.
        problem: one sentence if the target's death or its brokers ended the load, else None.
        proxy: the proxy between the parts; if it is gone, silence is not the target's fault.
        crossed: one sentence if a threshold with abortOnFail ended it, else None.
    """

    def __init__(
        self,
        session: Session,
        benchmark: str,
        judge: LiveJudge,
        origin_ns: int,
        brokers: BrokerWatch | None = None,
        faults: FaultDriver | None = None,
    ) -> None:
        self._brokers = brokers
        self._faults = faults
        self._session = session
        self._benchmark = benchmark
        self._judge = judge
        self._origin_ns = origin_ns
        self._began_s: float | None = None
        self._gone_after_us = session.target.gone_after_us
        self._failures = Streak(_TOLD_AFTER_S)
        self._silence = Streak(self._gone_after_us / US_PER_S)
        self._is_told = False
        self.stop = Either(session.stop)
        self.proxy = ProxyWatch(session.stack)
        self.problem: str | None = None
        self.crossed: str | None = None

    def on_progress(self, progress: Progress) -> None:
        """Report progress, and end a load that nobody has answered for a while."""
        line = f"{self._benchmark}: {line_of(progress)}"
        at_s = (time.monotonic_ns() - self._origin_ns) / 1e9
        figures = figures_of(self._session.run_id, self._benchmark, progress, at_s)
        self._session.narrator.progress(line, figures)
        for sentence in self._faults.heard() if self._faults is not None else ():
            self._session.say(f"{self._benchmark}: {sentence}")
        self._look_for_death(progress)
        if self._brokers is not None and self._brokers.problem and not self.problem:
            self.problem = f"{self._brokers.problem}, so the load was ended"
            self.stop.set()
        if not self.stop.is_set():
            self._look_for_failure(progress)

    def _look_for_failure(self, progress: Progress) -> None:
        if self._began_s is None:
            self._began_s = (time.monotonic_ns() - self._origin_ns) / 1e9 - progress.elapsed_s
            self._judge.load_began(self._began_s)
        elapsed_s = self._began_s + progress.elapsed_s
        failed = self._judge.failed(elapsed_s)
        if failed is not None:
            threshold, observed = failed
            self.crossed = (
                f"{threshold.key} {threshold.source} failed after {elapsed_s:.0f} s (observed "
                f"{observed:g}), so abortOnFail ended the load"
            )
            self.stop.set()

    def _look_for_death(self, progress: Progress) -> None:
        ok = sum(scenario.ok for scenario in progress.scenarios)
        ways = sum((Counter(scenario.ways) for scenario in progress.scenarios), Counter())
        self._failures.look(progress.elapsed_s, ok, ways)
        self._silence.look(progress.elapsed_s, ok + answered(ways), ways)
        is_silent = self._silence.is_lasting and not self.problem
        if is_silent and (trouble := self.proxy.trouble()):
            self.problem = f"{trouble}; the load was ended"
            self.stop.set()
        elif is_silent and not self._is_meant:
            self.problem = (
                f"{self._silence} of {self._benchmark} failed: {cause_of(self._silence.ways)}, so "
                f"the load was ended{self._remedy()}"
            )
            self.stop.set()
        elif self._failures.is_lasting and not self._is_told:
            self._is_told = True
            self._session.say(
                f"{self._failures} of {self._benchmark} failed: {self._why_it_goes_on()} (Ctrl-C, "
                "or a threshold with abortOnFail, ends it)"
            )

    @property
    def _is_meant(self) -> bool:
        """Say whether silence may come from a fault; a verdict judges the recovery."""
        return self._faults is not None and self._faults.has_begun

    def _why_it_goes_on(self) -> str:
        ways = self._failures.ways
        if self._is_meant:
            return f"{_told(ways)}; the load goes on, because its profile has faults"
        if not answered(ways):
            waits = f"goneAfter of [targets.{self._session.target.name}]"
            after = format_duration(self._gone_after_us)
            return f"{_told(ways)}; the load goes on, because {waits} is {after}"
        return f"{cause_of(ways)}; the target answers, so the load goes on"

    def _remedy(self) -> str:
        if not _is_gone(self._silence.ways):
            return ""
        return (
            f" after {format_duration(self._gone_after_us)} without an answer; for a target that "
            "comes back by itself, as after a failover, set goneAfter of "
            f"[targets.{self._session.target.name}] above the time that it takes"
        )


class Streak:
    """Notice that for some time only failures occurred, of any kind or of certain kinds.

    Args:
        lasts_s: how long that must last.

    Attributes:
        ways: how operations failed since the last good sign, and how often.
    """

    def __init__(self, lasts_s: float) -> None:
        self.ways: Counter[str] = Counter()
        self._lasts_s = lasts_s
        self._good = 0
        self._failed = 0
        self._before: Counter[str] = Counter()
        self._since_s: float | None = None
        self._until_s = 0.0

    def look(self, at_s: float, good: int, ways: Counter[str]) -> None:
        """Take the number of good signs, and the failures, up to now."""
        failed = ways.total()
        if good > self._good:
            self._since_s, self._before = None, ways
        elif failed == self._failed:
            pass  # A target that hangs fails in bursts, one timeout apart; that is no sign of life.
        elif self._since_s is None:
            self._since_s = at_s
        self._until_s = at_s if failed > self._failed else self._until_s
        self._good, self._failed, self.ways = good, failed, ways - self._before

    @property
    def is_lasting(self) -> bool:
        """Say whether it has lasted long enough, from the first failure to the last."""
        return self._since_s is not None and self._until_s - self._since_s >= self._lasts_s

    def __str__(self) -> str:
        """Say when it happened, as the beginning of a sentence."""
        return f"from {self._since_s or 0.0:.0f} s to {self._until_s:.0f} s every operation"


def answered(ways: Mapping[str, int]) -> int:
    """Count failures that were answers, which show that the target is there."""
    return sum(n for way, n in ways.items() if way not in _SILENT and way not in _NOT_ASKED)


def cause_of(ways: Mapping[str, int]) -> str:
    """Say how operations failed, and what is gone: the target, if nobody answered, or a topic.

    >>> cause_of({"status 401": 12})
    'status 401'
    >>> cause_of({"refused": 9, "timeout": 3})
    'refused (75 %), timeout (25 %), the target is gone'
    >>> cause_of({"unknown_topic_or_part": 9})
    'unknown_topic_or_part, the topic was deleted'
    """
    if _is_gone(ways):
        return f"{_told(ways)}, the target is gone"
    if _DELETED.issuperset(ways):
        return f"{_told(ways)}, the topic was deleted"
    return _told(ways)


def _told(ways: Mapping[str, int]) -> str:
    total = sum(ways.values())
    found = sorted(ways.items(), key=lambda way: -way[1])
    if len(found) == 1:
        return found[0][0]
    shares = [f"{way} ({count / total:.0%})" for way, count in found[:_MOST_WAYS]]
    return ", ".join(shares).replace("%", " %")


def _is_gone(ways: Mapping[str, int]) -> bool:
    return _SILENT.issuperset(ways)


class Either(threading.Event):
    """Be set if this event or the wrapped one is set; the engine asks for nothing else."""

    def __init__(self, other: threading.Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        """Say whether either is set."""
        return super().is_set() or self._other.is_set()
