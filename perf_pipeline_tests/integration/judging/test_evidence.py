"""Findings of a stored run with their time, from readings and from samples, and after pruning."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.analysis.finding import Finding, FindingStatus
from perf_pipeline.analysis.spell import Spell
from perf_pipeline.config.loading import load_profile
from perf_pipeline.judging.evidence import findings_of
from perf_pipeline.metrics.sample import Reading
from perf_pipeline.store.history import History, open_history
from perf_pipeline.store.proof import seal
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.sample_tables import SAMPLE_TABLES, delete_samples
from perf_pipeline_tests.support.histories.spool import Spool, complete, sample

KEY = RunKey("r1", "api")
SECOND = 1_000_000


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Hold ten seconds: locks in seconds 2 to 4, answers of 1.5 s that end in seconds 5 and 6."""
    readings = [
        Reading(second * SECOND, "postgres", "db_locks_waiting", 3.0 if 2 <= second < 4 else 0.0)
        for second in range(10)
    ]
    # Two of ten, so that p(95) over all is above one second, too.
    samples = [
        sample(
            1_500 if second in {4, 5} else 10,
            started_us=second * SECOND,
            intended_us=second * SECOND,
        )
        for second in range(10)
    ]
    spool = Spool(samples=samples, readings=readings, outcome=complete())
    with open_history(tmp_path / "history.duckdb") as opened:
        opened.ingest(spool.write(tmp_path), KEY.benchmark)
        opened.summarise(KEY)
        yield opened


def found(history: History) -> dict[str, Finding]:
    findings = findings_of(history, KEY.run_id, load_profile("quick"))
    return {
        finding.rule: finding for _, finding in findings if finding.status is FindingStatus.FOUND
    }


def test_readings_and_samples_tell_when_and_for_how_long_they_were_above(
    history: History,
) -> None:
    """Locks: readings 2 and 3, one second each. API: answers of seconds 5 and 6, until 7 has one.

    p(95) over ten answers is at rank 8.55, between the two of 1,500 ms.
    """
    seen = found(history)

    assert seen["lock waits"].spell == Spell(2.0, 2.0)
    assert seen["API latency"].spell == Spell(5.0, 2.0)


def test_without_samples_a_finding_stays_and_only_its_time_is_gone(history: History) -> None:
    delete_samples(history.connection, "true", {})
    seal(history.connection, [RunKey("r1", "api")], SAMPLE_TABLES)

    seen = found(history)

    assert seen["lock waits"].spell == Spell(2.0, 2.0)
    assert seen["API latency"].spell is None
