"""Points of a made-up run with every tier, as its benchmark would have them sent.

Add here: another kind of sample that a dashboard shows. Keep out: assertions.
"""

import random
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline.outputs.following import Following
from perf_pipeline.outputs.point import Point
from perf_pipeline.outputs.receivers import receiver_of
from perf_pipeline.outputs.sender import Sender

SECONDS: Final = 8
# Protocol and operation of the samples of each tier.
OPERATIONS: Final = {
    "api": (("http", "pay"),),
    "database": (("postgres", "select"), ("postgres_transaction", "order")),
    "cache": (("redis", "cache_get"),),
    "queue": (("kafka", "produce"), ("kafka", "consume")),
}
_US: Final = 1_000_000


def points_of_run(
    folder: Path, run_id: str, tiers: Collection[str] = tuple(OPERATIONS)
) -> list[Point]:
    """Give the points of a run that began some seconds ago.

    Args:
        folder: of the benchmark; made.
        run_id: of the run.
        tiers: that it loads and watches.
    """
    folder.mkdir(parents=True)
    _samples(folder, tiers)
    _readings(folder, tiers)
    origin_ms = time.time_ns() // 1_000_000 - (SECONDS + 1) * 1_000
    labels = {"testid": run_id, "benchmark": "shop", "profile": "own", "target": "here"}
    following = Following(folder, labels, origin_ms)
    points = following.look()
    for second in range(SECONDS):
        scenario = {"name": "buy", "iterations": 9 * second, "dropped_iterations": second}
        figures = {"scenarios": [{**scenario, "planned_per_s": 9.0}]}
        points += following.progress(figures, origin_ms + second * 1_000)
    return points


def sent(kind: str, url: str, points: Sequence[Point]) -> str:
    """Send points as a run does; give the sentence at the end."""
    sender = Sender(receiver_of(kind, url, {}, 0), SimpleQueue[str]().put)
    sender.offer(points)
    return sender.end(20.0)


def _samples(folder: Path, tiers: Collection[str]) -> None:
    recorder = SpoolRecorder(folder, "1", 0, ("buy",), print)
    for tier in tiers:
        for protocol, operation in OPERATIONS[tier]:
            vu = Iteration("buy", protocol, 1, 0, 0, Phase.MEASURED, random.Random(0))
            for n in range(SECONDS * 4):
                begin_us = n * _US // 4
                failed = n % 8 == 7
                recorder.sample(
                    vu,
                    operation,
                    begin_us,
                    begin_us + 5_000 + n,
                    Outcome.FAILED if failed else Outcome.OK,
                    error="timeout" if failed else "",
                )
        for n in range(SECONDS * 4):
            recorder.iteration(vu, n * _US // 4, n * _US // 4 + 9_000, Outcome.OK)
    recorder.close()


def _readings(folder: Path, tiers: Collection[str]) -> None:
    lines = ["at_us,source,name,value"]
    for metric in CATALOG.values():
        is_of = {"db_": "database", "redis_": "cache", "consumer_": "queue", "broker_": "queue"}
        tier = next((of for begin, of in is_of.items() if metric.name.startswith(begin)), "")
        if "source" in metric.tags and (not tier or tier in tiers):
            lines += [f"{n * _US},here,{metric.name},{n}" for n in range(SECONDS)]
    (folder / "readings-all.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    vus = [
        f"{n * _US},buy,{name},3" for n in range(SECONDS) for name in ("vus", "vus_max", "vus_busy")
    ]
    text = "\n".join(["at_us,source,name,value", *vus, ""])
    (folder / "readings-vus-1.csv").write_text(text, encoding="utf-8")
