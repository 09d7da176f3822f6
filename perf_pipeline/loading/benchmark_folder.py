"""Manage a benchmark's folder in the spool: it is made anew before the load, complete at its end.

Add here: another file that says how a load went as a whole. Keep out: the measured values
themselves.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from perf_pipeline.errors import GeneratorLimitError
from perf_pipeline.loading.session import Session
from perf_pipeline.store.access import is_full
from perf_pipeline.store.records import BenchmarkOutcome
from perf_pipeline.store.spool_manifest import write_manifest
from perf_pipeline.store.spool_records import write_outcome


def fresh_folder(session: Session, benchmark: str) -> Path:
    """Make the benchmark's folder in the spool; an earlier attempt of the same run goes.

    Raises:
        GeneratorLimitError: the disk is full.
    """
    folder = session.folder / benchmark
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        if not is_full(error):
            raise
        raise GeneratorLimitError(
            f"{folder} can't be made: {error.strerror}", hint="make room on the disk and run again"
        ) from error
    return folder


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in the place of the one before: who reads it meanwhile, or after a crash, has one.

    Raises:
        OSError: it can't be written; the one before is as it was.
    """
    draft = path.with_suffix(".draft")  # which no pattern of the spool takes for measured
    draft.write_bytes(content)
    draft.replace(path)


def write_down(folder: Path, outcome: BenchmarkOutcome, limits: Sequence[str] = ()) -> None:
    """Write outcome.json and then the manifest, which says that all the others are whole.

    Raises:
        GeneratorLimitError: the disk is full; the error also says what ended the load.
    """
    try:
        write_outcome(folder, outcome)
        write_manifest(folder)
    except OSError as error:
        why = limits or [f"the files of {folder} can't be written: {error.strerror}"]
        raise GeneratorLimitError(
            f"{'; '.join(why)}; {outcome.benchmark} is treated as cut off",
            hint=(
                f"make room on the disk and run again; what was already written is kept in {folder}"
            ),
        ) from error
