"""A search for a capacity that never was, for tests of what is shown of one.

Add here: another answer. Keep out: searching (unit/analysis).
"""

from dataclasses import replace
from typing import Final

from perf_pipeline.analysis.capacity.search import Capacity, SearchPlan, Shown, replayed
from perf_pipeline.metrics.capacity_window import CapacityWindow
from perf_pipeline.report.capacity_texts import CapacityReport, answer_sentence

WINDOW: Final = CapacityWindow(
    number=3,
    purpose="search",
    rate_per_s=200.0,
    length_s=10.0,
    achieved_per_s=171.5,
    p95_ms=512.4,
    failed_ratio=0.0,
    dropped=12,
    growth_per_s=28.0,
    growth_of="operations in flight",
    cpu='{"host": 83.4, "api": 98.2}',
    shown="FAILED",
    reason="http_req_duration p(95)<300 was 512 ms",
    found="host CPU (avg 83.4 %)",
)
PLAN: Final = SearchPlan(hint=50.0, lowest=1.0, highest=1_000.0, precision=0.5, confirm=1)
SHOWN: Final = (Shown.HELD, Shown.HELD, Shown.FAILED, Shown.FAILED, Shown.HELD, Shown.HELD)


def windows_of(answer: Capacity) -> tuple[CapacityWindow, ...]:
    """Make a row for each window of a search."""
    return tuple(
        replace(
            WINDOW,
            number=number,
            purpose=str(tried.purpose),
            rate_per_s=tried.rate,
            shown=str(tried.shown),
            reason=WINDOW.reason if tried.shown is Shown.FAILED else "",
        )
        for number, tried in enumerate(answer.tried, start=1)
    )


def searched() -> CapacityReport:
    """Make what reports show of a search: 50 and 100 hold, 200 fails twice, 141.4 holds."""
    answer = replayed(PLAN, [*SHOWN, *[Shown.HELD] * 9])
    windows = windows_of(answer)
    sentence = answer_sentence("checkout", answer, windows, target_per_s=1_000_000 / 86_400)
    return CapacityReport(sentence, answer, windows)
