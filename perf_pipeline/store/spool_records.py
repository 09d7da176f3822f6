"""Read the two JSON files that say what a spooled run is and how a benchmark of it ended.

Add here: another JSON file of the spool. Keep out: what its fields mean (records.py) and the
samples (spool_csv.py).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perf_pipeline.errors import SpoolDamagedError
from perf_pipeline.metrics.spool_seal import sealed, unsealed
from perf_pipeline.store.records import BenchmarkOutcome, RunRecord
from perf_pipeline.store.spool_manifest import OUTCOME_FILE

RUN_FILE: Final = "run.json"


@dataclass(frozen=True, slots=True)
class SpooledRun:
    """Hold a spooled run, and whether run.json has a checksum: older versions wrote none."""

    record: RunRecord
    is_sealed: bool


def write_run_record(spool_run: Path, record: RunRecord) -> None:
    """Write a spooled run's run.json, with its checksum.

    Raises:
        OSError: the disk does not take it.
    """
    (spool_run / RUN_FILE).write_text(sealed(record.to_json()), encoding="utf-8")


def write_outcome(folder: Path, outcome: BenchmarkOutcome) -> None:
    """Write a spooled benchmark's outcome.json, with its checksum.

    Raises:
        OSError: the disk does not take it.
    """
    (folder / OUTCOME_FILE).write_text(sealed(outcome.to_json()), encoding="utf-8")


def read_spooled_run(spool_run: Path) -> SpooledRun:
    """Read a spooled run's run.json.

    Raises:
        SpoolDamagedError: it is missing or damaged.
    """
    path = spool_run / RUN_FILE
    try:
        text, is_sealed = unsealed(path.read_bytes())
        return SpooledRun(RunRecord.from_json(text), is_sealed)
    except OSError as error:
        raise SpoolDamagedError(
            f"{path} cannot be read: {error.strerror}",
            hint="name the folder of a run inside the spool",
        ) from error
    except ValueError as error:
        raise SpoolDamagedError(
            f"{path} cannot be read: {error}",
            hint="nothing of this run was stored; what the history has of it stays",
        ) from error


def read_run(spool_run: Path) -> RunRecord:
    """Read a spooled run's run.json.

    Raises:
        SpoolDamagedError: it is missing or damaged.
    """
    return read_spooled_run(spool_run).record


def read_outcome(folder: Path) -> BenchmarkOutcome | None:
    """Read a spooled benchmark's outcome.json; None when it was cut off before writing one.

    Raises:
        SpoolDamagedError: the file is there and whole, but not what this version writes.
    """
    path = folder / OUTCOME_FILE
    try:
        text, _ = unsealed(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None  # never written, or not to its end
    except OSError as error:
        raise SpoolDamagedError(f"{path} cannot be read: {error}") from error
    try:
        return BenchmarkOutcome.from_json(text)
    except json.JSONDecodeError:
        return None  # cut off while it was written: the same as never written
    except ValueError as error:
        raise SpoolDamagedError(f"{path} is of another version: {error}") from error
