"""Numbers, changes and names as people read them, the same in every report.

Add here: a unit's spelling. Keep out: layout, colours and escaping of one format.
"""

import math
from datetime import datetime
from typing import Final

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.analysis.power import remedy
from perf_pipeline.analysis.scale import Effect, Scale
from perf_pipeline.errors import ExitCode
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.naming import metric_key, written_filter
from perf_pipeline.metrics.statistic import unit_of
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status, Threshold, Verdict
from perf_pipeline.units import US_PER_S, format_bytes, format_duration

ABSENT: Final = "-"
NOT_JUDGED: Final = "not judged"
HALF_NOISE: Final = "half the noise"
OUTCOMES: Final = {
    ExitCode.OK: "PASS",
    ExitCode.THRESHOLD_FAILED: "FAIL",
    ExitCode.REGRESSED: "REGRESSED",
    ExitCode.NOT_MEASURED: "NOT MEASURED",
    ExitCode.STOPPED: "STOPPED",
}
_TIMES: Final = "times"
_LARGEST_PLAIN: Final = 1e15
_SMALLEST_PLAIN: Final = 1e-4
_MOST_DIGITS: Final = 9

_BYTES: Final = frozenset({"bytes", "bytes/s", "bytes/h"})


def number(value: float, digits: int = 3) -> str:
    """Write a number with at least three significant digits, and with commas between thousands.

    >>> number(1234567.8), number(12.345), number(0.0123456), number(5.0)
    ('1,234,568', '12.3', '0.0123', '5')
    """
    if not math.isfinite(value):
        return ABSENT
    size = abs(value)
    if size == 0:
        return "0"
    if not _SMALLEST_PLAIN <= size < _LARGEST_PLAIN:
        return f"{value:.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity(value: float | None, unit: str, digits: int = 3) -> str:
    """Write a value with its unit; ratios as percent, bytes with a prefix, no value as `-`.

    >>> quantity(0.0123, "ratio"), quantity(812.4, "ms"), quantity(3.2, "times")
    ('1.23 %', '812 ms', '3.2x')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    if unit == "ratio":
        return f"{number(100 * value, digits)} %"
    if unit == "percent":
        return f"{number(value, digits)} %"
    if unit == _TIMES:
        return f"{number(value, digits)}x"
    if unit in _BYTES and digits == 3:
        return format_bytes(round(value)) + unit.removeprefix("bytes")
    return f"{number(value, digits)} {unit}"


def unit_text(unit: str) -> str:
    """Write a unit beside an axis, the same for shares however they are stored.

    >>> unit_text("ratio"), unit_text("percent"), unit_text("percent of one core")
    ('%', '%', '% of one core')
    """
    return "%" if unit == "ratio" else unit.replace("percent", "%", 1)


def observed(verdict: Verdict) -> str:
    """Write what was observed, with the digits that show on which side of the bound it is.

    Of an INVALID one it says nothing about the target, so that no figure is written.
    """
    if verdict.status is Status.INVALID:
        return NOT_JUDGED
    return beside_bound(verdict.observed, verdict.threshold)


def beside_bound(value: float | None, threshold: Threshold) -> str:
    """Write a figure with the digits that show on which side of a threshold's bound it is."""
    unit = statistic_unit(threshold.metric, threshold.statistic)
    texts = (
        (quantity(value, unit, digits), quantity(threshold.bound, unit, digits))
        for digits in range(3, _MOST_DIGITS)
    )
    if value is None or value == threshold.bound:
        return quantity(value, unit)
    return next((seen for seen, bound in texts if seen != bound), quantity(value, unit))


def statistic_unit(metric: str, statistic: str) -> str:
    """Return the unit of a statistic: a counter's rate is per second, a headroom is a factor."""
    if metric == "headroom_ratio":
        return _TIMES
    known = CATALOG.get(metric)
    return "" if known is None else unit_of(known, statistic)


def summary_key(summary: Summary) -> str:
    """Write metric and tag filter as in a profile."""
    return metric_key(summary.metric, written_filter(summary.tags))


def moment(at: datetime) -> str:
    """Write a moment of UTC to the second.

    >>> moment(datetime(2026, 1, 4, 6))
    '2026-01-04 06:00:00 UTC'
    """
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def minute(at: datetime | str) -> str:
    """Write a moment of UTC to the minute, as for a list; of a text that is ISO 8601 as well.

    >>> minute("2026-01-04T06:00:59.5+00:00"), minute(datetime(2026, 1, 4, 6))
    ('2026-01-04 06:00', '2026-01-04 06:00')
    """
    return (at if isinstance(at, str) else at.isoformat())[:16].replace("T", " ")


