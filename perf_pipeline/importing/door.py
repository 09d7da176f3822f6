"""Import a file of another tool: read it, make its profile, and put it into the spool.

Add here: a step between the file and the spool. Keep out: reading (tools.py), judging (judging/).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from perf_pipeline.importing.made_profile import made_profile
from perf_pipeline.importing.opening import Opened, opened
from perf_pipeline.importing.spooling import Import, id_ending, made_in, write_run
from perf_pipeline.quoting import first_few
from perf_pipeline.store.imports.foreign import ForeignRun
from perf_pipeline.store.state import State

_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Imported:
    """Say which run a file became, and whether the history had it before."""

    run_id: str
    is_known: bool


def import_file(state: State, path: Path, wanted: Import) -> Imported:
    """Put a file into the spool as a run, unless its contents are a run already.

    Args:
        state: folder of spool and history.
        path: of the file.
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
        if known is not None:
            return known
        folder = scratch / "run" / wanted.tool.name
        folder.mkdir(parents=True)
        run = wanted.tool.read(source.plain, folder, source.shown)
        if source.is_cut:
            run = replace(run, cut="its compressed data ends too early")
        run = _told(run, wanted.thresholds)
        profile = made_profile(wanted, run)
        return Imported(write_run(folder, state, source, run, wanted, profile), is_known=False)


def _told(run: ForeignRun, also: Collection[str]) -> ForeignRun:
    """Say which thresholds of the tool are checked by nobody here."""
    left_out = [name for name, key in run.unjudged.items() if key not in also]
    if not left_out:
        return run
    told = (
        f"the thresholds of {first_few(left_out, _MOST_NAMED)} don't stand in this file, so they "
        "are NOT checked; name the file of --summary-export of the same run with --summary, or "
        "give them with --threshold"
    )
    return replace(run, notices=(*run.notices, told))


def _known(state: State, source: Opened) -> Imported | None:
    """Find the run of these contents; one that waits in the spool is not in the history yet."""
    ending = id_ending(source)
    with state.history() as history:
        stored = [run_id for run_id in history.run_ids() if run_id.endswith(ending)]
    if stored:
        return Imported(min(stored), is_known=True)
    waiting = [run.name for run in state.spool.glob(f"*{ending}") if run.is_dir()]
    return Imported(min(waiting), is_known=False) if waiting else None
