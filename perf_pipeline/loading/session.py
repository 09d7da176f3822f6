"""Hold a run under way: what was asked for, its target, where its files are, and who may stop it.

Add here: a fact that every use case needs. Keep out: what the use cases do.
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
    """Hold the request for a run: everything that has to be known before its load."""

    @property
    def profile(self) -> Profile:
        """Return the request."""
        ...

    @property
    def target(self) -> Target:
        """Return of whom, with the addresses of its parts."""
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """Hold one run.

    Attributes:
        run_id: sorts by time; part of every key.
        profile: checked.
        target: with the addresses of everything, embedded or configured; holds secrets.
        services: parts that run on this machine, for fingerprint and resource sampling.
        notices: what a reader of the figures must know (an emulator in place of Kafka).
        environment: the fingerprint; histories of different ones never mix.
        machine: exact facts of the load machine, which group no runs.
        revision: what is measured: version, commit, branch, pull_request, build; what is known.
        state: folder that all runs of this machine share.
        trigger: who started it: cli, dagster.
        began_at: UTC.
        narrator: receives the progress of the run.
        stop: set it, and the run ends early, in good order.
        planned: benchmarks that it is to run, in order; written down before it runs any.
        left_out: benchmarks that it goes without, because the target has no such part, and why.
        unmet: benchmarks that can't begin, because the target lacks what they need, and why.
        tags: what people called the run.
        stack: what the run started or found up on this machine; None without.
        fleet: the hosts that its load workers run on; None where they run on this machine.
        probes: make, of a benchmark's folder, what is read beside what the target asks for.
        began_ns: the time.monotonic_ns() of began_at.
        start_worker: the way in which its load workers are started.
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
        """Return the time (UTC) by the clock as it was when the run began, even if set later."""
        return self.began_at + timedelta(
            microseconds=(time.monotonic_ns() - self.began_ns) // 1_000
        )

    def say(self, sentence: str) -> None:
        """Pass a sentence to the narrator of the run."""
        self.narrator.say(sentence)

    def as_load_sees(self, server: str, address: str | None) -> str | None:
        """Return the address that load workers connect to: a proxy's where a fault hinders them."""
        if self.stack is None:
            return address
        return self.stack.links.seen_by("load", server, address)

    def proxy_port(self, server: str) -> int:
        """Return where load workers connect to in place of a server; 0 where nothing hinders them.

        For clients that say in their requests which server they mean.
        """
        return 0 if self.stack is None else self.stack.links.port_of("load", server)

    @property
    def folder(self) -> Path:
        """Return the run's folder in the spool."""
        return self.state.spool / self.run_id


def new_run_id(now: datetime | None = None) -> str:
    """Make an id that sorts by time and that two machines never share."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    return f"{stamp}-{secrets.token_hex(3)}"
