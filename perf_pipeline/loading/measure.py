"""Measure one benchmark: prepare, load step by step, watch, work out figures, record everything.

Add here: something that happens before or after every load. Keep out: needs of a single benchmark
(needs.py, figures.py) and the history (judging/ingest.py).
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from pathlib import Path

from perf_pipeline.benchmarks.registry import record_of
from perf_pipeline.engine.job import LoadOutcome
from perf_pipeline.engine.processes import run_load, start_ahead_s
from perf_pipeline.engine.wall_clock import WallClockWatch
from perf_pipeline.errors import GeneratorLimitError, TargetUnavailableError
from perf_pipeline.loading.benchmark_folder import fresh_folder, write_down
from perf_pipeline.loading.broker_watch import BrokerWatch, given_brokers
from perf_pipeline.loading.calibrating import calibrated
from perf_pipeline.loading.collecting import collecting
from perf_pipeline.loading.costs import CostsWatch
from perf_pipeline.loading.deliveries import take_over_backlog
from perf_pipeline.loading.fault_driver import FaultDriver
from perf_pipeline.loading.fault_figures import felt_faults
from perf_pipeline.loading.figures import evidence_of, figures_of, stages_of, write_figures
from perf_pipeline.loading.fleet import workers_of
from perf_pipeline.loading.growth_figures import grown_figures
from perf_pipeline.loading.jobs import load_job, secrets_of
from perf_pipeline.loading.ledgers import completed_ledger
from perf_pipeline.loading.live import LiveJudge
from perf_pipeline.loading.needs import prepare_benchmark, prepare_step, tidy
from perf_pipeline.loading.own_deliveries import OwnDeliveries
from perf_pipeline.loading.pgbench import pgbench_beside
from perf_pipeline.loading.progress import LoadWatch
from perf_pipeline.loading.proxy_watch import ProxyWatch
from perf_pipeline.loading.session import Session
from perf_pipeline.loading.step_counts import (
    counts_of,
    measured_s,
    notes_of_step,
    reasons_of_step,
    worst_health,
)
from perf_pipeline.loading.watching import sampler
from perf_pipeline.metrics.faults import FaultRecord
from perf_pipeline.metrics.sample import Figure
from perf_pipeline.metrics.totals import LedgerCounts, SpanFigures
from perf_pipeline.probes.sampler import Sampler
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.store.access import is_full
from perf_pipeline.store.records import BenchmarkOutcome, BenchmarkStatus, RunKey
from perf_pipeline.store.spool_failures import told_failures
from perf_pipeline.store.spool_figures import backlog_from_spool, span_figures


@dataclass(slots=True)
class _Gathered:
    """Collect the reports of one benchmark's steps."""

    began_at: datetime
    origin_ns: int
    judge: LiveJudge
    costs: CostsWatch
    proxy: ProxyWatch
    outcomes: list[LoadOutcome] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    unfit: dict[int, str] = field(default_factory=dict)
    aborted: bool = False
    crossed: bool = False
    spans: Sequence[SpanFigures] = ()
    ledger: LedgerCounts | None = None
    proxy_trouble: str = ""
    faults: Sequence[FaultRecord] = ()
    wall_clock: WallClockWatch = field(default_factory=WallClockWatch)

    def note_proxy(self, proxy: ProxyWatch) -> None:
        """Make the benchmark INVALID if the proxy between the parts is gone or was the limit."""
        if trouble := proxy.trouble():
            self.proxy_trouble = trouble
            self.limits.append(trouble)


