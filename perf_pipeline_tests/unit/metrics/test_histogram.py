"""Percentiles of a histogram are those of its values within the stated error, however merged."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_pipeline.metrics.histogram import (
    EMPTY,
    RELATIVE_ERROR,
    Histogram,
    bucket_of,
    value_of,
)

PERCENTS = (0, 1, 25, 50, 75, 90, 95, 99, 99.9, 100)


def _of(values: Sequence[float]) -> Histogram:
    buckets = Counter(bucket_of(value) for value in values)
    return Histogram(len(values), sum(values), min(values), max(values), buckets)


def _exact(values: Sequence[float], percent: float) -> float:
    """Interpolate between closest ranks (k6, and Hyndman and Fan's type 7)."""
    ordered = sorted(values)
    rank = percent / 100 * (len(ordered) - 1)
    low = ordered[int(rank)]
    return low + (ordered[min(int(rank) + 1, len(ordered) - 1)] - low) * (rank - int(rank))


def _log_normal(rng: random.Random) -> float:
    return rng.lognormvariate(2, 0.6)


def _two_humps(rng: random.Random) -> float:
    """Answer from a cache in 1 ms, or from the disk in 40 ms."""
    return rng.gauss(1, 0.1) if rng.random() < 0.9 else rng.gauss(40, 4)


def _heavy_tail(rng: random.Random) -> float:
    return 0.5 * rng.paretovariate(1.2)


def _mostly_zero(rng: random.Random) -> float:
    """Be a handshake: nearly all requests reuse their connection."""
    return 0.0 if rng.random() < 0.97 else rng.uniform(0.1, 0.9)


def _whole_us(rng: random.Random) -> float:
    return round(rng.expovariate(1 / 300)) / 1000


@pytest.mark.parametrize("draw", [_log_normal, _two_humps, _heavy_tail, _mostly_zero, _whole_us])
@pytest.mark.parametrize("size", [1, 2, 100, 20_000])
def test_every_percentile_is_within_the_stated_error(
    draw: Callable[[random.Random], float], size: int
) -> None:
    rng = random.Random(7)
    values = [draw(rng) for _ in range(size)]

    for percent in PERCENTS:
        found, exact = _of(values).percentile(percent), _exact(values, percent)
        assert found == pytest.approx(exact, rel=RELATIVE_ERROR * 1.000_001, abs=1e-6)


def test_merging_workers_gives_the_histogram_of_all_their_values() -> None:
    rng = random.Random(3)
    workers = [[_log_normal(rng) for _ in range(n)] for n in (1, 500, 3_000)]

    merged = reduce(Histogram.plus, (_of(values) for values in workers), EMPTY)

    everything = _of([value for values in workers for value in values])
    assert merged.buckets == everything.buckets
    assert (merged.count, merged.minimum, merged.maximum) == (
        everything.count,
        everything.minimum,
        everything.maximum,
    )
    assert merged.total == pytest.approx(everything.total)


@given(st.floats(min_value=2e-6, max_value=1e15))
def test_a_bucket_stands_for_each_of_its_values_within_the_stated_error(value: float) -> None:
    assert value_of(bucket_of(value)) == pytest.approx(value, rel=RELATIVE_ERROR * 1.000_001)
    assert value_of(bucket_of(-value)) == -value_of(bucket_of(value))


@given(st.lists(st.floats(min_value=-1e9, max_value=1e9), min_size=1))
def test_percentiles_never_leave_what_was_seen_and_never_fall(values: list[float]) -> None:
    found = [_of(values).percentile(percent) for percent in PERCENTS]

    assert found[0] == min(values)
    assert found[-1] == max(values)
    assert found == sorted(found, key=lambda figure: figure or 0.0)


def test_without_values_there_is_no_percentile() -> None:
    assert EMPTY.percentile(50) is None
