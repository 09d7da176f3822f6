"""Ids of traces follow from an iteration, and the same share of them is sampled for everybody."""

import pytest

from perf_pipeline.metrics.trace_ids import is_sampled, trace_and_span, trace_id


def test_an_id_is_the_hash_of_the_iteration() -> None:
    # printf 'r1/visits/visitors/3/4' | b2sum -l 192
    digest = "1e8939535e86858e1556b870c011b667a49788c119aa29b4"

    assert trace_id("r1/visits", "visitors", 3, 4) == digest[:32]
    assert trace_and_span("r1/visits", "visitors", 3, 4)[1] == int(digest[32:], 16)
    assert trace_id("r1/visits", "visitors", 3, 5) != trace_id("r1/visits", "visitors", 3, 4)
    assert trace_id("r1/others", "visitors", 3, 4) != trace_id("r1/visits", "visitors", 3, 4)


@pytest.mark.parametrize("ratio", [0.01, 0.1, 0.5, 1.0])
def test_the_share_of_sampled_traces_is_the_ratio(ratio: float) -> None:
    traces = [trace_id("r1/visits", "visitors", vu, n) for vu in range(100) for n in range(200)]

    sampled = sum(is_sampled(trace, ratio) for trace in traces)

    # 20,000 independent traces: four standard deviations of the binomial distribution.
    assert abs(sampled - 20_000 * ratio) <= 4 * (20_000 * ratio * (1 - ratio)) ** 0.5


def test_who_samples_more_samples_these_as_well() -> None:
    traces = [trace_id("r1/visits", "visitors", 1, n) for n in range(1_000)]

    few = {trace for trace in traces if is_sampled(trace, 0.1)}
    many = {trace for trace in traces if is_sampled(trace, 0.3)}

    assert few < many
