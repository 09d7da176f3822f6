"""Read the two JSON files that say what a spooled run is and how a benchmark of it ended.

Add here: another JSON file of the spool. Keep out: what its fields mean (records.py) and the
samples (spool_csv.py).
"""

import json
from pathlib import Path

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.store.records import BenchmarkOutcome, RunRecord


def read_run(spool_run: Path) -> RunRecord:
    """Read a spooled run's run.json.

    Raises:
        PerfPipelineError: it is missing or damaged.
    """
    path = spool_run / "run.json"
    try:
        return RunRecord.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PerfPipelineError(
            f"{path} cannot be read: {error}", hint="name the folder of a run inside the spool"
        ) from error


def read_outcome(folder: Path) -> BenchmarkOutcome | None:
    """Read a spooled benchmark's outcome.json; None when it was cut off before writing one.

    Raises:
        PerfPipelineError: the file is there and whole, but not what this version writes.
    """
    path = folder / "outcome.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PerfPipelineError(f"{path} cannot be read: {error}") from error
    try:
        return BenchmarkOutcome.from_json(text)
    except json.JSONDecodeError:
        return None  # cut off while it was written: the same as never written
    except ValueError as error:
        raise PerfPipelineError(f"{path} is of another version: {error}") from error
