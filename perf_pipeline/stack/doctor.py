"""Find out where each part of the stack would come from on this machine, and what is missing.

Add here: a finding that people need before their first run. Keep out: starting anything.
"""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Final

from perf_pipeline.errors import PerfPipelineError, StackError
from perf_pipeline.stack.kafka import given_kafka, kafka_finding
from perf_pipeline.stack.noida import find_noida
from perf_pipeline.stack.parts import Launched, PartFinding, StackOptions
from perf_pipeline.stack.places import is_plain, link_parent, shown
from perf_pipeline.stack.postgres import given_postgres, postgres_finding
from perf_pipeline.stack.redis import given_redis, redis_finding
from perf_pipeline.stack.reference import reference_finding
from perf_pipeline.stack.service import LOOPBACK, PORTS, free_port

UP_OR_RUN: Final = "run-1234567-1"  # the longest name of a stack's folder


def machine_findings(state: Path) -> list[PartFinding]:
    """Check what every part needs from this machine: a path to the state, ports, and a locale."""
    return [_folder_finding(state.absolute()), _ports_finding(), _locale_finding()]


def _folder_finding(state: Path) -> PartFinding:
    if is_plain(state / "stacks" / UP_OR_RUN):
        return PartFinding("folder", ok=True, sentence=f"servers get {state} as it is")
    try:
        parent = link_parent()
    except StackError as error:
        return PartFinding("folder", ok=False, sentence=error.sentence)
    sentence = f"servers get {shown(state)} as a link in {parent}, because of its letters or length"
    return PartFinding("folder", ok=True, sentence=sentence)


def _ports_finding() -> PartFinding:
    try:
        free_port()
    except StackError as error:
        return PartFinding("ports", ok=False, sentence=f"{error.sentence}; {error.hint}")
    between = f"between {PORTS.start} and {PORTS.stop - 1}"
    return PartFinding("ports", ok=True, sentence=f"there are free ports on {LOOPBACK} {between}")


def _locale_finding() -> PartFinding:
    chosen = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    name = next(filter(None, chosen), "none set")
    return PartFinding(
        "locale", ok=True, sentence=f"{name} (file names: {sys.getfilesystemencoding()})"
    )


def doctor(state: Path, options: StackOptions) -> list[PartFinding]:
    """Return one finding per wanted or given part; given parts are checked, and none is started."""
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


def _ask(part: str, given: Launched) -> PartFinding:
    try:
        info = given.describe()
    except PerfPipelineError as error:
        return PartFinding(part, ok=False, sentence=error.sentence)
    return PartFinding(part, ok=True, sentence=f"given, answers at {info.address} ({info.version})")


def _broker_finding(cache: Path) -> PartFinding:
    finding = kafka_finding(cache)
    if finding.ok or find_noida() is None:
        return finding
    sentence = f"only the emulator noida-db, which is not Kafka, would run: {finding.sentence}"
    return PartFinding("kafka", ok=True, sentence=sentence)