def measure(session: Session, benchmark: str) -> BenchmarkOutcome:
    """Run one benchmark, and leave everything measured in the spool.

    If the target dies under load, or the generator cannot go on (a full disk), the benchmark ends
    with status `aborted`, and its measurements are kept. After a stop it ends at once with status
    `stopped`.

    Raises:
        TargetUnavailableError: a part that the benchmark needs is missing before the load.
        RuntimeError: a load worker failed in an unexpected way.
    """
    prepare_benchmark(session, benchmark)
    folder = fresh_folder(session, benchmark)
    judge, costs = _live_judge(session, benchmark), CostsWatch(session, benchmark)
    proxy = ProxyWatch(session.stack)
    proxy.count_strangers()
    load = _Gathered(session.now(), time.monotonic_ns(), judge, costs, proxy)
    if waits_in := record_of(benchmark).backlog_of:
        take_over_backlog(session.folder / waits_in, folder)
    return _load_and_write(session, benchmark, folder, load)


def _live_judge(session: Session, benchmark: str) -> LiveJudge:
    thresholds = session.profile.benchmarks[benchmark].parsed_thresholds()
    return LiveJudge(session.folder, RunKey(session.run_id, benchmark), thresholds)


def _load_and_write(
    session: Session, benchmark: str, folder: Path, load: _Gathered
) -> BenchmarkOutcome:
    """Run the load, and write outcome.json however it ends; after an error it is aborted.

    The returned outcome is the one that was written, so that a load has one end and one duration.
    """
    try:
        _run_steps(session, benchmark, folder, load)
    except TargetUnavailableError as error:
        load.aborted = True
        load.note_proxy(load.proxy)
        if not load.proxy_trouble:
            load.problems.append(error.sentence)
    except GeneratorLimitError as error:
        load.aborted = True
        load.limits.append(error.sentence)
    except OSError as error:
        if not is_full(error):
            load.aborted = True
            raise
        load.limits.append(f"the files of {folder} can't be written: {error.strerror}")
        load.aborted = True
    except BaseException:
        load.aborted = True
        raise
    finally:
        outcome = _outcome(session, benchmark, load)
        write_down(folder, outcome, load.limits)
    return outcome


def _run_steps(session: Session, benchmark: str, folder: Path, load: _Gathered) -> None:
    config = session.profile.benchmarks[benchmark]
    load.problems += calibrated(session, folder, load.origin_ns, "before")
    sampling = sampler(session, benchmark, folder, load.origin_ns)
    try:
        with ExitStack() as leaving:
            leaving.callback(sampling.stop)
            own = leaving.enter_context(collecting(session, benchmark, folder, load.origin_ns))
            for step, _ in config.load_steps:
                if session.stop.is_set() or load.aborted or load.crossed:
                    break
                if unfit := prepare_step(session, benchmark, step):
                    load.unfit[step] = unfit
                else:
                    _run_step(session, benchmark, step, folder, load, sampling)
            _collect(session, benchmark, folder, load, own)
        failures = told_failures(folder, load.spans)
        load.problems += [*load.unfit.values(), *failures, *sampling.problems]
        load.problems += load.costs.write(folder)
        # Not before, since readings and later steps are about our load alone.
        if not load.aborted:
            load.problems += calibrated(session, folder, load.origin_ns, "after")
            beside = list(pgbench_beside(session, benchmark, load.outcomes, load.unfit))
            load.problems += [rate.told for rate in beside]
            load.figures += [rate.figure for rate in beside if rate.figure is not None]
    finally:
        tidy(session, benchmark)
    counts = tuple(counts_of(load.outcomes))
    evidence = evidence_of(
        config,
        counts,
        spans=load.spans,
        ledger=load.ledger,
        backlog=backlog_from_spool(folder),
        stages=stages_of(folder, counts),
    )
    write_figures(folder / "figures.csv", [*figures_of(benchmark, evidence), *load.figures])


