"""Work out from a benchmark's spool how each fault affected its load, and record it.

Add here: another figure of a fault. Keep out: the rule of recovery (analysis/recovery.py), SQL
(store/), what was normal before (fault_buckets.py) and breaking things (fault_driver.py).
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Final

from perf_pipeline.analysis.recovery import (
    LEAST_ANSWERED,
    Recovery,
    drain_per_s,
    recovery_of,
    seconds_needed,
)
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.loading.fault_buckets import BucketedLoad, bucketed
from perf_pipeline.metrics.catalog import ANSWERED_BESIDE_FAULTS, FAULTS_UNRECOVERED
from perf_pipeline.metrics.faults import FAULT_COLUMNS, FaultRecord
from perf_pipeline.metrics.sample import Figure
from perf_pipeline.store.records import ScenarioCounts
from perf_pipeline.store.spool_course import (
    dropped_between,
    failed_and_slow,
    lost_and_duplicated,
)
from perf_pipeline.units import US_PER_S

FILE: Final = "faults.csv"
_ADDED: Final = frozenset(
    {
        "fault_failed",
        "fault_slow",
        "fault_dropped",
        "fault_messages_lost",
        "fault_messages_duplicated",
    }
)
_LEAST: Final = frozenset({"fault_drain_per_s", "fault_steady_after_ratio"})


@dataclass(frozen=True, slots=True)
class FeltFaults:
    """Hold how faults affected a load.

    Attributes:
        records: the records of the faults, with what was seen of each.
        figures: the figures of each fault, and of all together.
        problems: what a reader must know, in one sentence each.
    """

    records: tuple[FaultRecord, ...] = ()
    figures: tuple[Figure, ...] = ()
    problems: tuple[str, ...] = ()


def felt_faults(
    folder: Path,
    config: BenchmarkConfig,
    counts: Sequence[ScenarioCounts],
    records: Sequence[FaultRecord],
    *,
    knows_messages: bool,
) -> FeltFaults:
    """Work out how the injected faults affected a load, and write faults.csv.

    Args:
        folder: the folder of the benchmark.
        config: the configuration of the benchmark.
        counts: the counts of its scenarios.
        records: the records in the order of their begin; without any, nothing is written.
        knows_messages: whether its ledger shows which messages were delivered.
    """
    if not records:
        return FeltFaults()
    load = bucketed(folder, config, counts, records[0].injected_us, knows_messages=knows_messages)
    found = _nothing_to_compare_with(records) if load is None else _felt(load, records)
    _write(folder / FILE, found.records)
    return found


def _nothing_to_compare_with(records: Sequence[FaultRecord]) -> FeltFaults:
    problem = (
        f"before the fault {records[0].fault} less than {LEAST_ANSWERED:.0%} of the operations "
        "went well, or too few were due, so it is unknown what it changed or when it was over"
    )
    unrecovered = Figure(FAULTS_UNRECOVERED, float(len(records)))
    return FeltFaults(tuple(records), (unrecovered,), (problem,))


def _felt(load: BucketedLoad, records: Sequence[FaultRecord]) -> FeltFaults:
    figures: list[Figure] = []
    problems: list[str] = []
    seen: list[FaultRecord] = []
    since_us = 0
    nexts = [*(record.injected_us for record in records[1:]), None]
    for record, following in zip(records, nexts, strict=True):
        recovery = recovery_of(
            load.buckets,
            load.bands,
            injected_us=record.injected_us,
            undone_us=record.undone_us,
            next_us=following,
        )
        seen.append(
            replace(
                record,
                effect_us=recovery.effect_us,
                recovered_us=recovery.recovered_us,
                within_us=load.width_us,
            )
        )
        until_us = _over_us(load, seen[-1])
        figures += _figures(load, record, recovery, since_us, until_us)
        problems += _problems(load, record, recovery)
        since_us = max(since_us, until_us)
    return FeltFaults(
        tuple(seen), (*figures, *_wholes(figures, seen), *_beside(load, seen)), tuple(problems)
    )


def _figures(
    load: BucketedLoad, record: FaultRecord, recovery: Recovery, since_us: int, until_us: int
) -> Iterator[Figure]:
    """Yield the figures of one fault; an unknown figure is absent, never zero."""

    def figure(name: str, value: float) -> Figure:
        return Figure(name, value, operation=record.fault)

    began_us = record.injected_us
    if recovery.effect_us is not None:
        yield figure("fault_effect_s", (recovery.effect_us - began_us) / US_PER_S)
    if recovery.recovered_us is not None:
        yield figure("fault_recovery_s", (recovery.recovered_us - began_us) / US_PER_S)
    slow_ms = load.bands.p95_ms or float("inf")
    failed, slow = failed_and_slow(load.folder, began_us, until_us, slow_ms)
    yield figure("fault_failed", float(failed))
    yield figure("fault_slow", float(slow))
    yield figure("fault_dropped", float(dropped_between(load.folder, began_us, until_us)))
    meanwhile = [bucket for bucket in load.buckets if bucket.begins_us + load.width_us > began_us]
    if (drain := drain_per_s(meanwhile, until_us)) is not None:
        yield figure("fault_backlog_peak", drain[0])
        if drain[1] is not None:
            yield figure("fault_drain_per_s", drain[1])
    if load.knows_messages:
        lost, duplicated = lost_and_duplicated(load.folder, since_us, until_us)
        yield figure("fault_messages_lost", float(lost))
        yield figure("fault_messages_duplicated", float(duplicated))
    if recovery.steady_after is not None:
        yield figure("fault_steady_after_ratio", recovery.steady_after)


def _wholes(figures: Sequence[Figure], records: Sequence[FaultRecord]) -> Iterator[Figure]:
    """Yield each figure over all faults: the sum of counts, or else the worst value."""
    values: dict[str, list[float]] = {}
    for figure in figures:
        values.setdefault(figure.name, []).append(figure.value)
    unrecovered = sum(record.recovered_us is None for record in records)
    if unrecovered:
        values.pop("fault_recovery_s", None)  # the worst value is not known
    for name, found in values.items():
        fold = sum if name in _ADDED else min if name in _LEAST else max
        yield Figure(name, fold(found))
    yield Figure(FAULTS_UNRECOVERED, float(unrecovered))


def _beside(load: BucketedLoad, records: Sequence[FaultRecord]) -> Iterator[Figure]:
    """Yield the share of operations outside faults that went well; nothing if there were none."""
    spans = [(record.injected_us, _over_us(load, record)) for record in records]
    apart = [
        bucket
        for bucket in load.buckets
        if all(
            bucket.begins_us + load.width_us <= begin or bucket.begins_us >= end
            for begin, end in spans
        )
    ]
    answered = sum(bucket.answered for bucket in apart)
    failed = sum(bucket.failed for bucket in apart)
    dropped = dropped_between(load.folder, load.buckets[0].begins_us, load.ends_us) - sum(
        dropped_between(load.folder, begin, end + US_PER_S) for begin, end in _joined(spans)
    )
    asked = answered + failed + max(0, dropped)
    if asked:
        yield Figure(ANSWERED_BESIDE_FAULTS, answered / asked)


def _over_us(load: BucketedLoad, record: FaultRecord) -> int:
    """Return until when a fault is blamed: its recovery, but at least its undo."""
    recovered_us = load.ends_us if record.recovered_us is None else record.recovered_us
    return max(recovered_us, record.undone_us)


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join overlapping spans, extended to whole seconds, in which drops are read."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1] + US_PER_S:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _problems(load: BucketedLoad, record: FaultRecord, recovery: Recovery) -> Iterator[str]:
    if recovery.recovered_us is not None:
        return
    left_s = (load.ends_us - record.undone_us) / US_PER_S
    if needed_s := seconds_needed(load.buckets, record.undone_us):
        yield (
            f"it was not seen whether the target recovered from the fault {record.fault}: "
            f"its undo took "
            f"{(record.undone_us - record.undo_us) / US_PER_S:.1f} s, "
            f"and of the {needed_s:.1f} s of load that show it at this rate "
            f"{max(0.0, left_s):.1f} s were left; make the load longer"
        )
    else:
        yield (
            f"after the fault {record.fault} the target did not recover: {left_s:.1f} s after it "
            "was undone the load ended, and not all was back in its band of before for 3 s"
        )


def _write(path: Path, records: Sequence[FaultRecord]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FAULT_COLUMNS)
        writer.writerows(
            astuple(replace(record, what=" ".join(record.what.split()))) for record in records
        )
