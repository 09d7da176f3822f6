"""Manage a benchmark's folder in the spool: it is empty before the load, and complete at its end.

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
    """Create the benchmark's folder in the spool; an earlier attempt of the same run is removed.

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
    """Replace a file so that readers, even after a crash, see either the old one or the new one.

    Raises:
        OSError: the file can't be written; the old one is unchanged.
    """
    draft = path.with_suffix(".draft")  # no pattern of the spool matches this name
    draft.write_bytes(content)
    draft.replace(path)


def write_down(folder: Path, outcome: BenchmarkOutcome, limits: Sequence[str] = ()) -> None:
    """Write outcome.json and then the manifest, which confirms that all other files are whole.

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
