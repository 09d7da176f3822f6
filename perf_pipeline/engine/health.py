"""Decide from the workers' own measurements whether the load generator was the limit.

A figure is about the target only when the generator kept its plan. The limits are wide enough to
let one hiccup of a shared machine pass, and narrow enough to catch a starved generator.

Add here: a limit, with its reason and remedy. Keep out: measuring (watch.py), and the measured
figures (vitals.py).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Final

from perf_pipeline.engine.distant import HostAccount
from perf_pipeline.engine.job import GeneratorHealth
from perf_pipeline.engine.machine_health import stolen, throttling_reasons, waited_for
from perf_pipeline.engine.vitals import Vitals

# An event loop uses one core: above this, queueing inside the generator grows without bound.
CPU_LIMIT_RATIO: Final = 0.9
# Shorter peaks (the top of a ramp, garbage collection) do not move the percentiles of a run.
CPU_SUSTAINED_S: Final = 5.0
# A single pause of this length is half of our own limit for the p95 (1 s).
STALL_LIMIT_MS: Final = 500.0
# Pauses that take this share of the time hit 1 of 20 operations, and the p95 is judged. Two cores
# shared with a target reach 1 to 6 % in short runs while the p95 stays below 15 ms.
STALL_LIMIT_RATIO: Final = 0.05
STALL_ALLOWANCE_MS: Final = 500.0
# 5 % of the limit of 1 s (p95) and 10 % of the limit of 2 s (p99); smaller changes are never
# reported. Response times include the lag, so up to here it is visible but decides nothing.
LAG_P95_LIMIT_MS: Final = 50.0
LAG_P99_LIMIT_MS: Final = 200.0
LAG_LATE_STARTS: Final = 5
# The target would be blamed for drops that a pause of the generator caused.
LATE_DROPS_LIMIT_RATIO: Final = 0.01
# Message latency is taken from two clocks, which must not move against each other.
CLOCK_STEP_LIMIT_MS: Final = 50.0
# How far a clock may be off: clocks show what two hosts did at the same time.
CLOCK_ERROR_LIMIT_MS: Final = 50.0
_BETTER_CLOCK: Final = "use a network with shorter round trips, or let NTP keep its clock"
OPEN_FILES_LIMIT_RATIO: Final = 0.95
_MOST_NOTES: Final = 10
NOTHING_KNOWN: Final[Mapping[str, float]] = MappingProxyType({})
_NO_HOSTS: Final[Mapping[int, HostAccount]] = MappingProxyType({})
_SUMMED: Final = (
    "starts",
    "late_starts",
    "very_late_starts",
    "late_drops",
    "exceptions",
    "deaf_to_cancellation",
    "own_limits",
)

_TEXTS: Final = frozenset({"notes", "first_exception", "log", "doubts"})


def judge(
    workers: Mapping[int, Vitals],
    *,
    clock_step_ms: float,
    incidents: Sequence[str] = (),
    is_ceiling: bool = False,
    machine: Mapping[str, float] = NOTHING_KNOWN,
    hosts: Mapping[int, HostAccount] = _NO_HOSTS,
) -> GeneratorHealth:
    """Judge whether the generator kept its plan.

    Args:
        workers: what each worker measured of itself, by its number.
        clock_step_ms: how far the wall clock moved against the monotonic clock during the load.
        incidents: sentences about anything else that went wrong, e.g. that a worker died.
        is_ceiling: whether the load is unpaced on purpose, so that a worker at its limit is only a
            note.
        machine: shares of the machine's time that others used (machine_time.py).
        hosts: what is known about the hosts of workers on other machines.
    """
    reasons, notes, pauses, is_late = list(incidents), list[str](), list[str](), False
    for worker, vitals in sorted(workers.items()):
        name = f"worker {worker} on {hosts[worker].host}" if worker in hosts else f"worker {worker}"
        late = [f"{name} {reason}" for reason in _pause_reasons(vitals)]
        is_late = is_late or bool(late)
        saturated = [f"{name} {reason}" for reason in _cpu_reasons(vitals)]
        pauses.extend([*late, *saturated])
        reasons.extend([*late, *(f"{name} {reason}" for reason in _reasons(vitals))])
        if is_ceiling and saturated:
            notes.append(f"the load generator was the limit of the ceiling run: {saturated[0]}")
        else:
            reasons.extend(saturated)
    reasons.extend(_clock_reasons(clock_step_ms))
    reasons.extend(dict.fromkeys(_host_reasons(hosts, workers)))
    place = "a host of the fleet" if hosts else "this machine"
    throttled = [*throttling_reasons(machine, place if hosts else "this container")]
    reasons.extend(throttled)
    notes.extend(_notes_of_answers(workers.values()))
    notes.extend(_notes_of_hosts(hosts))
    taken = list(stolen(machine, place))
    if is_late:  # the time that others used explains why
        explained = [*taken, *waited_for(machine, place)]
        reasons.extend(explained)
        pauses.extend(explained)
    else:
        notes.extend(taken)
    figures = {**_figures(workers, clock_step_ms), **machine}
    if hosts:
        figures["clock_error_ms"] = max(account.clock_error_ms for account in hosts.values())
        figures["clock_moved_ms"] = max(account.clock_moved_ms for account in hosts.values())
    pauses.extend(throttled)
    return GeneratorHealth(not reasons, tuple(reasons), figures, tuple(notes), tuple(pauses))


def _clock_reasons(clock_step_ms: float) -> Iterator[str]:
    if abs(clock_step_ms) > CLOCK_STEP_LIMIT_MS:
        yield (
            f"the wall clock was set by {clock_step_ms:+.0f} ms during the load (limit "
            f"{CLOCK_STEP_LIMIT_MS:.0f} ms), so latencies across processes can be wrong; run again"
        )


def _host_reasons(hosts: Mapping[int, HostAccount], seen: Mapping[int, Vitals]) -> Iterator[str]:
    for worker, account in sorted(hosts.items()):
        if account.incident and worker in seen:  # the incidents tell about any other worker
            yield f"worker {worker} on {account.host}: {account.incident}"
        if account.clock_error_ms > CLOCK_ERROR_LIMIT_MS:
            yield (
                f"the clock of {account.host} is known to {account.clock_error_ms:.0f} ms only "
                f"(limit {CLOCK_ERROR_LIMIT_MS:.0f} ms), so it is unclear what happened on it at "
                f"which time; {_BETTER_CLOCK}"
            )
        elif worker in seen:
            yield from _maybe_late(f"worker {worker} on {account.host}", seen[worker], account)
        if abs(account.clock_step_ms) > CLOCK_STEP_LIMIT_MS:
            yield (
                f"the wall clock of {account.host} was set by {account.clock_step_ms:+.0f} ms "
                f"during the load (limit {CLOCK_STEP_LIMIT_MS:.0f} ms); run again"
            )


def _maybe_late(name: str, vitals: Vitals, account: HostAccount) -> Iterator[str]:
    """Yield lags that exceed a limit only because the uncertainty of a clock is included."""
    lags = (
        (vitals.schedule_lag_p95_ms, 0.05, LAG_P95_LIMIT_MS, "p95"),
        (vitals.schedule_lag_p99_ms, 0.01, LAG_P99_LIMIT_MS, "p99"),
    )
    for lag_ms, share, limit_ms, at in lags:
        is_by_clock = lag_ms - account.maybe_late_ms <= limit_ms < lag_ms
        if is_by_clock and share * vitals.starts >= LAG_LATE_STARTS:
            yield (
                f"{name} may have started iterations {lag_ms:.0f} ms late at {at} (limit "
                f"{limit_ms:.0f} ms), because its host's clock {_fault_of_clock(account)}; "
                f"{_BETTER_CLOCK}"
            )


def _fault_of_clock(account: HostAccount) -> str:
    known = f"is known to {account.clock_error_ms:.0f} ms only"
    if account.clock_behind_ms < 1:
        return known
    return f"fell {account.clock_behind_ms:.0f} ms behind during the load and {known}"


def _notes_of_hosts(hosts: Mapping[int, HostAccount]) -> Iterator[str]:
    for worker, account in sorted(hosts.items()):
        if account.away_s and not account.incident:
            yield (
                f"the connection to worker {worker} on {account.host} was lost for "
                f"{account.away_s:.1f} s and taken up again; all that it measured arrived"
            )


def _notes_of_answers(workers: Iterable[Vitals]) -> Iterator[str]:
    """Yield the workers' notes about the target's answers, the most frequent first."""
    counts = Counter[str]()
    for vitals in workers:
        counts.update(vitals.notes)
    for sentence, count in counts.most_common(_MOST_NOTES):
        yield f"{sentence} ({count} times)" if count > 1 else sentence


def _pause_reasons(vitals: Vitals) -> Iterator[str]:
    yield from _stall_reasons(vitals)
    yield from _lag_reasons(vitals)


def _reasons(vitals: Vitals) -> Iterator[str]:
    yield from _workload_reasons(vitals)
    yield from _own_limit_reasons(vitals)


def _own_limit_reasons(vitals: Vitals) -> Iterator[str]:
    files = f"{vitals.open_files} of {vitals.open_files_limit} file descriptors"
    failed = f"failed {vitals.own_limits} operations itself, because it ran out of"
    if _lacks_files(vitals):
        why = f"{failed} descriptors: it had" if vitals.own_limits else "had"
        yield (
            f"{why} {files} open; raise the hard limit (`ulimit -Hn`), use more workers or fewer "
            "VUs"
        )
    elif vitals.own_limits:
        yield (
            f"{failed} ports, descriptors or memory (ports for connections to one address: "
            f"{vitals.local_ports or 'unknown'}; {files} were open); widen "
            "net.ipv4.ip_local_port_range, keep connections open, or use fewer VUs"
        )


def _lacks_files(vitals: Vitals) -> bool:
    limit = vitals.open_files_limit
    return bool(limit) and vitals.open_files > OPEN_FILES_LIMIT_RATIO * limit


def _cpu_reasons(vitals: Vitals) -> Iterator[str]:
    # A load of a few seconds is judged by half of its time.
    limit_s = min(CPU_SUSTAINED_S, vitals.watched_s / 2)
    if vitals.cpu_busy_s and vitals.cpu_busy_s >= limit_s:
        yield (
            f"used more than {CPU_LIMIT_RATIO:.0%} of a core for {vitals.cpu_busy_s:.0f} s in a "
            f"row (limit {limit_s:.0f} s); use more workers, or fewer VUs"
        )


def _stall_reasons(vitals: Vitals) -> Iterator[str]:
    if vitals.stall_longest_ms > STALL_LIMIT_MS:
        yield (
            f"stood still for {vitals.stall_longest_ms:.0f} ms (limit {STALL_LIMIT_MS:.0f} ms); "
            "run nothing else on this machine, or use more workers"
        )
    limit_ms = max(STALL_ALLOWANCE_MS, STALL_LIMIT_RATIO * vitals.watched_s * 1_000)
    if vitals.stall_total_ms > limit_ms:
        yield (
            f"stood still for a total of {vitals.stall_total_ms:.0f} ms in {vitals.watched_s:.1f} "
            f"s (limit {limit_ms:.0f} ms); use more workers, fewer VUs, or a less busy machine"
        )


def _lag_reasons(vitals: Vitals) -> Iterator[str]:
    late = (
        (vitals.late_starts, 0.05, LAG_P95_LIMIT_MS, vitals.schedule_lag_p95_ms, "p95"),
        (vitals.very_late_starts, 0.01, LAG_P99_LIMIT_MS, vitals.schedule_lag_p99_ms, "p99"),
    )
    for starts, share, limit_ms, lag_ms, name in late:
        if starts >= LAG_LATE_STARTS and starts > share * vitals.starts:
            yield (
                f"started iterations {lag_ms:.0f} ms late at {name} although VUs were free (limit "
                f"{limit_ms:.0f} ms); use more workers, or a lower rate"
            )
    if vitals.late_drops >= LAG_LATE_STARTS and vitals.late_drops > LATE_DROPS_LIMIT_RATIO * (
        vitals.starts + vitals.late_drops
    ):
        yield (
            f"dropped {vitals.late_drops} starts because it was late itself (limit "
            f"{LATE_DROPS_LIMIT_RATIO:.0%} of them); use more workers, or more VUs"
        )


def _workload_reasons(vitals: Vitals) -> Iterator[str]:
    if vitals.exceptions:
        yield (
            f"caught {vitals.exceptions} exceptions in iterations, which means that the workload "
            f"has a bug; the first was {vitals.first_exception}, and its traceback is in "
            f"{vitals.log}"
        )
    for doubt in vitals.doubts:
        yield (
            f"completed no iteration: {doubt}; as long as every iteration fails, nobody can tell a "
            "mistake of the scenario from a fault of the target"
        )
    if vitals.deaf_to_cancellation:
        yield (
            f"had {vitals.deaf_to_cancellation} iterations that ignored their cancellation, which "
            "means that the workload has a bug"
        )


def _figures(workers: Mapping[int, Vitals], clock_step_ms: float) -> dict[str, float]:
    figures = {"workers": float(len(workers)), "clock_step_ms": clock_step_ms}
    for vitals in workers.values():
        for name, value in asdict(vitals).items():
            if name in _TEXTS:
                continue
            figures[name] = max(figures.get(name, 0.0), float(value))
    for name in _SUMMED:
        figures[name] = float(sum(getattr(vitals, name) for vitals in workers.values()))
    return figures
