"""Import a file of another tool: read it, make its profile, and put it into the spool.

Add here: a step between the file and the spool. Keep out: reading (tools.py), judging (judging/).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from perf_pipeline.importing.credible import require_credible
from perf_pipeline.importing.made_profile import made_profile
from perf_pipeline.importing.opening import Opened, opened
from perf_pipeline.importing.spooling import Import, as_before, id_ending, made_in, write_run
from perf_pipeline.metrics.catalog import UNKNOWN_THRESHOLDS
from perf_pipeline.metrics.naming import metric_key, written_filter
from perf_pipeline.metrics.threshold_grammar import parse_key
from perf_pipeline.quoting import first_few
from perf_pipeline.store.imports.foreign import ForeignRun, WrittenThreshold
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.spool_records import read_run
from perf_pipeline.store.state import State

_MOST_NAMED: Final = 5
_ALL_OF_THEM: Final = "rate>=1"


@dataclass(frozen=True, slots=True)
class Imported:
    """Say which run a file became, and whether the history had it before."""

    run_id: str
    is_known: bool


def import_file(state: State, path: Path, wanted: Import) -> Imported:
    """Put a file into the spool as a run, unless its contents are a run with these thresholds.

    With others it is that run again, to be judged by them.

    Args:
        state: folder of spool and history.
        path: the path of the file.
        wanted: what it is imported as.

    Raises:
        ForeignFileError: it can't be read; nothing was imported.
        ProfileError: a threshold or a name can't be one; nothing was imported.
        StoreError: the disk does not take it.
        StoreBusyError: the history is open elsewhere.
    """
    with made_in(state) as scratch:
        source = opened(path, scratch / "plain")
        known = _known(state, source)
        if known is not None and not wanted.thresholds:
            return known.imported
        folder = scratch / "run" / wanted.tool.name
        folder.mkdir(parents=True)
        run = wanted.tool.read(source.plain, folder, source.shown, wanted.thresholds)
        require_credible(run, source.shown)
        if source.is_cut:
            run = replace(run, cut="its compressed data ends too early")
        wanted = as_before(wanted, known.stored if known else None)
        wanted = replace(wanted, thresholds=_in_our_words(wanted.thresholds, run.renamed))
        run = _with_unknown(run, wanted.thresholds)
        profile = made_profile(wanted, run)
        if known is not None and known.stored.config_hash == profile.config_hash:
            return known.imported
        known_id = known.imported.run_id if known else None
        run_id = write_run(folder, state, source, run, wanted, profile, known_id)
        return Imported(run_id, is_known=False)


def _in_our_words(
    thresholds: Mapping[str, Sequence[WrittenThreshold]], renamed: Mapping[str, str]
) -> dict[str, list[WrittenThreshold]]:
    found: dict[str, list[WrittenThreshold]] = {}
    for key, texts in thresholds.items():
        found.setdefault(renamed.get(key, key), []).extend(texts)
    return found


def _with_unknown(run: ForeignRun, also: Collection[str]) -> ForeignRun:
    """Let thresholds that the tool has and its file does not be NO_DATA, and say what helps."""
    left_out = [name for name, key in run.unjudged.items() if key not in also]
    if not left_out:
        return run
    told = (
        f"the thresholds of {first_few(left_out, _MOST_NAMED)} don't stand in this file, so they "
        "are NOT checked; name the file of --summary-export of the same run with --summary, or "
        "give them with --threshold"
    )
    unknown = {_unknown_key(name): (_ALL_OF_THEM,) for name in left_out}
    return replace(run, thresholds={**run.thresholds, **unknown}, notices=(*run.notices, told))


def _unknown_key(name: str) -> str:
    """Name the thresholds on a metric with a filter, whose braces would end ours."""
    metric, tags = parse_key(name)
    source = " ".join([metric, *(f"{tag}={value}" for tag, value in tags.items())])
    return metric_key(UNKNOWN_THRESHOLDS, written_filter({"source": source}))


@dataclass(frozen=True, slots=True)
class _Known:
    """Hold the run that a file's contents are already."""

    imported: Imported
    stored: RunRecord


def _known(state: State, source: Opened) -> _Known | None:
    """Find the run of these contents; one that waits in the spool is not in the history yet."""
    ending = id_ending(source)
    with state.history() as history:
        stored = [run_id for run_id in history.run_ids() if run_id.endswith(ending)]
        if stored:
            run_id = min(stored)
            return _Known(Imported(run_id, is_known=True), history.run(run_id))
    waiting = sorted(run for run in state.spool.glob(f"*{ending}") if run.is_dir())
    if not waiting:
        return None
    return _Known(Imported(waiting[0].name, is_known=False), read_run(waiting[0]))
