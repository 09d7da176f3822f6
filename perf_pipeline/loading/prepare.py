"""Prepare a run: check the target, find or start the stack, take the fingerprint, write run.json.

Add here: something that must hold before any load. Keep out: data (seeding.py) and load
(measure.py).
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from perf_pipeline import __version__
from perf_pipeline.config.own_scenarios import own_notices
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.safety import check_target
from perf_pipeline.config.target import Target, resolve_target
from perf_pipeline.engine.forked_worker import worker_template
from perf_pipeline.engine.worker_start import StartWorker
from perf_pipeline.errors import (
    AddressError,
    StoppedByUserError,
    StoreBusyError,
)
from perf_pipeline.loading.absent import left_out_of
from perf_pipeline.loading.broker_agents import require_agents
from perf_pipeline.loading.environment import exact_machine, fingerprint
from perf_pipeline.loading.fault_driver import FOLDER
from perf_pipeline.loading.fault_parts import require_fault_parts
from perf_pipeline.loading.fleet import fleet_of, on_fleet
from perf_pipeline.loading.found_system import found_system
from perf_pipeline.loading.given_parts import is_found, stack_options
from perf_pipeline.loading.jobs import workload_modules
from perf_pipeline.loading.leftovers import rows_removed
from perf_pipeline.loading.locks import alone, lock_folders
from perf_pipeline.loading.needs import unmet_of
from perf_pipeline.loading.receivers import require_receivers
from perf_pipeline.loading.revision import revision_of
from perf_pipeline.loading.scaled_parts import require_scaled_parts
from perf_pipeline.loading.session import Session, new_run_id
from perf_pipeline.loading.space import require_space
from perf_pipeline.loading.streaming import streamed
from perf_pipeline.loading.tier_probes import require_prometheus
from perf_pipeline.narration import Narrator
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.link_routes import NO_LINKS
from perf_pipeline.stack.parts import Stack
from perf_pipeline.stack.undoing import undo_left_over
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.spool_records import write_run_record
from perf_pipeline.store.state import WAIT_S, State
from perf_pipeline.store.waiting import register, take_up
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.kafka.properties import require_properties

_HISTORY_WAIT_S: Final = 5.0


@contextmanager
def open_session(
    profile: Profile,
    *,
    state: State,
    trigger: str,
    narrator: Narrator,
    run_id: str | None = None,
    stop: threading.Event | None = None,
    environ: Mapping[str, str] | None = None,
    planned: Sequence[str] = (),
    by_name: bool = False,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Session]:
    """Yield a run that is ready to be loaded; afterwards its stack is stopped, its rows removed.

    Only one run at a time is open on this machine, and this one waits for its turn. That includes
    starting the stack and seeding: both would disturb another run's figures, and seeding removes
    the rows of every other run.

    Args:
        profile: a checked profile.
        state: the folder that all runs of this machine share.
        trigger: who started it.
        narrator: is told the progress of the run.
        run_id: a driver's own id; by default a new one.
        stop: set it to end the run early, in good order.
        environ: the environment variables; os.environ by default.
        planned: the benchmarks to run, in order; if the whole profile is run, optional benchmarks
            are left out when the target lacks what they need.
        by_name: whether each of them was named, so that none may be left out.
        tags: the tags of the run.

    Raises:
        TargetNotAllowedError: nothing was sent.
        ProfileError: a fault should hit, or a scaling run should resize, a part that the run does
            not start.
        TargetUnavailableError: no benchmark can get the parts of the target that it needs.
        StackError: a part of the embedded stack could not be started.
        GeneratorLimitError: a host of the fleet can't load; nothing was sent.
        StoreBusyError: the history is open elsewhere; nothing was sent.
        StoppedByUserError: the run was stopped while it waited for another run, or while the stack
            started.
    """
    variables = os.environ if environ is None else environ
    target = find_target(profile, variables)
    require_fault_parts(profile, planned, target)
    require_scaled_parts(profile, planned, target)
    require_space(state.folder)
    stop = stop or threading.Event()
    names = tuple(planned)
    what = f"the run of profile {profile.name}"
    with alone(lock_folders(state.folder, variables), what, narrator.say, stop) as has_waited:
        require_history(state, has_waited=has_waited)
        undo_left_over(state.folder.absolute() / FOLDER, narrator.say)
        with (
            streamed(state, narrator) as told,
            worker_template(workload_modules(profile, planned)) as start_worker,
            _system(profile, target, planned, state, told, stop) as (complete, stack),
            fleet_of(profile, complete, told.say) as fleet,
        ):
            if stop.is_set():
                raise StoppedByUserError("stopped before anything was measured")
            wanted = _Wanted(
                profile, state, trigger, told, run_id, stop, names, by_name, variables, tags
            )
            session = on_fleet(wanted.session(target, complete, stack, start_worker), fleet)
            session = replace(session, unmet=unmet_of(session))
            begin_run(session)
            told.begin_run(session)
            with rows_removed(session, stack):
                yield session


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Hold what a driver asked for, as `open_session` describes it."""

    profile: Profile
    state: State
    trigger: str
    narrator: Narrator
    run_id: str | None
    stop: threading.Event
    planned: tuple[str, ...]
    by_name: bool
    variables: Mapping[str, str]
    tags: Mapping[str, str]

    def session(
        self, target: Target, complete: Target, stack: Stack | None, start_worker: StartWorker
    ) -> Session:
        """Begin the run over a system that is up, and say which benchmarks it leaves out.

        Args:
            target: the target as configured.
            complete: the target with the addresses of all parts that exist.
            stack: the embedded stack, if there is one.
            start_worker: the way in which load workers are started.
        """
        began_at = datetime.now(UTC)
        left_out = left_out_of(self.profile, self.planned, complete, by_name=self.by_name)
        services, notices = ((), ()) if stack is None else (stack.services, stack.notices)
        links = NO_LINKS if stack is None else stack.links
        revision = revision_of(self.profile, complete, self.variables)
        told = (*left_out.values(), *revision.notices)
        for sentence in told:
            self.narrator.say(sentence)
        return Session(
            run_id=self.run_id or new_run_id(began_at),
            profile=self.profile,
            target=complete,
            services=services,
            notices=(*notices, *own_notices(self.profile), *told),
            environment=fingerprint(self.profile, target, services, self.variables, links),
            state=self.state,
            trigger=self.trigger,
            began_at=began_at,
            narrator=self.narrator,
            stop=self.stop,
            planned=tuple(name for name in self.planned if name not in left_out),
            left_out=left_out,
            start_worker=start_worker,
            revision=revision.facts,
            machine=exact_machine(),
            tags=self.tags,
            stack=stack,
        )


