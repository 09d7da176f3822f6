"""Find out which parts of a user's system answer, and which parts its benchmarks lack.

Add here: another check of a target that people want before their first run. Keep out: parts that
would be started on this machine (stack/doctor.py), and the checks of a run (needs.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.needed_parts import parts_of
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import Target
from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.loading.needs import require_api
from perf_pipeline.secrecy.addresses import mask_address
from perf_pipeline.stack import embedded
from perf_pipeline.stack.health import ASK_DOCTOR
from perf_pipeline.stack.parts import PartFinding, StackOptions

_WORDS: Final[Mapping[Part, str]] = MappingProxyType(
    {
        Part.API: "HTTP API",
        Part.POSTGRES: "PostgreSQL",
        Part.BROKERS: "Kafka brokers",
        Part.REDIS: "Redis",
    }
)


def missing_parts(profile: Profile, benchmarks: Sequence[str], target: Target) -> Iterator[str]:
    """Say which benchmarks need each part that a target lacks, and how to give its address."""
    there = target.addresses
    for part, address in there.items():
        needing = [name for name in benchmarks if part in parts_of(profile, name)]
        if needing and address is None:
            verb = "needs" if len(needing) == 1 else "need"
            yield (
                f"{', '.join(needing)} {verb} {_WORDS[part]}, and target {target.name} names none; "
                f"{_remedy(part, profile, target)}"
            )


def target_findings(
    profile: Profile, benchmarks: Sequence[str], target: Target, state: Path
) -> list[PartFinding]:
    """Check each part of a target that has an address, and name each part that is missing.

    Args:
        profile: a checked profile.
        benchmarks: the benchmarks whose needs count.
        target: a checked target.
        state: the state folder.
    """
    missing = [
        PartFinding("target", ok=False, sentence=sentence)
        for sentence in missing_parts(profile, benchmarks, target)
    ]
    given = StackOptions(
        postgres_dsn=target.postgres_dsn,
        brokers=target.brokers,
        redis_url=target.redis_url,
        parts=frozenset(),
        allowed=target.allowed,
    )
    return [
        *missing,
        *_api_findings(profile, benchmarks, target),
        *embedded.doctor(state, given),
    ]


def _api_findings(
    profile: Profile, benchmarks: Sequence[str], target: Target
) -> Iterator[PartFinding]:
    if target.base_url is None:
        return
    # A shipped benchmark requires more of an API than a user's own benchmark.
    asking = [name for name in benchmarks if Part.API in parts_of(profile, name)] or benchmarks
    try:
        for name in asking:
            require_api(profile, target, name)
    except PerfPipelineError as error:
        told = "; ".join(filter(None, (error.sentence, error.hint.removesuffix(ASK_DOCTOR))))
        yield PartFinding("api", ok=False, sentence=told)
        return
    yield PartFinding("api", ok=True, sentence=f"given, answers at {mask_address(target.base_url)}")


def _remedy(part: Part, profile: Profile, target: Target) -> str:
    written = profile.targets.get(target.name)
    dsn = written.postgres_dsn_env if written else "PERF_POSTGRES_DSN"
    url = written.redis_url_env if written else "PERF_REDIS_URL"
    return {
        Part.API: f"set baseUrl of [targets.{target.name}], or PERF_BASE_URL",
        Part.POSTGRES: f"set the environment variable {dsn}",
        Part.BROKERS: f"set brokers of [targets.{target.name}], or PERF_KAFKA_BROKERS",
        Part.REDIS: f"set the environment variable {url}",
    }[part]
