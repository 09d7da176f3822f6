"""Connect to the hosts of a run's load workers, compare them with this machine, and check them.

Add here: another condition that must hold on every host before a run. Keep out: reaching a host
(fleet/).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Final

from perf_pipeline.config.fleet import FleetConfig
from perf_pipeline.config.hosts import Place
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import Target, read_addresses
from perf_pipeline.engine.worker_start import StartWorker
from perf_pipeline.errors import GeneratorLimitError, ProfileError, TargetNotAllowedError
from perf_pipeline.fleet.checks import differences, refusals, too_many
from perf_pipeline.fleet.fleet import Fleet, FleetEngine
from perf_pipeline.fleet.host import HostFacts, facts_here
from perf_pipeline.loading.session import Session
from perf_pipeline.narration import Say

_MOST_TOLD: Final = 10


@contextmanager
def fleet_of(profile: Profile, target: Target, say: Say) -> Iterator[Fleet | None]:
    """Yield the fleet that a profile names, ready to load a target; None without one.

    Args:
        profile: a checked profile.
        target: the target with all its addresses.
        say: is told a description of the fleet.

    Raises:
        ProfileError: Dask is not installed here, or the address is not encrypted.
        GeneratorLimitError: the fleet does not answer, or a host has different software.
        TargetNotAllowedError: a host may not load the target.
    """
    if profile.fleet is None:
        yield None
        return
    _require_encryption(profile.name, profile.fleet)
    with _engine(profile.name, profile.fleet) as engine:
        yield _checked(engine, profile, target, say)


def _require_encryption(name: str, config: FleetConfig) -> None:
    if config.is_open and config.encrypted:
        raise ProfileError(
            name,
            [f"{config.address} is not encrypted, and what the workers receive crosses a network"],
            hint="give the fleet certificates and use tls:// (docs/fleet.md), or allow it with "
            "`fleet.encrypted = false`",
        )


@contextmanager
def _engine(name: str, config: FleetConfig) -> Iterator[FleetEngine]:
    try:
        from perf_pipeline.fleet.dask_engine import dask_engine  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise ProfileError(
            name,
            [f"the engine of its fleet needs the package {error.name}, which is not installed"],
            hint="pip install 'perf_pipeline[fleet]', here and on each host",
        ) from None
    with dask_engine(config) as engine:
        yield engine


def _checked(engine: FleetEngine, profile: Profile, target: Target, say: Say) -> Fleet:
    facts = engine.facts(_places(target))
    _require_fit(facts, target)
    fleet = Fleet(engine, facts)
    workers = "1 load worker" if profile.workers == 1 else f"{profile.workers} load workers"
    say(f"{workers} on a fleet: {fleet.size}")
    if told := too_many(facts, profile.workers):
        say(told)
    return fleet


def _places(target: Target) -> list[Place]:
    addresses = read_addresses(target).values()
    return list(dict.fromkeys(chain.from_iterable(address.places for address in addresses)))


def _require_fit(facts: Mapping[str, HostFacts], target: Target) -> None:
    here, places = facts_here(), _places(target)
    unlike = [told for host, found in facts.items() for told in differences(host, found, here)]
    if unlike:
        raise GeneratorLimitError(
            f"the fleet is not like this machine: {'; '.join(unlike[:_MOST_TOLD])}; nothing was "
            "sent",
            hint="install the same lock file, on the same Python, on every host",
        )
    refused = [told for host, its in facts.items() for told in refusals(host, its, here, places)]
    if refused:
        raise TargetNotAllowedError(
            f"target {target.name}: {'; '.join(refused[:_MOST_TOLD])}; nothing was sent",
            hint="each host has to allow the target by its own variable PERF_ALLOWED_HOSTS, and "
            "the target needs an address that means the same on every host",
        )


def fit_again(fleet: Fleet, target: Target) -> Fleet:
    """Return the fleet with its current hosts, which generate the next load of a run.

    A lost host may be replaced, and a host may be restarted with different software; so each load
    repeats the checks that the run made at its start.

    Raises:
        GeneratorLimitError: the hosts differ in number or size from those at the start, or one may
            not load the target or has different software.
    """
    now = fleet.asked_again(_places(target))
    if now.size != fleet.size:
        raise GeneratorLimitError(
            f"the fleet is no longer what it was when the run began: {now.size} now, {fleet.size} "
            "then; nothing was sent",
            hint="run again when all hosts are there",
        )
    try:
        _require_fit(now.facts, target)
    except TargetNotAllowedError as error:
        raise GeneratorLimitError(error.sentence, hint=error.hint) from error
    return now


def on_fleet(session: Session, fleet: Fleet | None) -> Session:
    """Return a run with the fleet's size in its fingerprint; without a fleet, unchanged."""
    if fleet is None:
        return session
    return replace(session, fleet=fleet, environment={**session.environment, "fleet": fleet.size})


@contextmanager
def workers_of(session: Session) -> Iterator[StartWorker]:
    """Yield the way to start the workers of a load, on the fleet's hosts or on this machine.

    Raises:
        GeneratorLimitError: a host can't start a worker, or the fleet is not what it was.
    """
    if session.fleet is None:
        yield session.start_worker
        return
    with fit_again(session.fleet, session.target).workers(session.profile.workers) as start:
        yield start