def find_target(profile: Profile, environ: Mapping[str, str]) -> Target:
    """Return the profile's target after checking that its hosts are loopback or allowed.

    Raises:
        TargetNotAllowedError: a host is not allowed; the message names the host and the key to set.
        AddressError: an address cannot be read; the message names the variable or key.
    """
    config = profile.targets.get(profile.target)
    target = resolve_target(profile.target, config, environ, profile.folder)
    require_prometheus(target)
    require_agents(target)
    require_receivers(profile.out, target, environ)
    checked = check_target(target)
    if checked.brokers is not None:
        require_properties(checked.brokers, checked.name)
    if checked.base_url is not None:
        try:
            HttpOrigin.parse(checked.base_url)
        except ValueError as error:
            raise AddressError(checked.key_of("base_url"), f"cannot be loaded: {error}") from None
    return checked


def begin_run(session: Session) -> None:
    """Record in the spool and in the history what the run will do, before it does it."""
    record = write_run(session)
    if session.planned:
        register(session.state, record, wait_s=_HISTORY_WAIT_S, say=session.say)


def write_run(session: Session, problems: Sequence[str] = ()) -> RunRecord:
    """Write run.json, so that the spool can be ingested without this process.

    Args:
        session: the session of the run.
        problems: what ended the run as a whole, in one sentence each.
    """
    session.folder.mkdir(parents=True, exist_ok=True)
    record = RunRecord(
        run_id=session.run_id,
        profile=session.profile.name,
        profile_json=session.profile.as_json,
        config_hash=session.profile.config_hash,
        seed=session.profile.seed,
        target=session.target.masked,
        trigger=session.trigger,
        code_version=__version__,
        began_at=session.began_at.isoformat(),
        environment={key: KNOWN.mask(text) for key, text in session.environment.items()},
        notices=tuple(map(KNOWN.mask, session.notices)),
        planned=session.planned or None,
        problems=tuple(map(KNOWN.mask, problems)),
        revision=session.revision,
        machine=session.machine,
        tags={name: KNOWN.mask(text) for name, text in session.tags.items()},
    )
    write_run_record(session.folder, record)
    return record


def require_history(state: State, *, has_waited: bool) -> None:
    """Refuse to begin while the history cannot be written; register the runs that wait.

    Args:
        state: the state folder with the history.
        has_waited: whether this run waited for another run, which is still being judged, so that
            the history may be open for longer.

    Raises:
        StoreBusyError: another process has the history open; the message names it.
        PerfPipelineError: the history is damaged, or newer than this code.
    """
    try:
        with state.history(wait_s=WAIT_S if has_waited else _HISTORY_WAIT_S) as history:
            take_up(history, state)
    except StoreBusyError as error:
        raise StoreBusyError(
            f"{error.sentence}; nothing was sent", hint="close it there, then run again"
        ) from error


@contextmanager
def _system(
    profile: Profile,
    target: Target,
    planned: Sequence[str],
    state: State,
    narrator: Narrator,
    stop: threading.Event,
) -> Iterator[tuple[Target, Stack | None]]:
    """Yield the target with every address; start the parts that benchmarks need and nobody gave."""
    options = stack_options(profile, target, planned)
    if is_found(target) or not options.parts:
        with found_system(target, options, state, narrator.say) as found:
            yield found
        return
    with running_stack(state.folder, options, say=narrator.say, stop=stop) as stack:
        ends = stack.endpoints
        complete = replace(
            target,
            base_url=ends.base_url,
            postgres_dsn=ends.postgres_dsn or target.postgres_dsn,
            brokers=ends.brokers or target.brokers,
            redis_url=ends.redis_url or target.redis_url,
        )
        for notice in stack.notices:
            narrator.say(notice)
        yield complete, stack
