"""Work out which parts of a system the benchmarks of a profile need for their scenarios.

Add here: another reason why a benchmark needs a part. Keep out: whether a part exists, and how that
is checked (loading/).
"""

from collections.abc import Collection, Iterator

from perf_pipeline.benchmarks.record import BeforeLoad, LedgerKind, Part
from perf_pipeline.benchmarks.registry import record_of
from perf_pipeline.config.own_delivery_rules import delivery_parts
from perf_pipeline.config.own_scenarios import draws_from_query, draws_seeded_users
from perf_pipeline.config.parameters import is_own, iteration_kind
from perf_pipeline.config.profile import Profile


def parts_of(profile: Profile, benchmark: str) -> frozenset[Part]:
    """Return the parts that must be there before the load of a benchmark can begin."""
    benchmark = loaded_as(profile, benchmark)
    return record_of(benchmark).needs | frozenset(_implied(profile, benchmark))


def parts_of_all(profile: Profile, benchmarks: Collection[str]) -> frozenset[Part]:
    """Return the parts that at least one of the benchmarks needs."""
    return frozenset().union(*(parts_of(profile, name) for name in benchmarks))


def loaded_as(profile: Profile, benchmark: str) -> str:
    """Return the benchmark whose load is run: for a search for a capacity, the one it searches."""
    config = profile.benchmarks.get(benchmark)
    return config.capacity.of if config is not None and config.capacity is not None else benchmark


def draws_users(profile: Profile, benchmark: str) -> bool:
    """Say whether a benchmark needs the users that a run seeds.

    Own scenarios need them only if one of their data sets is `seeded`.
    """
    benchmark = loaded_as(profile, benchmark)
    config = profile.benchmarks[benchmark]
    if draws_seeded_users(config):
        return True
    is_shipped_load = any(not is_own(scenario.exec) for scenario in config.scenarios.values())
    return is_shipped_load and BeforeLoad.SEEDED_USERS in record_of(benchmark).before_load


def makes_users(profile: Profile, benchmark: str) -> bool:
    """Say whether a benchmark leaves rows in the table of users, seeded or created by the load."""
    shipped = [
        iteration_kind(scenario.exec)
        for scenario in profile.benchmarks[loaded_as(profile, benchmark)].scenarios.values()
        if not is_own(scenario.exec)
    ]
    return draws_users(profile, benchmark) or any(
        kind is not None and kind.part in {Part.API, Part.POSTGRES} for kind in shipped
    )


def reads_system_deliveries(profile: Profile, benchmark: str) -> bool:
    """Say whether the reference system's table of deliveries completes a benchmark's ledger."""
    benchmark = loaded_as(profile, benchmark)
    has_own = profile.benchmarks[benchmark].deliveries is not None
    return not has_own and record_of(benchmark).ledger is LedgerKind.SYSTEM


def _implied(profile: Profile, benchmark: str) -> Iterator[Part]:
    for scenario in profile.benchmarks[benchmark].scenarios.values():
        if (kind := iteration_kind(scenario.exec)) is not None:
            yield kind.part
    if draws_from_query(profile.benchmarks[benchmark]):
        yield Part.POSTGRES
    yield from delivery_parts(profile.benchmarks[benchmark].deliveries)
    if draws_users(profile, benchmark) or reads_system_deliveries(profile, benchmark):
        yield Part.POSTGRES
