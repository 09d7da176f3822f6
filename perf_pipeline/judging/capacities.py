"""Work out the results of a run's capacity searches again from their windows.

Add here: another fact that follows from the windows. Keep out: SQL (store/), wording (report/).
"""

from collections.abc import Iterable

from perf_pipeline.analysis.capacity.search import (
    Capacity,
    Purpose,
    SearchPlan,
    Shown,
    Tried,
    ended_early,
    replayed,
)
from perf_pipeline.config.capacity import CapacitySearch
from perf_pipeline.config.profile import Profile
from perf_pipeline.metrics.capacity_window import CapacityWindow
from perf_pipeline.plan.capacity import rate_range, target_per_s
from perf_pipeline.report.capacity_texts import CapacityReport, answer_sentence
from perf_pipeline.store.capacity_rows import capacity_windows
from perf_pipeline.store.history import History


def plan_of(profile: Profile, wanted: CapacitySearch) -> SearchPlan:
    """Return the plan by which a profile searches for a capacity."""
    rates = rate_range(profile, wanted)
    return SearchPlan(
        hint=rates.hint,
        lowest=rates.lowest,
        highest=rates.highest,
        precision=wanted.precision,
        max_windows=wanted.max_windows,
        confirm=wanted.confirm,
    )


def cut_short(windows: Iterable[CapacityWindow]) -> Capacity:
    """Return what the windows themselves show, if no search leads from them to an answer."""
    return ended_early(
        Tried(window.rate_per_s, Purpose(window.purpose), Shown(window.shown)) for window in windows
    )


def capacities_of(history: History, run_id: str, profile: Profile) -> dict[str, CapacityReport]:
    """Return the result of each search of a run by benchmark, except scaling runs (scalings.py).

    Args:
        history: the open history.
        run_id: the id of a stored run.
        profile: the profile that the run was made with.
    """
    found: dict[str, CapacityReport] = {}
    for name, windows in capacity_windows(history, run_id).items():
        config = profile.benchmarks.get(name)
        if config is None or config.capacity is None or config.scaling is not None:
            continue
        answer = _answer(plan_of(profile, config.capacity), windows)
        target = target_per_s(profile, config.capacity)
        sentence = answer_sentence(config.capacity.of, answer, windows, target_per_s=target)
        found[name] = CapacityReport(sentence, answer, tuple(windows))
    return found


def _answer(plan: SearchPlan, windows: list[CapacityWindow]) -> Capacity:
    """Repeat the search with the stored windows.

    If today's search would have asked for other rates (because its rules have changed since), only
    what the windows themselves show is returned.
    """
    answer = replayed(plan, [Shown(window.shown) for window in windows])
    rates = [window.rate_per_s for window in windows]
    if [window.rate for window in answer.tried] == rates:
        return answer
    return cut_short(windows)
