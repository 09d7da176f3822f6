"""Refuse a benchmark whose load as a whole is more than a machine can run or store.

Every key may be within its bounds while their product is not. Add here: another sum or product over
keys. Keep out: bounds of single keys.
"""

from collections.abc import Iterator

from perf_pipeline.config.bounds import MOST_BYTES_AT_ONCE, MOST_STARTS, MOST_VUS_AT_ONCE
from perf_pipeline.config.parameters import CeilingParameters, TransactionParameters
from perf_pipeline.config.profile import BenchmarkConfig, Profile
from perf_pipeline.units import format_bytes


def load_mistakes(profile: Profile) -> Iterator[str]:
    """Find benchmarks whose scenarios together are more than can be run or stored."""
    for name, config in profile.benchmarks.items():
        yield from (f"benchmarks.{name} {sentence}" for sentence in _mistakes(config))


def _mistakes(config: BenchmarkConfig) -> Iterator[str]:
    starts = sum(scenario.plan.most_starts for scenario in config.scenarios.values())
    if starts > MOST_STARTS:
        yield (
            f"would start {starts:,} iterations, but at most {MOST_STARTS:,} can be stored; lower "
            "the rates, iterations or durations"
        )
    for step, scenarios in config.load_steps:
        vus = sum(scenario.plan.most_vus for scenario in scenarios.values())
        if vus > MOST_VUS_AT_ONCE:
            where = f" in step {step}" if len(config.load_steps) > 1 else ""
            yield (
                f"has {vus:,} VUs at once{where}, but one machine can run at most "
                f"{MOST_VUS_AT_ONCE:,}; lower vus or maxVUs"
            )
    yield from _produced_mistakes(config)


def _produced_mistakes(config: BenchmarkConfig) -> Iterator[str]:
    for name, scenario in config.scenarios.items():
        match scenario.parameters:
            case CeilingParameters(batch=count, message_bytes=size):
                held = count * size
            case TransactionParameters(messages_per_transaction=count, message_bytes=size):
                held = count * size
            case _:
                continue
        if held > MOST_BYTES_AT_ONCE:
            yield (
                f"has scenario {name} whose iteration holds {count:,} messages of {size:,} bytes; "
                f"that is more than {format_bytes(MOST_BYTES_AT_ONCE)}"
            )
