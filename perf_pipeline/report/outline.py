"""Show the plan of a run as lines for a terminal: what starts when, and how much it is in total.

Add here: another figure of the plan. Keep out: working it out (plan/outline.py).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.table import Table

from perf_pipeline.plan.outline import (
    PlannedFault,
    Turn,
    load_length_us,
    longest_wait_us,
    peak_requests_per_s,
)
from perf_pipeline.report.terminal import rendered
from perf_pipeline.report.wording import plural
from perf_pipeline.units import US_PER_MS, US_PER_S, format_duration

_COLUMNS: Final = ("from", "benchmark", "scenario", "does", "load", "starts", "requests")
_NUMBERS: Final = frozenset({"starts", "requests"})
_UNWRAPPED: Final = 1_000_000
_OPEN: Final = "as answered"
_LATER: Final = " or later"


def render_outline(turns: Sequence[Turn], faults: Sequence[PlannedFault] = ()) -> str:
    """Return the plan as a table with a row for each scenario, its faults, and its totals."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column in _NUMBERS else "left", no_wrap=True)
    for row in map(_row, turns):
        table.add_row(*row)
    sentences = [*map(_fault_in_words, faults), *totals(turns)]
    below = "".join(f"{sentence}\n" for sentence in sentences)
    return f"{rendered(table, _UNWRAPPED, color=False)}\n{below}"


def totals(turns: Sequence[Turn]) -> Iterator[str]:
    """Say in sentences how much load it is in total, how fast at most, and how long it takes."""
    is_most = any(turn.is_most for turn in turns)
    starts, requests = _sum(turn.starts for turn in turns), _sum(turn.requests for turn in turns)
    counted = f"{plural(requests or 0, 'request')} in {plural(starts or 0, 'iteration')}"
    if starts is None:
        yield f"In total: as many iterations as the target answers{_but_at_least(turns)}."
    elif requests is None:
        yield f"In total: {_most(is_most)}{plural(starts, 'iteration')}."
    else:
        yield f"In total: {_most(is_most)}{counted}."
    peak = peak_requests_per_s(turns)
    if peak is not None:
        yield f"At its peak {_rate(peak)} requests start per second, as far as that is planned."
    yield (
        f"{_length(turns)}; running iterations may take up to {_time(longest_wait_us(turns))} more."
    )


def _fault_in_words(fault: PlannedFault) -> str:
    return f"At {_time(fault.begins_us)} the fault {fault.name} of {fault.benchmark} {fault.does}."


def _length(turns: Sequence[Turn]) -> str:
    shortest_us, longest_us = load_length_us(turns)
    if shortest_us == longest_us:
        return f"The load takes {_time(shortest_us)}"
    return (
        f"The load takes {_time(shortest_us)}, and what its numbers of iterations need: together "
        f"at most {_time(longest_us)} (maxDuration)"
    )


def _row(turn: Turn) -> tuple[str, ...]:
    about = _most(turn.is_most)
    return (
        f"{_time(turn.begins_us)}{_LATER if turn.delay_us else ''}",
        turn.benchmark,
        turn.scenario,
        turn.exec,
        turn.load,
        _OPEN if turn.starts is None else f"{about}{turn.starts:,}",
        "" if turn.requests is None else f"{about}{turn.requests:,}",
    )


def _but_at_least(turns: Sequence[Turn]) -> str:
    planned = sum(turn.starts or 0 for turn in turns if not turn.is_most)
    return f", {planned:,} of them planned" if planned else ""


def _sum(counts: Iterator[int | None]) -> int | None:
    listed = list(counts)
    return None if None in listed else sum(count or 0 for count in listed)


def _most(is_most: bool) -> str:
    return "up to " if is_most else ""


def _rate(per_s: float) -> str:
    return f"{per_s:,.0f}" if per_s >= 10 else f"{per_s:.3g}"


def _time(us: int) -> str:
    """Write a time to the second, or to the millisecond where it is shorter."""
    unit_us = US_PER_S if us >= US_PER_S else US_PER_MS
    return format_duration(round(us / unit_us) * unit_us) if us % unit_us else format_duration(us)
