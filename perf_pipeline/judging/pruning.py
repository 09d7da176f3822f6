"""Remove old runs for good, except runs on which a verdict of a later run may be based.

Add here: another reason to keep a run. Keep out: raw samples of kept runs (retention.py), and
asking the user (cli/prune.py).
"""

import json
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from perf_pipeline.analysis.guard import WINDOW
from perf_pipeline.errors import StoreError
from perf_pipeline.judging.asked import require_runs
from perf_pipeline.store.baselines import CONFIRMED, changes, decisions, releases
from perf_pipeline.store.history import History
from perf_pipeline.store.removal import (
    KnownRun,
    StoredLoad,
    compared_with,
    known_runs_in_order,
    remove_runs,
    stored_loads,
)
from perf_pipeline.store.rerun_ids import rerun_of
from perf_pipeline.store.state import State
from perf_pipeline.store.unfinished import unfinished, waiting
from perf_pipeline.store.waiting import take_up

DECIDED: Final = "pinned or accepted"
LEVEL: Final = "the first of a level"
UNDER_WAY: Final = "under way"
WAITING: Final = "not stored yet (`perf-pipeline ingest` does it)"
NEEDED: Final = "needed by a baseline"


@dataclass(frozen=True, slots=True)
class Wish:
    """Say which runs may be removed: those that neither rule keeps.

    Attributes:
        keep: how many of the newest runs stay, not counting re-runs; None if only age decides.
        since: runs that began since then stay; None if only the number decides.
        is_loading: whether a run is in progress in this folder; it stays.
    """

    keep: int | None
    since: datetime | None
    is_loading: bool = False

    def keeps(self, place: int, run: KnownRun) -> bool:
        """Say whether a run stays by these rules, given the number of newer runs."""
        by_number = self.keep is not None and place < self.keep
        return by_number or (self.since is not None and run.began_at >= self.since)


@dataclass(frozen=True, slots=True)
class Pruning:
    """Hold the consequences of a wish.

    Attributes:
        going: the runs to remove, newest first, each with its re-runs.
        staying: by reason, how many runs stay although the wish does not keep them.
        kept: how many runs the wish keeps.
    """

    going: Sequence[KnownRun]
    staying: Mapping[str, int]
    kept: int


def plan_pruning(state: State, wish: Wish) -> Pruning:
    """Work out which runs would be removed and which would stay, without changing anything.

    Raises:
        RequestError: no run was ever made in this folder.
        StoreBusyError: the history is open elsewhere.
    """
    require_runs(state)
    with state.history() as history:
        take_up(history, state)
        return _planned(history, state, wish)


def prune(state: State, wish: Wish, agreed: AbstractSet[str]) -> tuple[list[str], int]:
    """Remove runs for good: their rows, spool files and reports.

    The needed runs are worked out again, because another run may have been made since the user
    agreed.

    Args:
        state: the folder of history, spool and reports.
        wish: the wish as it was shown.
        agreed: the runs that the user agreed to remove.

    Returns:
        The ids of the removed runs, and how many bytes their files had.

    Raises:
        StoreBusyError: the history is open elsewhere.
        StoreError: files of a run can't be removed; its rows are kept.
    """
    with state.history() as history:
        planned = _planned(history, state, wish).going
        going = [run.run_id for run in planned if run.run_id in agreed]
        # Remove the spool first: a run that remains only in the spool would be stored again.
        freed = sum(_removed(state.spool / run_id) for run_id in going)
        remove_runs(history, going)
    return going, freed + sum(_removed(state.reports(run_id)) for run_id in going)


def _planned(history: History, state: State, wish: Wish) -> Pruning:
    runs = known_runs_in_order(history)
    families = _families(runs)
    heads = [runs_of[0] for runs_of in families.values()]
    kept = {run.run_id for place, run in enumerate(heads) if wish.keeps(place, run)}
    reasons = _reasons(history, state, runs, kept, is_loading=wish.is_loading)
    going: list[KnownRun] = []
    staying: Counter[str] = Counter()
    for head, family in families.items():
        if head in kept:
            continue
        found = [reasons[run.run_id] for run in family if run.run_id in reasons]
        if found:
            staying[found[0]] += 1
        else:
            going += family
    return Pruning(going, staying, len(kept))


