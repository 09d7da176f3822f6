"""Write what a file of another tool gave as a run of the spool, whole or not at all.

Add here: another fact of an imported run. Keep out: what the file said (tools.py).
"""

import csv
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from perf_pipeline import __version__
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import StoreError
from perf_pipeline.importing.opening import Opened
from perf_pipeline.importing.tools import Tool
from perf_pipeline.metrics.sample import REPORTED_COLUMNS, ReportedFigure
from perf_pipeline.store.imports.foreign import TRIGGER, ForeignRun, WrittenThreshold
from perf_pipeline.store.records import BenchmarkOutcome, RunRecord
from perf_pipeline.store.spool_manifest import write_manifest
from perf_pipeline.store.spool_records import write_outcome, write_run_record
from perf_pipeline.store.state import State

_NOT_WATCHED: Final = (
    "generator_health NO_DATA: {}'s file does not tell whether the load generator kept up, so a "
    "generator that was too slow looks like a slow target here"
)
_ID_DIGITS: Final = 10
_RUNNER: Final = "runner_class"


@dataclass(frozen=True, slots=True)
class Import:
    """Say what is imported as what.

    Attributes:
        tool: that measured; the benchmark has its name.
        name: the name of the profile; runs of the same name are compared.
        runner: class of the machine that measured; empty where nobody says it.
        revision: facts of the target, as far as somebody says them.
        thresholds: beside those of the file.
    """

    tool: Tool
    name: str
    runner: str = ""
    revision: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, Sequence[WrittenThreshold]] = field(default_factory=dict)


def id_ending(source: Opened) -> str:
    """Return the end of the id of the run that a file's contents make: the same every time."""
    return f"import-{source.digest[:_ID_DIGITS]}"


@contextmanager
def made_in(state: State) -> Iterator[Path]:
    """Yield a folder beside the spool in which a run is made; it is gone afterwards.

    Raises:
        StoreError: the disk does not take it.
    """
    try:
        state.spool.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".import-", dir=state.folder) as scratch:
            yield Path(scratch)
    except OSError as error:
        raise StoreError(
            f"{state.folder} does not take the import: {error.strerror or error}",
            hint="make room or change its permissions; nothing was imported",
        ) from error


def as_before(wanted: Import, stored: RunRecord | None) -> Import:
    """Return what is wanted, with what was said of the same file before and is not said now."""
    if stored is None:
        return wanted
    return replace(
        wanted,
        name=stored.profile if wanted.name == wanted.tool.name else wanted.name,
        runner=wanted.runner or stored.environment.get(_RUNNER, ""),
        revision=wanted.revision or stored.revision,
    )


def write_run(
    folder: Path,
    state: State,
    source: Opened,
    run: ForeignRun,
    wanted: Import,
    profile: Profile,
    known_id: str | None = None,
) -> str:
    """Complete a benchmark's folder, and move its run into the spool; return the run's id.

    Args:
        folder: the folder of the benchmark, with its samples; the folder above it becomes the
            run's.
        state: gets the run.
        source: file that it was read from.
        run: what the file says.
        wanted: what it is imported as.
        profile: that judges it.
        known_id: the id of the run that it replaces; None for a new run.

    Raises:
        OSError: the disk does not take it.
    """
    began_at = run.began_at or _written_at(source) - timedelta(seconds=run.length_s)
    run_id = known_id or f"{began_at.astimezone(UTC):%Y%m%d-%H%M%S}-{id_ending(source)}"
    _write_reported(folder, run.reported)
    write_outcome(folder, _outcome(run, wanted, began_at))
    write_manifest(folder)
    record = RunRecord(
        run_id=run_id,
        profile=profile.name,
        profile_json=profile.as_json,
        config_hash=profile.config_hash,
        seed=profile.seed,
        target=f"what {wanted.tool.name} loaded",
        trigger=TRIGGER,
        code_version=__version__,
        began_at=began_at.astimezone(UTC).isoformat(),
        environment=_environment(wanted),
        notices=(_NOT_WATCHED.format(wanted.tool.name), *run.notices),
        planned=(wanted.tool.name,),
        revision=wanted.revision,
        machine={"imported_file": source.shown.name, "imported_sha256": source.digest},
    )
    write_run_record(folder.parent, record)
    if known_id and (state.spool / known_id).is_dir():
        shutil.rmtree(state.spool / known_id)
    folder.parent.replace(state.spool / run_id)
    return run_id


def _written_at(source: Opened) -> datetime:
    """Return when the file was written, which is at the end of a run."""
    return datetime.fromtimestamp(source.shown.stat().st_mtime, UTC)


def _environment(wanted: Import) -> dict[str, str]:
    """Return the fingerprint of imported runs, which no run of our own shares."""
    facts = {"imported_from": wanted.tool.name}
    return {**facts, _RUNNER: wanted.runner} if wanted.runner else facts


def _outcome(run: ForeignRun, wanted: Import, began_at: datetime) -> BenchmarkOutcome:
    return BenchmarkOutcome(
        benchmark=wanted.tool.name,
        status="aborted" if run.cut else "complete",
        began_at=began_at.isoformat(),
        wall_s=run.length_s,
        measured_s=run.length_s,
        scenarios=tuple(run.scenarios),
        load_hash=_load_hash(run, wanted),
        problems=(f"the file is not whole: {run.cut}",) if run.cut else (),
    )


def _load_hash(run: ForeignRun, wanted: Import) -> str:
    """Tell loads apart by what is known of them: the tool and its scenarios."""
    known = [wanted.tool.name, *sorted(scenario.name for scenario in run.scenarios)]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:12]


def _write_reported(folder: Path, figures: Iterable[ReportedFigure]) -> None:
    rows = [astuple(figure) for figure in figures]
    if not rows:
        return
    with (folder / "reported.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(REPORTED_COLUMNS)
        writer.writerows(rows)
