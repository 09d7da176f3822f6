"""How often a duet is right, and how much narrower its intervals are than one after the other.

    python -m perf_pipeline_tests.benchmarks.bench_duet record FOLDER
    python -m perf_pipeline_tests.benchmarks.bench_duet judge FOLDER

`record` loads two equal servers in turns, as a duet does, on the machine as it is, beside a process
that takes all the CPU it can get, and beside one that takes more and less of it in a minute's time.
`judge` makes hundreds of duets of each recording: pieces of five seconds are drawn with their real
noise, sides are exchanged by chance within each piece (they are equal), and the candidate's times
are multiplied by the truth. Real duets of a minute are too long for hundreds of them.
docs/duet.md quotes its table. Add here: another kind of noise. Keep out: what make test checks.
"""

import asyncio
import multiprocessing
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from perf_pipeline.analysis.duet import judge_duet
from perf_pipeline.analysis.duet_blocks import (
    BlockStatistic,
    OperationSamples,
    SideSamples,
    block_logs,
)
from perf_pipeline.analysis.duet_verdict import DuetFinding, DuetRules, DuetVerdict
from perf_pipeline.analysis.looks import planned_looks
from perf_pipeline.analysis.paired_ratio import paired_ratio
from perf_pipeline.config.executors.registry import read_executor
from perf_pipeline.engine.job import LoadJob, ScenarioJob
from perf_pipeline.engine.processes import run_load
from perf_pipeline.stack.service import free_port, is_listening
from perf_pipeline.store.duet_samples import name_of_side, read_sides

RATE: Final = 100
RECORDED_S: Final = 60
PIECE_US: Final = 5_000_000
SEEDS: Final = 100
_S: Final = 1_000_000
_WORK: Final = "import perf_pipeline_tests.benchmarks.bench_duet as b; b.serve({port})"
# What a piece has of each request; how many rows it was about plays no part here.
_DRAWN: Final = ("intended_us", "took_us", "ok")