def _families(runs: Sequence[KnownRun]) -> dict[str, list[KnownRun]]:
    """Return each run followed by its re-runs, newest first."""
    known = {run.run_id for run in runs}
    head_of = {run.run_id: _head(run.run_id, known) for run in runs}
    families: dict[str, list[KnownRun]] = {
        run.run_id: [run] for run in runs if head_of[run.run_id] == run.run_id
    }
    for run in runs:
        if head_of[run.run_id] != run.run_id:
            families[head_of[run.run_id]].append(run)
    return families


def _head(run_id: str, known: Collection[str]) -> str:
    confirmed = rerun_of(run_id)
    return confirmed if confirmed in known else run_id


def _reasons(
    history: History,
    state: State,
    runs: Sequence[KnownRun],
    kept: Collection[str],
    *,
    is_loading: bool,
) -> dict[str, str]:
    """Return the reason for each run that has to stay, the most important reason first."""
    accepted = {row.run_id for row in decisions(history) if row.action == "accepted"}
    pinned = {row.run_id for row in releases(history)}
    loads = stored_loads(history)
    needed = {*_needed(history, loads, kept, pinned), *compared_with(history, kept)}
    found = {
        DECIDED: accepted | pinned,
        LEVEL: {row.run_id for row in changes(history) if row.found_by in CONFIRMED},
        UNDER_WAY: unfinished(state, runs, loads) if is_loading else set(),
        WAITING: waiting(state, runs, loads),
        NEEDED: needed,
    }
    reasons: dict[str, str] = {}
    for reason, run_ids in found.items():
        for run_id in run_ids:
            reasons.setdefault(run_id, reason)
    return reasons


def _needed(
    history: History, loads: Sequence[StoredLoad], kept: Collection[str], pinned: Collection[str]
) -> Iterator[str]:
    """Return the runs that the next run and pinned releases will be compared with.

    A profile that is run once a month needs its history, too, whatever age the wish allows.
    """
    loads = [load for load in loads if load.branch is not None]
    newest = {(load.profile, load.benchmark, load.branch): load for load in reversed(loads)}
    alive = {load.like for load in loads if load.run_id in kept}
    alive |= {load.like for load in newest.values()}
    ends = {load.like: place for place, load in reversed([*enumerate(loads)]) if load.like in alive}
    begins = [*ends.values()]  # for a release, the runs before it count
    begins += [place for place, load in enumerate(loads) if load.run_id in pinned]
    windows = {run_id: _window(history, run_id) for run_id in {loads[n].run_id for n in begins}}
    for begin in begins:
        end = loads[begin]
        left = 2 * windows[end.run_id]  # runs that are out of line are checked and left out
        for load in loads[begin:]:
            if left and load.like == end.like:
                yield load.run_id
                left -= load.counts


def _window(history: History, run_id: str) -> int:
    """Return how many runs a baseline has according to a run's profile."""
    with suppress(ValueError, KeyError, TypeError):
        return max(WINDOW, int(json.loads(history.run(run_id).profile_json)["baseline"]["window"]))
    return WINDOW


def _removed(folder: Path) -> int:
    """Remove a folder, and return the size of its files in bytes; 0 if there is none."""
    if not folder.is_dir():
        return 0
    size = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StoreError(
            f"{error.filename or folder} can't be removed: {error.strerror}",
            hint="change its permissions, then run `perf-pipeline prune` again",
        ) from error
    return size


def since(now: datetime, age_s: float | None) -> datetime | None:
    """Return the time before which runs are older than an age; None without an age."""
    if age_s is None:
        return None
    with suppress(OverflowError):
        return now - timedelta(seconds=age_s)
    return datetime.min.replace(tzinfo=now.tzinfo)