def _run_step(
    session: Session,
    benchmark: str,
    step: int,
    folder: Path,
    load: _Gathered,
    sampling: Sampler,
) -> None:
    def quieten() -> None:
        """Finish our own computing before the load, and before the first reading."""
        session.storing.await_end()
        for sentence in session.storing.heard():
            session.say(sentence)
        sampling.start()
        load.costs.start()
        if not load.outcomes:
            load.wall_clock = WallClockWatch()  # no message is stamped before the first load
        watch.proxy.begin()
        faults.begin(time.monotonic_ns() + round(start_ahead_s(apart=apart) * 1e9))

    apart = session.fleet is not None

    with (
        workers_of(session) as start,
        BrokerWatch(given_brokers(session), session.target.allowed) as brokers,
        load.costs.until_the_end(),
        FaultDriver(session, benchmark, load.origin_ns) as faults,
    ):
        watch = LoadWatch(session, benchmark, load.judge, load.origin_ns, brokers, faults)
        outcome = run_load(
            load_job(session, benchmark, step, folder),
            secrets=secrets_of(session),
            origin_ns=load.origin_ns,
            stop=watch.stop,
            on_progress=watch.on_progress,
            start=start,
            before_start=quieten,
            apart=apart,
        )
    is_only = len(session.profile.benchmarks[benchmark].load_steps) == 1
    load.problems += notes_of_step(outcome, is_only=is_only)
    _note_step(session, load, outcome, watch, faults)


def _note_step(
    session: Session, load: _Gathered, outcome: LoadOutcome, watch: LoadWatch, faults: FaultDriver
) -> None:
    """Collect the reports of a load step and of those who watched it."""
    load.outcomes.append(outcome)
    load.faults = faults.records
    load.limits += faults.limits
    for sentence in faults.heard():
        session.say(sentence)
    load.note_proxy(watch.proxy)
    if watch.problem:
        load.aborted = True
        load.problems.append(watch.problem)
    if watch.crossed:
        load.crossed = True
        load.problems.append(watch.crossed)


def _collect(
    session: Session, benchmark: str, folder: Path, load: _Gathered, own: OwnDeliveries | None
) -> None:
    """Read what was done, and complete the ledger if the benchmark has one."""
    load.spans, counts = tuple(span_figures(folder)), tuple(counts_of(load.outcomes))
    spans, clock = load.spans, load.wall_clock
    found = completed_ledger(
        session, benchmark, folder, load.origin_ns, spans, counts, own, clock=clock
    )
    load.note_proxy(load.proxy)  # messages on their way need the proxy, too
    for sentence in (*found.problems, *found.limits, *found.told, *load.proxy.told()):
        session.say(sentence)
    load.problems += found.problems
    load.limits += found.limits
    load.figures += found.figures
    load.ledger = found.counts
    config = session.profile.benchmarks[benchmark]
    knows = found.counts is not None
    felt = felt_faults(folder, config, counts, load.faults, knows_messages=knows)
    if load.proxy_trouble:
        felt = replace(felt, problems=())  # it is unknown whether the target recovered
    for told in (felt, grown_figures(folder, config, counts)):
        load.problems += told.problems
        load.figures += told.figures


def _outcome(session: Session, benchmark: str, load: _Gathered) -> BenchmarkOutcome:
    reasons = [*chain.from_iterable(map(reasons_of_step, load.outcomes)), *load.limits]
    counts = tuple(counts_of(load.outcomes))
    status: BenchmarkStatus = "complete"
    if load.aborted:
        status = "aborted"
    elif load.crossed:
        status = "abort_on_fail"
    elif session.stop.is_set():
        status = "stopped"
    elif not load.outcomes:
        status = "aborted"
    return BenchmarkOutcome(
        benchmark=benchmark,
        status=status,
        began_at=load.began_at.isoformat(),
        wall_s=(time.monotonic_ns() - load.origin_ns) / 1e9,
        measured_s=measured_s(counts),
        valid=all(outcome.health.valid for outcome in load.outcomes) and not load.limits,
        invalid_reasons=tuple(map(KNOWN.mask, dict.fromkeys(reasons))),
        scenarios=counts,
        checks=dict(chain.from_iterable(outcome.checks.items() for outcome in load.outcomes)),
        health=worst_health(load.outcomes),
        load_hash=session.profile.load_hash(benchmark),
        problems=tuple(map(KNOWN.mask, load.problems)),
    )