def serve(port: int) -> None:
    """Answer each request after about a millisecond of work, until the process ends."""

    def work() -> None:
        sum(range(60_000))

    class Answering(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._transport = transport

        def data_received(self, _: bytes) -> None:
            work()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")  # type: ignore[attr-defined]  # of TCP

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Answering, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(run())


def hog(is_waving: bool) -> None:
    """Take a core; or take between none and all of it, up and down once in a minute."""
    began_s = time.monotonic()
    while True:
        share = 1.0
        if is_waving:
            share = 0.5 - 0.5 * float(np.cos(2 * np.pi * (time.monotonic() - began_s) / 60))
        until_s = time.monotonic() + 0.02 * share
        while time.monotonic() < until_s:
            pass
        time.sleep(0.02 * (1 - share))


KINDS: Final[Mapping[str, bool | None]] = {"as it is": None, "CPU hog": False, "slow drift": True}


def record(folder: Path) -> None:
    """Record the noise of two equal sides, of each kind."""
    for kind, waving in KINDS.items():
        place = folder / kind.replace(" ", "-")
        place.mkdir(parents=True, exist_ok=True)
        with _servers() as ports, _hog(waving):
            outcome = run_load(
                _job(place, ports),
                secrets={},
                origin_ns=time.monotonic_ns(),
                stop=threading.Event(),
            )
        told = "valid" if outcome.health.valid else "; ".join(outcome.health.reasons)
        sys.stdout.write(f"{kind}: {told}\n")


@contextmanager
def _servers() -> Iterator[tuple[int, int]]:
    ports = (free_port(), free_port())
    started = [subprocess.Popen([sys.executable, "-c", _WORK.format(port=port)]) for port in ports]
    try:
        while not all(map(is_listening, ports)):
            time.sleep(0.1)
        yield ports
    finally:
        for process in started:
            process.kill()
            process.wait()


@contextmanager
def _hog(waving: bool | None) -> Iterator[None]:
    if waving is None:
        yield
        return
    process = multiprocessing.get_context("spawn").Process(target=hog, args=(waving,), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _job(folder: Path, ports: tuple[int, int]) -> LoadJob:
    plan = {
        "executor": "constant-arrival-rate",
        "rate": RATE,
        "duration": f"{RECORDED_S + 3}s",
        "preAllocatedVUs": 100,
        "gracefulStop": "5s",
    }
    scenarios = tuple(
        ScenarioJob(
            name=name_of_side("get", side),
            executor=read_executor(plan),
            workload="perf_pipeline.workloads.steps.scenario:HttpSteps",
            parameters={
                "run": "bench",
                "base_url": f"http://127.0.0.1:{port}",
                "allowed": [],
                "exec": "http_steps",
                "folder": ".",
                "env": {},
                "own": {"steps": [{"name": "get", "path": "/"}]},
                "ids_files": {},
                "query_files": {},
            },
            warm_up_us=3 * _S,
            side=side,
            draws_as="get",
        )
        for side, port in enumerate(ports)
    )
    return LoadJob("bench", "duet", "1", folder, 7, 1, scenarios)


def drawn(recorded: OperationSamples, seed: int, seconds: int, factor: float) -> OperationSamples:
    """Make a duet of a recording: its pieces in another order, with a known truth."""
    random = np.random.default_rng(seed)
    count = (recorded.until_us - recorded.from_us) // PIECE_US
    sides: list[list[SideSamples]] = [[], []]
    for place in range(seconds * _S // PIECE_US):
        from_us = recorded.from_us + int(random.integers(count)) * PIECE_US
        piece = recorded.within(from_us, from_us + PIECE_US)
        pair = [piece.baseline, piece.candidate]
        if random.integers(2):
            pair.reverse()
        for side, answer in enumerate(pair):
            took = answer.took_us * (factor if side else 1.0)
            at_us = answer.intended_us - from_us + place * PIECE_US
            sides[side].append(SideSamples(at_us, took.astype(np.int64), answer.ok))
    joined = [
        SideSamples(
            *(np.concatenate([getattr(part, key) for part in side]) for key in _DRAWN),
        )
        for side in sides
    ]
    return OperationSamples("get", joined[0], joined[1], 0, seconds * _S)


def verdict_of(samples: OperationSamples) -> tuple[DuetFinding, float]:
    """Look at a duet as often as planned; return what was found, and after how many seconds."""
    for look in planned_looks(samples.until_us, DuetRules().alpha):
        cut = samples.within(0, look.at_us)
        finding = judge_duet([cut], DuetRules(alpha=look.alpha))
        if finding.is_decided:
            break
    return finding, look.at_us / _S


def narrower(recorded: OperationSamples) -> float:
    """Return how many times narrower a duet's median is known than that of two runs in a row.

    Both take a minute. The two runs in a row are a half of the minute each: the baseline's times of
    the first, the candidate's of the second. What is compared is the spread of what they find.
    """
    together, in_a_row = [], []
    half_us = RECORDED_S * _S // 2
    for seed in range(SEEDS):
        whole = drawn(recorded, seed, RECORDED_S, 1.0)
        ratio = paired_ratio(block_logs(whole, BlockStatistic.MEDIAN), 0.05)
        assert ratio is not None
        together.append(np.log(ratio.estimate))
        old = whole.within(0, half_us).baseline.value(BlockStatistic.MEDIAN)
        new = whole.within(half_us, 2 * half_us).candidate.value(BlockStatistic.MEDIAN)
        assert old
        assert new
        in_a_row.append(np.log(new / old))
    return float(np.std(in_a_row) / np.std(together))


def judge(folder: Path) -> None:
    """Print the table."""
    row = "| {} | {} | {} | {} | {} | {} |\n".format
    told = ("A/A differ", "+5 % in 60 s", "+30 % in 60 s", "+3 % in 180 s")
    sys.stdout.write(row("noise", *told, "narrower"))
    for kind in KINDS:
        (read,) = read_sides(folder / kind.replace(" ", "-"), "1", {"get": True})
        cells = []
        for factor, seconds in ((1.0, 60), (1.05, 60), (1.3, 60), (1.03, 180)):
            found = Counter(
                verdict_of(drawn(read, seed, seconds, factor))[0].verdict for seed in range(SEEDS)
            )
            right = found[DuetVerdict.SLOWER]
            wrong = found[DuetVerdict.FASTER] + (right if factor == 1.0 else 0)
            cells.append(f"{wrong if factor == 1.0 else right} of {SEEDS}")
        sys.stdout.write(row(kind, *cells, f"{narrower(read):.1f} times"))


if __name__ == "__main__":
    {"record": record, "judge": judge}[sys.argv[1]](Path(sys.argv[2]))
