"""Hold a run in progress: the request, its target, its files, and how it can be stopped.

Add here: something that every step of a run needs to know. Keep out: the steps themselves.
"""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from perf_pipeline.config.profile import Profile
from perf_pipeline.config.target import Target
from perf_pipeline.engine.worker_start import StartWorker, start_interpreter
from perf_pipeline.fleet.fleet import Fleet
from perf_pipeline.loading.last_calibration import LastCalibration
from perf_pipeline.loading.storing import Storing
from perf_pipeline.narration import Narrator
from perf_pipeline.probes.probe import Probe
from perf_pipeline.stack.parts import ServiceInfo, Stack
from perf_pipeline.store.state import State


class Aim(Protocol):
    """Hold the request for a run: everything that must be known before its load."""

    @property
    def profile(self) -> Profile:
        """Return the profile."""
        ...

    @property
    def target(self) -> Target:
        """Return the target, with the addresses of its parts."""
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """Hold one run in progress.

    Attributes:
        run_id: the run's id, which sorts by time and is part of every key.
        profile: the checked profile.
        target: the target with all addresses, embedded or configured; it holds secrets.
        services: the parts that run on this machine, for the fingerprint and for resource sampling.
        notices: what a reader of the figures must know (e.g. an emulator instead of Kafka).
        environment: the fingerprint; runs with different fingerprints are never compared.
        machine: exact facts about the load machine, by which runs are not grouped.
        revision: the known facts of what is measured: version, commit, branch, pull_request, build.
        state: the folder that all runs of this machine share.
        trigger: who started the run: cli or dagster.
        began_at: when it began, in UTC.
        narrator: is told the progress of the run.
        stop: set it to end the run early, in good order.
        planned: the benchmarks to run, in order; they are recorded before any of them runs.
        left_out: benchmarks that are left out because the target has no such part, with the reason.
        unmet: benchmarks that can't begin because the target lacks what they need, with the reason.
        tags: the tags of the run.
        stack: the stack that the run started or found on this machine; None without one.
        fleet: the hosts that its load workers run on; None if they run on this machine.
        probes: makes, for a benchmark's folder, probes in addition to those of the target.
        began_ns: `began_at` in time.monotonic_ns().
        start_worker: starts its load workers.
        last_calibration: the calibration of the load machine after the newest load.
        storing: the storing of the previous benchmark; no load or calibration begins before it
            ends.
    """

    run_id: str
    profile: Profile
    target: Target
    services: tuple[ServiceInfo, ...]
    notices: tuple[str, ...]
    environment: Mapping[str, str]
    state: State
    trigger: str
    began_at: datetime
    narrator: Narrator
    stop: threading.Event = field(default_factory=threading.Event)
    planned: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    unmet: Mapping[str, str] = field(default_factory=dict)
    start_worker: StartWorker = start_interpreter
    revision: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    last_calibration: LastCalibration = field(default_factory=LastCalibration)
    storing: Storing = field(default_factory=Storing)
    tags: Mapping[str, str] = field(default_factory=dict)
    stack: Stack | None = None
    fleet: Fleet | None = None
    probes: tuple[Callable[[Path], Probe], ...] = ()
    began_ns: int = field(default_factory=time.monotonic_ns)

    def now(self) -> datetime:
        """Return the time (UTC) by the clock at the start of the run, even if it was set later."""
        return self.began_at + timedelta(
            microseconds=(time.monotonic_ns() - self.began_ns) // 1_000
        )

    def say(self, sentence: str) -> None:
        """Tell the run's narrator a sentence."""
        self.narrator.say(sentence)

    def as_load_sees(self, server: str, address: str | None) -> str | None:
        """Return the address that load workers connect to: a proxy's if a fault hinders them."""
        if self.stack is None:
            return address
        return self.stack.links.seen_by("load", server, address)

    def proxy_port(self, server: str) -> int:
        """Return the port that load workers connect to instead of a server's; 0 if none.

        This is for clients that name the server in their requests.
        """
        return 0 if self.stack is None else self.stack.links.port_of("load", server)

    @property
    def folder(self) -> Path:
        """Return the run's folder in the spool."""
        return self.state.spool / self.run_id


def new_run_id(now: datetime | None = None) -> str:
    """Make an id that sorts by time and is unique across machines."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    return f"{stamp}-{secrets.token_hex(3)}"
