"""Measure what a look at a running load costs the driver (abortOnFail), by size of the spool.

Run with: python -m perf_pipeline_tests.benchmarks.bench_live [rows a second]

A look comes every 2 s, so each reads the rows of 2 s. Prints the median CPU time of five looks.
Add here: nothing. Keep out: assertions (tests have them).
"""

import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.store.live_figures import LiveFigures
from perf_pipeline.store.records import RunKey

SIZES = (10_000, 56_000, 225_000, 675_000)
EVERY_S = 2
ASKED = [
    parse_threshold("http_req_duration", "p(95)<1000"),
    parse_threshold("http_req_failed", "rate<0.01"),
]


def main() -> None:
    """Print a line for each size."""
    rows = EVERY_S * (int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
    rng, recorded = random.Random(1), 0
    with tempfile.TemporaryDirectory() as scratch:
        recorder = SpoolRecorder(Path(scratch), "1", 0, ("create",), print)
        figures = LiveFigures(Path(scratch), RunKey("r1", "api"), ASKED)

        def record(count: int) -> None:
            nonlocal recorded
            for n in range(recorded, recorded + count):
                at_us = n * 1_000
                iteration = Iteration("create", "http", 1, n, at_us, Phase.MEASURED, rng)
                ended_us = at_us + rng.randrange(9_000)
                recorder.sample(iteration, "create_user", at_us, ended_us, Outcome.OK, status=201)
            recorded += count
            recorder.flush()
            time.sleep(0.3)

        for size in SIZES:
            record(size - recorded)
            figures.look()
            spent = []
            for _ in range(5):
                record(rows)
                began = time.process_time()
                figures.look()
                for question in ASKED:
                    figures.observe(question)
                spent.append(time.process_time() - began)
            print(f"{recorded:9,} samples: {1_000 * median(spent):6.1f} ms of CPU for a look")
        recorder.close()


if __name__ == "__main__":
    main()