def seconds(value: float) -> str:
    """Write a duration to a tenth of a second, from a minute on to a second.

    >>> seconds(118.04), seconds(5.04)
    ('1m58s', '5s')
    """
    us = round(value) * US_PER_S if value >= 60 else round(10 * value) * US_PER_S // 10
    return format_duration(us)


def signed(change: float, scale: Scale, unit: str = "") -> str:
    """Write a change: per cent, percentage points (pp) or the metric's unit.

    >>> signed(0.1234, Scale.RELATIVE), signed(-0.005, Scale.POINTS), signed(5, Scale.UNIT, "ms")
    ('+12.3 %', '-0.50 pp', '+5 ms')
    """
    if scale is Scale.RELATIVE:
        return f"{100 * change:+,.1f} %" if abs(change) < 10 else f"{100 * change:+,.0f} %"
    if scale is Scale.POINTS:
        return f"{100 * change:+.2f} pp"
    sign = "+" if change >= 0 else ""
    return f"{sign}{number(change)} {unit}".rstrip()


def interval(effect: Effect, unit: str = "") -> str:
    """Write the interval of a change, or `-`."""
    if effect.low is None or effect.high is None:
        return ABSENT
    return f"{signed(effect.low, effect.scale, unit)} to {signed(effect.high, effect.scale, unit)}"


def diff_unit(diff: Diff) -> str:
    """Return the unit of a compared series."""
    return statistic_unit(diff.series.metric, diff.series.statistic)


def change_of(diff: Diff) -> str:
    """Write a diff's change, or `-`."""
    return signed(diff.effect.change, diff.effect.scale, diff_unit(diff)) if diff.effect else ABSENT


def interval_of(diff: Diff) -> str:
    """Write the interval of a diff's change, or `-`."""
    return interval(diff.effect, diff_unit(diff)) if diff.effect else ABSENT


def detectable_of(diff: Diff) -> str:
    """Write the smallest worsening that a single run shows, or `-`."""
    if diff.minimum_detectable is None or diff.effect is None:
        return ABSENT
    return signed(diff.minimum_detectable, diff.effect.scale, diff_unit(diff)).removeprefix("+")


def remedy_of(diff: Diff) -> str:
    """Write the smallest worsening that a run would show with more runs or less noise, or `-`.

    Four times the requests halve the noise that comes from sampling; a quieter machine makes
    less of the other.
    """
    found = remedy(diff)
    if found is None or diff.effect is None:
        return ABSENT
    if not found.helps:
        return "limited by the minimum effect"
    scale, unit = diff.effect.scale, diff_unit(diff)
    more_runs = (found.full_window, f"with {found.window} runs")
    less_noise = (found.half_noise, f"with {HALF_NOISE}")
    return ", ".join(
        f"{signed(value, scale, unit).removeprefix('+')} {how}"
        for value, how in (more_runs, less_noise)
        if value is not None and value < found.now
    )


def reference_of(diff: Diff) -> str:
    """Write what a diff was compared with: the pinned figure, or the median of the baseline.

    A pinned release is named.
    """
    if diff.pinned is not None:
        return f"{diff.against or 'pinned'} {quantity(diff.pinned, diff_unit(diff))}"
    return quantity(diff.noise.median, diff_unit(diff))


def variation_of(diff: Diff) -> str:
    """Write the coefficient of variation of the baseline, or `-`."""
    return ABSENT if diff.noise.cv is None else f"{100 * diff.noise.cv:.1f} %"


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Write a count with its noun.

    >>> plural(1, "threshold"), plural(2, "threshold")
    ('1 threshold', '2 thresholds')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {nouns or f'{noun}s'}"


def words(status: str) -> str:
    """Write a status for people: blanks instead of underscores."""
    return status.replace("_", " ")


def printable(text: str) -> str:
    """Replace what no report may carry: control characters, lone surrogates, non-characters.

    Tab and line break become a blank, so that a value can never break a line or a cell.
    """
    # Letters, digits, marks and blanks only, as nearly always: a tenth of the time.
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    if character in "\t\n\r":
        return " "
    code = ord(character)
    control = code < 0x20 or 0x7F <= code < 0xA0
    illegal = 0xD800 <= code <= 0xDFFF or code & 0xFFFE == 0xFFFE
    return "\N{REPLACEMENT CHARACTER}" if control or illegal else character
