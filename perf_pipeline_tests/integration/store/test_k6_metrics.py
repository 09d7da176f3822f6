"""k6's built-in metrics in the history; every expectation is worked out by hand."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from perf_pipeline.metrics.sample import Reading
from perf_pipeline.store.history import History
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import (
    KEY,
    Spool,
    by_key,
    complete,
    counts,
    observe,
    sample,
)

# One new connection of 6 ms (2 of them TLS), then three requests on it.
_PHASES = ((500, 3_500, 2_000, 10, 900, 90), *[(0, 0, 0, 20, 1_900, 80)] * 3)
_SAMPLES = [
    replace(
        sample(sum(split[3:]) / 1_000, iteration=n),
        blocked_us=split[0],
        connecting_us=split[1],
        tls_us=split[2],
        sending_us=split[3],
        waiting_us=split[4],
        receiving_us=split[5],
    )
    for n, split in enumerate(_PHASES)
]
# A refused connection: it was tried for 1 ms, and nothing was ever sent.
_REFUSED = replace(
    sample(1, status=0, error="refused"), blocked_us=100, connecting_us=900, scenario="read"
)
_VUS = [
    Reading(second * 1_000_000, source, name, value)
    for second, create, read in ((1, 2, 1), (2, 4, 1), (3, 3, 0))
    for source, value in (("", create + read), ("create", create), ("read", read))
    for name in ("vus", "vus_busy")
]
_ITERATIONS = """scenario,vu,iteration,phase,intended_us,started_us,ended_us,outcome
create,1,0,warm-up,0,0,9000000,ok
create,1,1,measured,1000000,1000000,2500000,ok
create,2,0,measured,1000000,1500000,2000000,failed
read,1,0,measured,1000000,1000000,1100000,ok
read,1,1,drain,10900000,10900000,20900000,interrupted
read,2,1,measured,10900000,10900000,20900000,interrupted
"""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Give a history of one run; nobody changes what was measured."""
    folder = tmp_path_factory.mktemp("k6-metrics")
    spool = Spool(
        samples=[*_SAMPLES, _REFUSED],
        readings=_VUS,
        outcome=complete(counts("create"), counts("read")),
    )
    run = spool.write(folder)
    (run / "api" / "iterations-1-0.csv").write_text(_ITERATIONS)
    with history_at(folder / "history.duckdb") as opened:
        opened.ingest(run, "api")
        yield opened


@pytest.mark.parametrize(
    ("key", "expression", "expected"),
    [
        ("http_req_blocked", "avg<1", 0.12),  # 0.5 + 3 * 0 + 0.1 over 5
        ("http_req_connecting", "max<1", 3.5),
        ("http_req_connecting{scenario:read}", "max<1", 0.9),
        ("http_req_tls_handshaking", "avg<1", 0.5),  # 2 + 3 * 0 over 4: the refused one had none
        ("http_req_sending", "med<1", 0.02),
        ("http_req_waiting", "min<1", 0.9),  # only what was sent waited
        ("http_req_receiving", "max<1", 0.09),
        ("http_req_duration{scenario:create}", "max<1", 2.0),  # 0.02 + 1.9 + 0.08
        ("iteration_duration", "max<1", 1_500),  # warm-up, drain and interrupted ones don't count
        ("iteration_duration", "avg<1", 700),  # 1500 + 500 + 100 over 3
        ("iteration_duration{scenario:read}", "med<1", 100),
        ("vus", "value>0", 3),  # at the last second, over both scenarios
        ("vus{scenario:create}", "value>0", 3),
        ("vus{scenario:read}", "value==0", 0),
        ("vus_max", "value>0", None),  # nobody wrote it down
    ],
)
def test_a_threshold_on_a_built_in_metric_sees_k6s_figure(
    history: History, key: str, expression: str, expected: float | None
) -> None:
    found = observe(history, key, expression)

    assert found == (None if expected is None else pytest.approx(expected, rel=1e-12))


def test_summaries_have_vus_by_scenario_and_in_all(history: History) -> None:
    found = by_key(history.summarise(KEY))

    assert (found["vus{}"].minimum, found["vus{}"].maximum, found["vus{}"].last) == (3, 5, 3)
    assert (found["vus{scenario:create}"].minimum, found["vus{scenario:create}"].maximum) == (2, 4)
    assert "vus_max{}" not in found
    assert found["iteration_duration{scenario:create}"].average == 1_000


def test_requests_are_counted_by_status_and_by_class_of_error(history: History) -> None:
    found = by_key(history.summarise(KEY))

    endings = {
        key: (summary.count, summary.rate)
        for key, summary in found.items()
        if key.startswith(("http_reqs{status", "http_reqs{error"))
    }
    assert endings == {  # over 10 measured seconds
        "http_reqs{status:201}": (4, 0.4),
        "http_reqs{status:0}": (1, 0.1),
        "http_reqs{error:refused}": (1, 0.1),
    }
