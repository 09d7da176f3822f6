"""Say for each part of the stack where it would come from here, and what is missing.

Add here: a finding that people need before their first run. Keep out: starting anything.
"""

from functools import partial
from pathlib import Path

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.stack.kafka import given_kafka, kafka_finding
from perf_pipeline.stack.noida import find_noida
from perf_pipeline.stack.parts import Finding, Launched, StackOptions
from perf_pipeline.stack.postgres import given_postgres, postgres_finding
from perf_pipeline.stack.redis import given_redis, redis_finding
from perf_pipeline.stack.reference import reference_finding


def doctor(state: Path, options: StackOptions) -> list[Finding]:
    """Return one finding per wanted or given part; given ones are asked, none is started."""
    cache = state.absolute() / "cache"
    given = partial(given_kafka, allowed=options.allowed)
    checks = (
        ("postgres", options.postgres_dsn, given_postgres, postgres_finding),
        ("kafka", options.brokers, given, lambda: _broker_finding(cache)),
        ("redis", options.redis_url, given_redis, redis_finding),
    )
    findings = [
        find() if endpoint is None else _ask(part, use(endpoint))
        for part, endpoint, use, find in checks
        if endpoint is not None or part in options.parts
    ]
    if "reference" in options.parts:
        findings.append(reference_finding())
    return findings


def _ask(part: str, given: Launched) -> Finding:
    try:
        info = given.describe()
    except PerfPipelineError as error:
        return Finding(part, ok=False, sentence=error.sentence)
    return Finding(part, ok=True, sentence=f"given, answers at {info.address} ({info.version})")


def _broker_finding(cache: Path) -> Finding:
    finding = kafka_finding(cache)
    if finding.ok or find_noida() is None:
        return finding
    sentence = f"only the emulator noida-db, which is not Kafka, would run: {finding.sentence}"
    return Finding("kafka", ok=True, sentence=sentence)
