"""Write a worker's spool of any number of requests in a ninth of the CPU that recording them takes.

A load generator takes 7 us of CPU to make up and record a request, which no benchmark of what
follows a load should wait for: here the recorder writes one request of each operation, whose kinds
stand beside, and NumPy draws the rows of all others and the seal follows.
Add here: another column that is drawn. Keep out: what is measured (large_run.py).
"""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.engine.spool_writer import write_seal
from perf_pipeline.metrics.sample import HttpPhases, Outcome, Phase
from perf_pipeline.metrics.spool_rows import HEAD_BYTES, KIND, SAMPLE_ROWS
from perf_pipeline.metrics.spool_seal import SEAL_PREFIX, FileFacts, RunningFacts, unsealed

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DTYPE: Final = np.dtype(SAMPLE_ROWS.types)
_AT_ONCE: Final = 500_000
_USERS: Final = 50


def write_drawn(
    folder: Path, operations: Sequence[tuple[str, str]], samples: int, seed: int
) -> None:
    """Write a worker's files: one request each ms, service times log-normal, operations in turns.

    Args:
        folder: of the benchmark.
        operations: each with its scenario before it.
        samples: how many, at least one of each operation.
        seed: of what is drawn.
    """
    _write_one_of_each(folder, operations)
    (file,) = folder.glob("samples-*.npy")
    facts = RunningFacts(file.name)
    with file.open("wb") as written:
        written.write(bytes(HEAD_BYTES))
        for rows in _drawn(len(operations), samples, np.random.default_rng(seed)):
            piece = rows.tobytes()
            facts.add(piece)
            written.write(piece)
        head = SAMPLE_ROWS.head(samples)
        written.seek(0)
        written.write(head)
    _seal_again(folder, file.name, facts.closed(head))


def _write_one_of_each(folder: Path, operations: Sequence[tuple[str, str]]) -> None:
    rng = random.Random(1)
    scenarios = tuple(dict.fromkeys(scenario for scenario, _ in operations))
    recorder = SpoolRecorder(folder, "1", 0, scenarios, print)
    for n, (scenario, operation) in enumerate(operations):
        recorder.sample(
            Iteration(scenario, "http", 0, 0, n * 1_000, Phase.MEASURED, rng),
            operation,
            n * 1_000,
            n * 1_000 + 3_000,
            Outcome.OK,
            status=201,
            phases=HttpPhases(),
        )
    recorder.close()


def _drawn(operations: int, samples: int, rng: np.random.Generator) -> "Iterator[NDArray[np.void]]":
    for first in range(0, samples, _AT_ONCE):
        number = np.arange(first, min(first + _AT_ONCE, samples))
        took_us = rng.lognormal(8, 0.5, len(number)).astype("<i8") + 15
        rows = np.zeros(len(number), _DTYPE)
        rows[KIND] = number % operations
        rows["vu"] = number % _USERS
        rows["iteration"] = number // _USERS
        rows["intended_us"] = number * 1_000
        rows["started_us"] = number * 1_000 + rng.integers(0, 500, len(number))
        rows["ended_us"] = rows["started_us"] + took_us
        rows["waiting_us"] = took_us - 15
        rows["sending_us"], rows["receiving_us"] = 5, 10
        rows["bytes_out"], rows["bytes_in"], rows["records"] = 350, 200, 1
        rows["checks_passed"] = 15
        yield rows


def _seal_again(folder: Path, name: str, facts: FileFacts) -> None:
    (seal,) = folder.glob(f"{SEAL_PREFIX}*")
    text, _ = unsealed(seal.read_bytes())
    known = {file: FileFacts.from_json(values) for file, values in json.loads(text).items()}
    write_seal(seal, {**known, name: facts})
